"""Error bounds for the weights that adaptive sampling learns from one batch, from bounded squared norms.

Before the batch, the weights and the running mean R are equal in both computations, and so are the rows drawn and their
factors.
"""

import math

import numpy as np
from numpy.typing import NDArray

from samenet.backends.adaptive import Sampler
from samenet.testing.rounding import Array, Bounded, Rounding, gamma

_U = 2.0**-53  # everything is computed in float64


def factors(sampler: Sampler, rows: NDArray[np.int64]) -> Array:
    """1 / (m q) of these rows."""
    shares = sampler.weights[rows] / sampler.weights.sum()
    result: Array = 1 / (len(sampler.weights) * ((1 - sampler.floor) * shares + sampler.floor / sampler.rows))
    return result


@np.errstate(all="ignore")
def learned(sampler: Sampler, rows: NDArray[np.int64], squares: Bounded, r: Rounding) -> tuple[Array, float]:
    """Bounds on the errors of the weights and the running mean; infinite if a square is not bounded.

    squares: ||c dJ/dtheta||^2 of each draw, (B,). With their mean M, q = square / R, and before the first batch R = M:

        dM       the mean of their errors + gamma_(B+3) M;  dR = dM before the first batch, else 0
        dq       (d square + q dR) / (R - dR) + gamma_6 q, with gamma of the network's dtype, in which B^2 may have been
                 multiplied in and divided out
        d ln w   the sum over a row's draws of rate dq + 16 u (1 + rate 10): min, max and the limits increase no
                 difference, and exp, two roundings and its argument's lose less than that
        dw       w (exp(d ln w) - 1), with the largest w that may have been reached
        dR'      share dM + (1 - share) dR + gamma_6 (R + M),  share = B / (B + 100)
    """
    count, stored = len(rows), float(sampler.mean[0])
    M, dM = float(squares.value.mean()), float(squares.error.mean())
    dM += gamma(count + 3, r.u) * (M + dM)
    R, dR = (stored, 0.0) if stored else (M, dM)
    error = np.zeros(sampler.rows)
    if R == 0 and dR == 0:
        return error, 0.0
    if not (math.isfinite(dM) and dR < R):
        return np.full(sampler.rows, np.inf), math.inf
    q = squares.value / R
    dq = (squares.error + q * dR) / (R - dR) + gamma(6, r.u) * q
    steps = sampler.rate * dq + 16 * _U * (1 + 10 * sampler.rate)
    reached = sampler.weights.copy()
    least = sampler.floor * reached.sum() / sampler.rows
    for row, step, upper in zip(rows, steps, q + dq, strict=True):
        error[row] += step
        reached[row] = max(reached[row] * math.exp(sampler.rate * (min(upper, 10.0) - 1)), least)
    share = count / (count + 100)
    return np.expm1(error) * reached, share * dM + (1 - share) * dR + gamma(6, _U) * (R + dR + M)
