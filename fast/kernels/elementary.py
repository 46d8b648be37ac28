"""Elementary functions, written once for both NumPy arrays and vector registers, in float64 and float32.

Each handles all numbers, including infinity and NaN, without branches. Errors are in units in the last place (ulp) of
the result, which may be subnormal; `tests/test_elementary.py` measures them.
"""

import math

import numpy as np

from samenet.fast.kernels.codegen.arithmetic import bits_of, clip, where, with_sign

# For float64 and float32: the bits of the significand and the exponent of 1; the magic numbers 1.5 * 2^bits, which
# round what is added to them; ln 2 in two parts, so that k ln 2 is exact in the first.
_PLACES, _BIAS = {64: 52, 32: 23}, {64: 1023, 32: 127}
_ROUND = {64: 6755399441055744.0, 32: 12582912.0}
_LN2 = {64: (6.93147180369123816490e-01, 1.90821492927058770002e-10), 32: (0.693359375, -2.12194440054690582767e-04)}
_LOG2_E = 1.4426950408889634


def _bits(a):
    return 8 * a.dtype.itemsize


def _series(x, terms):
    """The sum of terms[n] x^n, in pairs, so that dependency chains are short, until three are left."""
    power = x
    while len(terms) > 3:
        pairs = [terms[i + 1] * power + terms[i] for i in range(0, len(terms) - 1, 2)]
        terms = pairs + terms[len(pairs) * 2 :]
        power = power * power
    first, second, *third = terms
    return ((third[0] * power + second) if third else second) * power + first


def _power_of_two(k, like):
    """2^k for integers k, assembled from bits; infinity for 2^1024, or 2^128 in float32."""
    return ((k + _BIAS[_bits(like)]) << _PLACES[_bits(like)]).view(like.dtype)


# exp(r) - 1 - r = r^2 (c0 + c1 r + ...), on |r| <= ln(2)/2 with the least error of any such polynomial (Remez), which
# is below 0.05 ulp of exp(r); Taylor's would need two terms more.
_EXP = {
    64: [
        *(0.500000000000001, 0.16666666666666674, 0.04166666666652199, 0.008333333333322207, 0.0013888888947820891),
        *(1.9841269886591e-04, 2.4801487326012337e-05, 2.7557242336680357e-06, 2.763265575933203e-07),
        2.5110049895858716e-08,
    ],
    32: [0.49999993447796487, 0.16666520631709497, 0.041668388045313996, 0.00836871687972814, 0.0013814598646664034],
}


def _exp_parts(a):
    """p and integers k with exp(a) = (p + 1) 2^k; only the 12 (float32: 9) lowest bits of k matter.

    k = round(a / ln 2) and p = exp(r) - 1, with r = a - k ln 2. Adding 1.5 * 2^52, or 1.5 * 2^23, rounds to the nearest
    integer and leaves it in the low bits.
    """
    (high, low), shift = _LN2[_bits(a)], _ROUND[_bits(a)]
    t = a * _LOG2_E + shift
    k = t - shift
    r = (a - k * high) - k * low
    return r + r * r * _series(r, _EXP[_bits(a)]), bits_of(t)


def exp(a):
    """exp(a). Error below 1.25 ulp."""
    limit = (-746.0, 710.0) if a.dtype.itemsize == 8 else (-104.0, 89.0)  # 0 and infinity beyond
    p, k = _exp_parts(clip(a, *limit))
    half = k >> 1  # 2^k itself may overflow or be subnormal
    power = _power_of_two(half, a)
    return (p * power + power) * _power_of_two(k - half, a)


def sigmoid(z):
    """1 / (1 + exp(-z)), numerator and denominator scaled by 2^(-k/2). Error below 3 ulp."""
    limit = 746.0 if z.dtype.itemsize == 8 else 104.0  # 0 and 1 beyond
    p, k = _exp_parts(clip(-z, -limit, limit))
    half = k >> 1
    power, scale = _power_of_two(half, z), _power_of_two(half - k, z)
    return scale / (p * power + (power + scale))


def tanh(z):
    """E / (E + 2) with E = exp(2 z) - 1; E = p 2^k + (2^k - 1) keeps the digits of a small z. Error below 3 ulp."""
    a = 2.0 * abs(z)
    p, k = _exp_parts(where(a, ">", 40.0, 40.0, a))  # beyond, the quotient is 1
    power = _power_of_two(k, z)
    E = p * power + (power - 1.0)
    return with_sign(E / (E + 2.0), z)


# 2/3, 2/5, 2/7, ... On |s| <= 0.172 the first term left out is below 2e-17 of the first, and 5e-9 with 32 bits.
_LOG = {bits: [2.0 / (2 * n + 1) for n in range(1, last + 1)] for bits, last in ((64, 9), (32, 4))}


def _log_of_sum(u, c):
    """ln(u + c), where c is the rounding error of u.

    u = 2^k m with m between sqrt(1/2) and sqrt(2), f = m - 1 + c / 2^k, and with s = f / (2 + f)

    ln(1 + f) = ln(1 + s) - ln(1 - s) = 2 s + 2/3 s^3 + 2/5 s^5 + ... = f - (f^2 / 2 - s (f^2 / 2 + 2/3 s^2 + ...))

    Source: the second form, which does not round 2 s, is that of FreeBSD's `e_log.c`.
    """
    bits = _bits(u)
    (high, low), shift, number = _LN2[bits], _ROUND[bits], u.dtype.type
    tiny = float(np.finfo(u.dtype).tiny)
    normal = where(u, "<", tiny, u * 2.0 ** _PLACES[bits], u)
    b = bits_of(normal)
    k = (b - int(np.sqrt(number(0.5)).view(f"int{bits}"))) >> _PLACES[bits]
    f = (b - (k << _PLACES[bits])).view(u.dtype) - 1.0
    if c is not None:  # from 2^64 on, it is negligible beside u
        f = f + c * where(u, "<", 2.0**64, _power_of_two(-k, u), 0.0)
    k = (k + int(number(shift).view(f"int{bits}"))).view(u.dtype) - (where(u, "<", tiny, shift + _PLACES[bits], shift))
    s, h = f / (f + 2.0), 0.5 * f * f
    z = s * s
    result = k * high - ((h - (s * (h + z * _series(z, _LOG[bits])) + k * low)) - f)
    result = where(u, "<", math.inf, result, u)
    return where(u, ">", 0.0, result, where(u, "==", 0.0, -math.inf, math.nan))


def log(a):
    """ln a; -infinity at 0, NaN below. Error below 1 ulp."""
    return _log_of_sum(a, None)


def log1p(a):
    """ln(1 + a); -infinity at -1, NaN below. Error below 2 ulp."""
    u = a + 1.0
    above = u - 1.0
    return _log_of_sum(u, (1.0 - (u - above)) + (a - above))
