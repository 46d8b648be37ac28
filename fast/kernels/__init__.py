"""The compiled kernels of `samenet.fast.numba`: see README.md beside this file.

The mathematics, in reading order: `activations` (and costs), `gemm` (matrix products), `packing` (packed parameters),
`forward`, `backward` (the gradient), `training` (updates), `inference` (predictions), `parallel` (several threads for
one batch); and two fast paths, `sparse_input` (for input that is mostly zero) and `tiny_network`.

`codegen` generates, compiles and caches their code.

Floating point: sums may be reassociated, in one fixed order, and products contracted into fused multiply-adds, inside
the bound that `samenet.testing.tolerance` derives. NaN and infinity are kept.
"""
