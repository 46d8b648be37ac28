"""The compiled kernels of `samenet.fast.numba`: see README.md beside this file.

Mathematics, in the order of reading: `activations` (and costs), `gemm` (matrix products), `packing` (the parameters as
kernels want them), `forward`, `backward` (the gradient), `training` (updates), `inference` (what a backend asks for
forward), `parallel` (several threads at one batch); and two short ways, `sparse_input` (input that is mostly zero) and
`tiny_network` (networks of little work).

`codegen` writes, compiles and keeps their code.

Floating point: sums may be reassociated, in one fixed order, and products contracted into fused multiply-adds, inside
the bound that `samenet.testing.tolerance` derives. NaN and infinity are kept.
"""
