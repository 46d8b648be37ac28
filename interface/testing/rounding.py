"""Numbers with a bound on their error, and what rounding, underflow and overflow add to it.

An operation in floating point gives

    fl(a op b) = (a op b) (1 + delta) + eta,    |delta| <= u,    eta = 0 for sums and differences,
                                                |eta| <= half the smallest number above 0 for products and quotients

as long as it does not overflow. So every product has its own absolute term beside the relative one: it is what is left
of the bound where results are below the normal range. The bound is worked out in float64, where its own products
underflow too. A product of two bounded numbers takes four of these, which together lose at most twice the smallest
number; `Rounding.least` is four times that number, for both.

Where some computation may overflow, no error bounds it: it may be infinite in one backend, NaN in another, and finite
in a third, such as the reference in float32, which computes in float64. The error there is infinity, and never NaN.

Source: N. J. Higham, Accuracy and Stability of Numerical Algorithms (2002), sections 2.2, 3.1 and 3.3.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[np.float64]

# The exponents below which a backend may take exp for 0, as the reference's sigmoid does: answers there have few digits.
_LEAST_EXPONENTS = {64: -708.0, 32: -87.0}


def gamma(n: float, u: float) -> float:
    """n u / (1 - n u): the relative error of n roundings."""
    return n * u / (1 - n * u)


class Rounding(NamedTuple):
    """What a dtype does to the result of an operation.

    u      unit roundoff
    least  what a product may lose by underflow, see above
    flush  what exp may lose: where exp(a) is less, it may be taken for 0
    most   the magnitude up to which nothing overflows: an eighth of the largest number, since factors of up to 4 stand
           in between, such as 2 (1 - h), and the bound is rounded itself
    """

    u: float
    least: float
    flush: float
    most: float

    @classmethod
    def of(cls, dtype: DTypeLike) -> "Rounding":
        """That of float64 or float32."""
        info = np.finfo(np.dtype(dtype))
        flush = float(np.exp(_LEAST_EXPONENTS[info.bits]))
        return cls(float(info.eps) / 2, 4 * float(info.smallest_subnormal), flush, float(info.max) / 8)

    def times(self, scale: float) -> "Rounding":
        """For numbers that are computed before they are multiplied by scale <= 1: they overflow sooner."""
        return self._replace(most=self.most * scale)


@dataclass(frozen=True)
class Bounded:
    """Numbers, and how far off they may be; both float64, of the same shape.

    Of the exact number x, from stored parameters and samples without any rounding, the value v computed here is off by
    at most the error, and so is the c of any backend:  |v - x| <= error,  |c - x| <= error,  so |c| <= |v| + 2 error.
    """

    value: Array
    error: Array

    @property
    def largest(self) -> Array:
        """The magnitude that a computed number may have."""
        return np.abs(self.value) + 2 * self.error

    def __mul__(self, other: "Bounded") -> "Bounded":
        """The product entry by entry, before it is rounded itself: |c c' - x x'| <= |c - x| |c'| + |x| |c' - x'|."""
        error = self.error * other.largest + (np.abs(self.value) + self.error) * other.error
        return Bounded(self.value * other.value, error)

    def times(self, factor: float) -> "Bounded":
        """The product with a number that has no error, before it is rounded itself."""
        return Bounded(factor * self.value, abs(factor) * self.error)

    def __add__(self, other: "Bounded") -> "Bounded":
        """The sum, before it is rounded itself."""
        return Bounded(self.value + other.value, self.error + other.error)

    def minus(self, exact: Array) -> "Bounded":
        """The difference to numbers that have no error, before it is rounded itself."""
        return Bounded(self.value - exact, self.error)

    def rounded(self, by: Array | float) -> "Bounded":
        """The same with so much more error."""
        return Bounded(self.value, self.error + by)

    def transposed(self) -> "Bounded":
        """The matrix transposed."""
        return Bounded(self.value.T, self.error.T)

    def summed(self, r: Rounding) -> "Bounded":
        """The sum of each column, rounded as often as it has rows."""
        total = Bounded(self.value.sum(axis=0), self.error.sum(axis=0))
        size = self.largest.sum(axis=0)
        return total.rounded(gamma(len(self.value), r.u) * size).unless(size > r.most)

    def unless(self, overflows: NDArray[np.bool_]) -> "Bounded":
        """The same; where it overflows, or where there is no number, an infinite error and 0 in place of the value."""
        fits = np.isfinite(self.value) & np.isfinite(self.error) & ~overflows
        return Bounded(np.where(fits, self.value, 0.0), np.where(fits, self.error, np.inf))

    def within(self, r: Rounding) -> "Bounded":
        """The same, without a bound where a computed number may be larger than `r.most`."""
        return self.unless(self.largest > r.most)


def exact(values: NDArray[Any]) -> Bounded:
    """Stored numbers, which have no error; those that are not finite have no bound."""
    value = values.astype(np.float64)
    return Bounded(value, np.zeros_like(value)).unless(np.zeros(value.shape, bool))


def product(a: Bounded, b: Bounded, r: Rounding, start: Array | float = 0.0) -> Bounded:
    """start + a b, the matrix product of (m, n) and (n, k), rounded: to the product's own error come

    gamma_(n+1) (|start| + |a| |b|)    whatever the order of the sum, with or without fused multiply-adds
    least                              for each term that is not 0 by itself
    """
    n = a.value.shape[1]
    size = a.largest @ b.largest + np.abs(start)
    error = a.error @ b.largest + (np.abs(a.value) + a.error) @ b.error
    rows, columns = np.count_nonzero(a.largest, axis=1), np.count_nonzero(b.largest, axis=0)
    terms = np.minimum(rows[:, None], columns)
    result = Bounded(a.value @ b.value + start, error + gamma(n + 1, r.u) * size + r.least * terms)
    return result.unless(size > r.most)
