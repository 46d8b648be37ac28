"""Numbers with error bounds, and the effects of rounding, underflow and overflow on the bounds.

A floating-point operation gives

    fl(a op b) = (a op b) (1 + delta) + eta,    |delta| <= u,    eta = 0 for sums and differences,
                                                |eta| <= half the smallest number above 0 for products and quotients

unless it overflows. So every product has an absolute error term in addition to the relative one; the absolute term
dominates if results are subnormal. The bound itself is computed in float64, where its own products may underflow, too:
the product of two bounded numbers needs four products, which together lose at most twice the smallest number.
`Rounding.least` is four times that number, and covers both.

Where a computation may overflow, there is no bound: the result may be infinite in one backend, NaN in another, and
finite in a third, such as the reference in float32, which computes in float64. The error is then infinite, never NaN.

Source: N. J. Higham, Accuracy and Stability of Numerical Algorithms (2002), sections 2.2, 3.1 and 3.3.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[np.float64]

# A backend may replace exp of smaller arguments by 0, as the reference's sigmoid does: such results have few digits.
_LEAST_EXPONENTS = {64: -708.0, 32: -87.0}


def gamma(n: float, u: float) -> float:
    """n u / (1 - n u): a bound on the relative error of n roundings."""
    return n * u / (1 - n * u)


class Rounding(NamedTuple):
    """How a dtype rounds the result of an operation.

    u      unit roundoff
    least  a bound on the loss of a product by underflow, see above
    flush  results of exp below this may be flushed to 0
    most   the magnitude up to which nothing overflows: an eighth of the largest number, because intermediate factors of
           up to 4 occur, such as 2 (1 - h), and the bound itself is rounded
    """

    u: float
    least: float
    flush: float
    most: float

    @classmethod
    def of(cls, dtype: DTypeLike) -> "Rounding":
        """The rounding of float64 or float32."""
        info = np.finfo(np.dtype(dtype))
        flush = float(np.exp(_LEAST_EXPONENTS[info.bits]))
        return cls(float(info.eps) / 2, 4 * float(info.smallest_subnormal), flush, float(info.max) / 8)

    def times(self, scale: float) -> "Rounding":
        """For numbers that are later multiplied by scale <= 1, so that they overflow earlier."""
        return self._replace(most=self.most * scale)


@dataclass(frozen=True)
class Bounded:
    """Numbers and bounds on their errors; both float64, of the same shape.

    Let x be the exact number, from stored parameters and samples without rounding, v the value computed here, and c
    that of any backend. Then |v - x| <= error and |c - x| <= error, so |c| <= |v| + 2 error.
    """

    value: Array
    error: Array

    @property
    def largest(self) -> Array:
        """The largest magnitude that a computed number may have."""
        return np.abs(self.value) + 2 * self.error

    def __mul__(self, other: "Bounded") -> "Bounded":
        """The elementwise product, before rounding: |c c' - x x'| <= |c - x| |c'| + |x| |c' - x'|."""
        error = self.error * other.largest + (np.abs(self.value) + self.error) * other.error
        return Bounded(self.value * other.value, error)

    def times(self, factor: float) -> "Bounded":
        """The product with an exact number, before rounding."""
        return Bounded(factor * self.value, abs(factor) * self.error)

    def __add__(self, other: "Bounded") -> "Bounded":
        """The sum, before rounding."""
        return Bounded(self.value + other.value, self.error + other.error)

    def minus(self, exact: Array) -> "Bounded":
        """The difference to exact numbers, before rounding."""
        return Bounded(self.value - exact, self.error)

    def rounded(self, by: Array | float) -> "Bounded":
        """The same numbers, with this added to the error."""
        return Bounded(self.value, self.error + by)

    def transposed(self) -> "Bounded":
        """The matrix transposed."""
        return Bounded(self.value.T, self.error.T)

    def summed(self, r: Rounding) -> "Bounded":
        """The sum of each column, with one rounding per row."""
        total = Bounded(self.value.sum(axis=0), self.error.sum(axis=0))
        size = self.largest.sum(axis=0)
        return total.rounded(gamma(len(self.value), r.u) * size).unless(size > r.most)

    def unless(self, overflows: NDArray[np.bool_]) -> "Bounded":
        """The same numbers, but with value 0 and infinite error where they overflow or are not finite."""
        fits = np.isfinite(self.value) & np.isfinite(self.error) & ~overflows
        return Bounded(np.where(fits, self.value, 0.0), np.where(fits, self.error, np.inf))

    def within(self, r: Rounding) -> "Bounded":
        """The same numbers, but without a bound where a computed number may be larger than `r.most`."""
        return self.unless(self.largest > r.most)


def exact(values: NDArray[Any]) -> Bounded:
    """Stored numbers: they have no error, but where they are not finite, there is no bound."""
    value = values.astype(np.float64)
    return Bounded(value, np.zeros_like(value)).unless(np.zeros(value.shape, bool))


def product(a: Bounded, b: Bounded, r: Rounding, start: Array | float = 0.0) -> Bounded:
    """start + a b, the matrix product of (m, n) and (n, k), rounded. Added to the errors inherited from a and b:

    gamma_(n+1) (|start| + |a| |b|)    whatever the order of the sum, with or without fused multiply-adds
    least                              for each term with nonzero factors
    """
    n = a.value.shape[1]
    size = a.largest @ b.largest + np.abs(start)
    error = a.error @ b.largest + (np.abs(a.value) + a.error) @ b.error
    rows, columns = np.count_nonzero(a.largest, axis=1), np.count_nonzero(b.largest, axis=0)
    terms = np.minimum(rows[:, None], columns)
    result = Bounded(a.value @ b.value + start, error + gamma(n + 1, r.u) * size + r.least * terms)
    return result.unless(size > r.most)
