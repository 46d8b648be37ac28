"""A bound on how far the outputs of an exported network may be from the exact ones, for all inputs of magnitude <= R.

`samenet.testing.bounds` derives the error for given inputs. Here, each term is replaced by its maximum over all inputs
with |x| <= R, layer by layer: H bounds |h|, e bounds the error of h, so H + e bounds any computed h; u, least, flush
and gamma are those of `samenet.testing.rounding`, in the arithmetic of the exported program.

    H = R, e = 0                                 in the input layer
    Z = |W| H + |b|,  size = |W| (H + e) + |b|   the largest weighted sum, exact and computed
    dz = |W| e + gamma_(n+1) size + n least      gamma_(n+2) if W and b were rounded to the arithmetic's dtype, where
                                                 each may lose least besides
    sigmoid   e' = dz/4 + 8 u (1 + dz/2) + flush,              H' = 1
    tanh      e' = dz + 16 u (1 + 2 dz) + 2 least,             H' = 1
    relu      e' = dz,                                         H' = Z; the identity likewise
    softmax   e' = 1 - exp(-w) + gamma_(n+18) + u (4 w + 1 + ln n) + (n + 2) flush,  w = dz + max dz,  H' = 1

with the first term at most the width of the range, 1 or 2. In the term of softmax, |a| of `activation_bounds` has a
factor of at most exp(2 w - |a|), or 1, and |a| times this factor is at most 2 w + 1. As there, exp and tanh are assumed
to be accurate to 4 units in the last place. If size may exceed the range of the dtype, the error is infinite.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.model import Model
from samenet.testing.rounding import Array, Rounding, gamma

_ROUNDED = 1.01  # covers the rounding of the bound itself


class Errors(NamedTuple):
    """Bounds on how far any output may be from the exact one, for inputs of magnitude `within` or less.

    exported  for the exported program
    own       for the network on any of samenet's backends
    """

    exported: float
    own: float
    within: float

    def __str__(self) -> str:
        """In words; the numbers are rounded up."""
        inputs = f"For inputs from -{self.within:g} to {self.within:g}"
        if not np.isfinite(self.exported + self.own):
            return f"{inputs} numbers may overflow: there is no error bound."
        exported, own, both = (f"{1.05 * e:.1e}" for e in (self.exported, self.own, self.exported + self.own))
        return (
            f"{inputs} each output is within {exported} of the exact one, and samenet's own within {own}, so that they "
            f"differ by at most {both}."
        )


@np.errstate(all="ignore")  # where numbers overflow, the error is infinite
def largest_error(model: Model, dtype: np.dtype[Any], within: float) -> float:
    """The bound for the worst output, computed in this dtype; parameters of another dtype are rounded to it first."""
    r = Rounding.of(dtype)
    lost = np.finfo(dtype).bits < np.finfo(model.dtype).bits
    H: Array = np.full(model.sizes[0], float(within))
    e: Array = np.zeros_like(H)
    for layer, name in enumerate(model.activations):
        W = np.abs(model.weights[layer].astype(np.float64))
        b = np.abs(model.biases[layer].astype(np.float64)) if model.bias else np.zeros(len(W))
        n = W.shape[1]
        size = W @ (H + e) + b
        dz = W @ e + gamma(n + 1 + lost, r.u) * size + n * r.least
        if lost:
            dz += r.least * (1 + (H + e).sum())
        if not (size <= r.most).all() or not np.isfinite(dz).all():
            return float("inf")
        H, e = _activated(name, W @ H + b, dz, r)
    return _ROUNDED * float(e.max())


def _activated(name: str, Z: Array, dz: Array, r: Rounding) -> tuple[Array, NDArray[np.float64]]:
    """H' and e' of a layer."""
    if name in ("relu", "identity"):
        return Z, dz
    one = np.ones_like(Z)
    if name == "sigmoid":
        moved = np.minimum(dz / 4, 1)
        return one, moved + 8 * r.u * (1 + 2 * moved) + r.flush
    if name == "tanh":
        moved = np.minimum(dz, 2)
        return one, moved + 16 * r.u * (1 + 2 * moved) + 2 * r.least
    if name != "softmax":
        raise TypeError(f"activation: no bound is derived for {name!r}")
    n, w = len(Z), dz + dz.max()
    relative = gamma(n + 18, r.u) + r.u * (4 * w + 1 + np.log(n))
    return one, np.minimum(-np.expm1(-w) + relative, 1) + (n + 2) * r.flush
