"""The compiled kernels of `samenet.fast.numba`: see README.md beside this file.

The mathematics, in reading order: `activations` (and costs), `gemm` (matrix products), `packing` (packed parameters),
`forward`, `backward` (the gradient), `training` (updates), `inference` (predictions), `parallel` (several threads for
one batch). The other modules are faster ways for some shapes and options, and the options themselves; README.md has a
line on each.

`codegen` generates, compiles and caches their code.

Floating point: sums may be reassociated, in one fixed order, and products contracted into fused multiply-adds, inside
the bound that `samenet.testing.tolerance` derives. NaN and infinity are kept.
"""
