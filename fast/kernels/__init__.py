"""The compiled kernels of `samenet.fast.numba`.

Mathematics, in the order of reading: `functions` (activations and costs), `products` (matrix products), `layers`
(forward), `backward` (the gradient), `descent` (updates), `answers` (what a backend asks for forward); and two short
ways, `sparse` (input that is mostly zero) and `small` (networks whose layers fit a register).

Machinery: `compiling` (how a kernel is compiled), `caching` (kept on disk) and `uninterrupted` (while Ctrl-C may come),
`instructions`, `machine` and `registers` (vector registers: the code that writes the processor's instructions),
`sharing` (several threads at one batch).

Floating point: sums may be reassociated, in one fixed order, and products contracted into fused multiply-adds, inside
the bound that `samenet.testing.tolerance` derives. NaN and infinity are kept.
"""
