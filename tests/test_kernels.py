"""Generated code gives the same results as the equivalent plain functions, with registers of every width.

Sums of small integers are exact in any order, so results must be equal to the bit. The input is surrounded by NaN, so
that a read out of bounds spoils the answer; the output is surrounded by a sentinel, which must not be overwritten.
"""

import functools
import itertools
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import generated
import numba
import numpy as np
import pytest
from children import HANGS
from generated import WIDTHS, native
from numba import float32, float64, int32, int64, types

import samenet

DTYPES = {"float64": float64, "float32": float32}
KINDS = [(width, dtype) for width in WIDTHS for dtype in DTYPES]
generators = functools.cache(generated.load)
Array = np.ndarray


def lanes(width: int, dtype: str) -> int:
    return width // np.dtype(dtype).itemsize


def integers(shape: Any, dtype: str, seed: int = 0) -> Array:
    return np.random.default_rng(seed).integers(-9, 10, shape).astype(dtype)


def guarded(values: Array, how: str = "rows", around: float = np.nan) -> tuple[Array, Array]:
    """(the values, all of their memory): as contiguous rows, in every second element, or transposed."""
    margin, step = 20, 2 if how == "steps" else 1
    shape = [size * step + 2 * margin for size in (values.T if how == "turned" else values).shape]
    memory = np.full(shape, around, values.dtype)
    view = memory[tuple(slice(margin, size - margin, step) for size in shape)]
    view = view.T if how == "turned" else view
    view[...] = values
    return view, memory


OUTPUT = {"around": 2.0**20}


def nothing_else_written(view: Array, memory: Array) -> bool:
    return np.count_nonzero(memory == OUTPUT["around"]) == memory.size - view.size


def matrix(dtype: str) -> Any:
    return types.Array(DTYPES[dtype], 2, "A")


def vector(dtype: str) -> Any:
    return types.Array(DTYPES[dtype], 1, "C")


PLACES = types.Array(int32, 1, "C")
COUNTERS = types.Array(int64, 1, "C")

# --- products -------------------------------------------------------------------------------------------------------


def panels(ns: SimpleNamespace, dtype: str, few: bool = False) -> Iterator[tuple[str, bool]]:
    """(what was compared, whether it was right): rows and remainders, registers, lanes, terms, layouts of A and S."""
    run = native(ns.microkernels.multiply_panel, ns.width, *(matrix(dtype),) * 4, int64, int64, int64)
    width = lanes(ns.width, dtype)
    most = range(1, ns.microkernels.NR + 1)
    columns = [(registers, last) for registers in most for last in {1, width - 1, width} - {0}]
    for (registers, last), m in itertools.product(columns, (1, 7, 11) if few else range(1, 18)):
        for number, (t, how, s_rows) in enumerate([(0, "rows", 1), (1, "turned", m), (5, "steps", 1), (6, "rows", m)]):
            i = 3 * (number % 2)
            k = i + (registers - 1) * width + last
            A, _ = guarded(integers((m, t), dtype, 1), how)
            B, _ = guarded(integers((t, k), dtype, 2))
            S, _ = guarded(integers((s_rows, k), dtype, 3))
            C, around = guarded(np.zeros((m, k), dtype), **OUTPUT)
            expected = C.copy()
            ns.microkernels.multiply_panel.plain(A, B, S, expected, i, registers, last)
            run(A, B, S, C, i, registers, last)
            well = np.array_equal(C, expected) and nothing_else_written(C, around)
            yield f"{m} rows, {t} terms, {registers} registers, the last of {last}, A {how}, S of {s_rows}", well


def packed_panels(ns: SimpleNamespace, dtype: str) -> Iterator[tuple[str, bool]]:
    """Rows, of which the last is repeated, and columns, with all registers and with one less; also in place."""
    kernels = ns.packed
    run = native(kernels.multiply_packed, ns.width, *(matrix(dtype),) * 6, int64, DTYPES[dtype])
    width, height = lanes(ns.width, dtype), kernels.PACKED_MR
    for fewer, m in itertools.product((0, 1), (1, *range(height - 1, height + 4), 2 * height + 1, 4 * height + 1)):
        registers = kernels.PACKED_NR - fewer
        least = 1 if fewer else (registers - 1) * width + 1
        for k, (t, s_rows) in itertools.product((least, registers * width), ((1, 1), (5, m), (6, 0))):
            A, _ = guarded(integers((m, t), dtype, 1))
            whole = np.full((t, registers * width), np.nan, dtype)  # the padding must not be used
            whole[:, :k] = integers((t, k), dtype, 2)
            B = guarded(whole)[0][:, :k]
            C, around = guarded(integers((m, k), dtype, 4), **OUTPUT)
            expected = C.copy()
            S = guarded(integers((s_rows, k), dtype, 3))[0] if s_rows else C
            kernels.multiply_packed.plain(A, B, S if s_rows else expected, expected, A, A[:0], registers, -2.0)
            run(A, B, S, C, B if fewer else A[:0], A[:0], registers, -2.0)  # nothing may be prefetched
            well = np.array_equal(C, expected) and nothing_else_written(C, around)
            yield f"{m} rows, {t} terms, {k} columns, {registers} registers, S of {s_rows or 'C'}", well


def packed_meanwhile(ns: SimpleNamespace, dtype: str) -> Iterator[tuple[str, bool]]:
    """The next panel, at least a register wide and with at most as many rows as this one, is copied."""
    kernels = ns.packed
    run = native(kernels.multiply_packed, ns.width, *(matrix(dtype),) * 6, int64, DTYPES[dtype])
    width, height, registers = lanes(ns.width, dtype), kernels.PACKED_MR, kernels.PACKED_NR
    widths = sorted({width, width + 1, 2 * width, registers * width - 1, registers * width})
    for m, t, columns in itertools.product((1, height + 1, 4 * height), (1, 7, 40), widths):
        A, _ = guarded(integers((m, t), dtype, 1))
        B, _ = guarded(integers((t, registers * width), dtype, 2))
        for rows in {t, (t + 1) // 2}:
            ahead, _ = guarded(integers((rows, columns), dtype, 3))
            C, around = guarded(np.zeros((m, registers * width), dtype), **OUTPUT)
            target, beside = guarded(np.zeros((t, registers * width), dtype), **OUTPUT)
            product, copied = C.copy(), target.copy()
            kernels.multiply_packed.plain(A, B, C, product, ahead, copied, registers, 1.0)
            run(A, B, C, C, ahead, target, registers, 1.0)
            well = np.array_equal(C, product) and np.array_equal(target, copied)
            well = well and nothing_else_written(C, around) and nothing_else_written(target, beside)
            yield f"{m} rows, {t} terms, {rows} rows ahead of {columns}", well


def dot_products(ns: SimpleNamespace, dtype: str) -> Iterator[tuple[str, bool]]:
    width = lanes(ns.width, dtype)
    run = native(ns.dots.gemv, ns.width, matrix(dtype), vector(dtype), vector(dtype))
    sizes = sorted({1, 2, width - 1, width, width + 1, 2 * width - 1, 2 * width, 3 * width + 1} - {0})
    for k, n in itertools.product(sizes, sizes):
        W, _ = guarded(integers((k, n), dtype))
        x, _ = guarded(integers(n, dtype, 1))
        z, around = guarded(np.zeros(-(-k // width) * width, dtype), **OUTPUT)
        expected = z.copy()
        ns.dots.gemv.plain(W, x, expected)
        run(W, x, z)
        yield f"{k} rows of {n}", np.array_equal(z[:k], expected[:k]) and nothing_else_written(z, around)


def dots_of_rows(ns: SimpleNamespace, dtype: str) -> Iterator[tuple[str, bool]]:
    width, most = lanes(ns.width, dtype), ns.microkernels.MR
    run = native(ns.dots.dots_by_number, ns.width, *(matrix(dtype),) * 3)
    ends = sorted({1, width - 1, width, 2 * width + 1} - {0})
    for m, k, n in itertools.product(range(1, most + 1), {*range(1, 2 * width + 2)}, ends):
        W, _ = guarded(integers((k, n), dtype))
        X, _ = guarded(integers((m, n), dtype, 1))
        Z, around = guarded(np.zeros((m, -(-k // width) * width), dtype), **OUTPUT)
        expected = Z.copy()
        ns.dots.dots_by_number.plain(W, X, expected)
        run(W, X, Z)
        yield f"{m} x {k} of {n}", np.array_equal(Z[:, :k], expected[:, :k]) and nothing_else_written(Z, around)


def dots_of_few(ns: SimpleNamespace, dtype: str) -> Iterator[tuple[str, bool]]:
    """Nothing is stored past the last node; b is added, if there is one."""
    width, kernels = lanes(ns.width, dtype), ns.dots
    few = native(kernels.dots, ns.width, *(matrix(dtype),) * 2, vector(dtype), matrix(dtype))
    many = native(kernels.dots_of_block, ns.width, *(matrix(dtype),) * 2, vector(dtype), matrix(dtype), vector(dtype))
    most = 2 * ns.microkernels.MR + 2
    long = kernels._LONG_ROW // np.dtype(dtype).itemsize  # from which tiles have other heights
    ends = sorted({1, width - 1, width, 2 * width + 1, long + 1} - {0})
    for m, k, n in itertools.product(range(1, most + 1), (1, 2, 3, 4, 5, 7, width + 1), ends):
        W, _ = guarded(integers((k, n), dtype))
        X, _ = guarded(integers((m, n), dtype, 1))
        for b in (integers(k, dtype, 2), integers(0, dtype)):
            Z, around = guarded(np.zeros((m, k), dtype), **OUTPUT)
            expected = Z.copy()
            kernels.dots.plain(W, X, b, expected)
            beside = guarded(b)[0]
            memory, besides = guarded(np.zeros((m + most) * -(-n // width) * width, dtype), **OUTPUT)
            for run in (few, many) if m <= kernels.TOGETHER else (many,):
                Z[...] = 0
                run(W, X, beside, Z, *([memory] if run is many else []))
                well = np.array_equal(Z, expected) and nothing_else_written(Z, around)
                yield f"{m} x {k} of {n}, {b.size} added", well and nothing_else_written(memory, besides)


def dots_of_few_nodes(ns: SimpleNamespace, dtype: str) -> Iterator[tuple[str, bool]]:
    """All rows, or some in any order, also twice; nodes and rows in groups and left over; with b and without."""
    width, kernels, other = lanes(ns.width, dtype), ns.dots, (matrix(dtype), vector(dtype), matrix(dtype))
    run = native(kernels.dots_of_few, ns.width, matrix(dtype), *other)
    indexed = native(kernels.dots_of_few_indexed, ns.width, matrix(dtype), *other, COUNTERS)
    for m, k in itertools.product((1, 3, 4, 6, 2 * width + 7), (1, 2, 3, 4, 6, 7)):
        for n in {1, width - 1, width, 2 * width + 1} - {0}:
            X, _ = guarded(integers((m, n), dtype))
            W, _ = guarded(integers((k, n), dtype, 1))
            places = np.arange(m)[::-1] // 2 * 2
            for b in (integers(k, dtype, 2), integers(0, dtype)):
                Z, around = guarded(np.zeros((m, k), dtype), **OUTPUT)
                expected, beside = Z.copy(), guarded(b)[0]
                run(X, W, beside, Z)
                kernels.dots_of_few.plain(X, W, b, expected)
                well = np.array_equal(Z, expected)
                indexed(X, W, beside, Z, places)
                kernels.dots_of_few_indexed.plain(X, W, b, expected, places)
                well = well and np.array_equal(Z, expected) and nothing_else_written(Z, around)
                yield f"{m} x {k} of {n}, {b.size} added", well


def sums_of_rows(ns: SimpleNamespace, dtype: str) -> Iterator[tuple[str, bool]]:
    width = lanes(ns.width, dtype)
    run = native(ns.loops.add_rows, ns.width, matrix(dtype), vector(dtype))
    for m, k in itertools.product((0, 1, 3, 4, 9), sorted({1, width, 2 * width + 1})):
        A, _ = guarded(integers((m, k), dtype))
        z, around = guarded(integers(k, dtype, 1), **OUTPUT)
        expected = z.copy()
        ns.loops.add_rows.plain(A, expected)
        run(A, z)
        yield f"{m} x {k}", np.array_equal(z, expected) and nothing_else_written(z, around)


def rows_gathered(ns: SimpleNamespace, dtype: str) -> Iterator[tuple[str, bool]]:
    width = lanes(ns.width, dtype)
    run = native(ns.transpose.gather, ns.width, matrix(dtype), COUNTERS, matrix(dtype))
    for places, n in itertools.product(([2], [1, 0], [0, 2, 1, 2, 0]), sorted({1, width, 2 * width + 1})):
        A, _ = guarded(integers((3, n), dtype))
        given = np.array(places)
        B, around = guarded(np.zeros((len(places), n), dtype), **OUTPUT)
        expected = B.copy()
        ns.transpose.gather.plain(A, given, expected)
        run(A, given, B)
        yield f"{places} of {n}", np.array_equal(B, expected) and nothing_else_written(B, around)


def transposes(ns: SimpleNamespace, dtype: str) -> Iterator[tuple[str, bool]]:
    width = lanes(ns.width, dtype)
    run = native(ns.transpose.transpose, ns.width, matrix(dtype), matrix(dtype))
    sizes = sorted({1, 2, width - 1, width, width + 1, 2 * width, 2 * width + 1} - {0})
    for m, n in itertools.product(sizes, sizes):
        A, _ = guarded(integers((m, n), dtype))
        B, around = guarded(np.zeros((n, m), dtype), **OUTPUT)
        run(A, B)
        yield f"{m} x {n}", np.array_equal(B, A.T) and nothing_else_written(B, around)


def offsets(ns: SimpleNamespace, dtype: str) -> Iterator[tuple[str, bool]]:
    """How many numbers the rows of a matrix begin after a register's boundary, if all do."""
    width = lanes(ns.width, dtype)
    memory = np.zeros(20 * width, dtype)
    first = -memory.ctypes.data // memory.itemsize % width  # the first boundary
    run = native(ns.packed.past_boundary, ns.width, matrix(dtype))
    for past, more in itertools.product(range(width), sorted({0, 1, width // 2, width - 1, width})):
        A = np.lib.stride_tricks.as_strided(memory[first + past :], (3, 2), ((width + more) * memory.itemsize, width))
        expected = past if more % width == 0 else 0
        yield f"{past} after it, {more} more", ns.packed.past_boundary.plain(A) == run(A) == expected


def transposed_products(ns: SimpleNamespace, dtype: str) -> Iterator[tuple[str, bool]]:
    """Rows of X, nodes in registers side by side and left over, and terms in blocks and left over."""
    width = lanes(ns.width, dtype)
    run = native(ns.transpose.add_product, ns.width, *(matrix(dtype),) * 3)
    sizes = sorted({1, width - 1, width + 1, 2 * width, 4 * width + 1} - {0})
    for m, n, k in itertools.product((1, 3), sizes, sizes):
        X, _ = guarded(integers((m, n), dtype, 1))
        W, _ = guarded(integers((k, n), dtype, 2))
        Z, around = guarded(integers((m, -(-k // width) * width), dtype, 3), **OUTPUT)
        expected = Z.copy()
        ns.transpose.add_product.plain(X, W, expected)
        run(X, W, Z)
        well = np.array_equal(Z[:, :k], expected[:, :k]) and nothing_else_written(Z, around)
        yield f"{m} rows of {n}, {k} nodes", well


def one_pass(ns: SimpleNamespace, dtype: str) -> Iterator[tuple[str, bool]]:
    """A step within the product, with and without errors and changes of the gradient."""
    width, number = lanes(ns.width, dtype), DTYPES[dtype]

    def rule(theta: Any, v: Any, g: Any, step: Any) -> Any:
        return theta + (2.0 * v - step * g), 2.0 * v - step * g

    changes = (
        lambda g, w, l1, l2, limit: (g + l2 * w, l2 * w),
        lambda g, w, l1, l2, limit: (g + l1 * w - limit, l1 * w),
    )
    f = ns.stepping.stepping(rule, 1, changes)
    kinds = *(matrix(dtype),) * 3, int64, *(number,) * 3, *(matrix(dtype),) * 2, number
    run, found = native(f, ns.width, *kinds), np.empty(1)
    sizes = sorted({1, 2 * width, 2 * width + 1, 3 * width, 4 * width + width // 2})
    cases = itertools.product(((1, 1), (1, 6), (3, 4), (2, 9)), sizes, (False, True), (0, 1, 2))
    for (m, k), n, has_errors, change in cases:
        delta, _ = guarded(integers((m, k), dtype, 1))
        X, _ = guarded(integers((m, n), dtype, 2))
        given = [guarded(integers(shape, dtype, i), **OUTPUT) for i, shape in enumerate([(m, n), (k, n), (k, n)], 3)]
        (errors, _), (W, _), (v, _) = given
        expected = [errors.copy(), W.copy(), v.copy()]
        back = slice(None if has_errors else 0)
        total = f.plain(delta, X, expected[0][back], change, 3.0, 5.0, 2.0, *expected[1:], 4.0)
        run(delta, X, errors[back], change, 3.0, 5.0, 2.0, W, v, 4.0, found)
        same = total == found[0] and all(np.array_equal(a, b) for a, b in zip((errors, W, v), expected, strict=True))
        well = same and all(nothing_else_written(*one) for one in given)
        yield f"{m} rows, {k} x {n}, errors {has_errors}, change {change}", well


def pieces(ns: SimpleNamespace, dtype: str) -> Iterator[tuple[str, bool]]:
    """Elementwise loops over vectors, also in place; and the sum of a result that is not stored."""
    one = ns.loops.vectorized(lambda out, a, shift: (2.0 * (a - shift) + (1.0 - a) * a - 3.0 / (1.0 + a * a),), 1)
    two = ns.loops.vectorized(lambda a, b, factor: (a + b, a - factor * b, abs(a) + 1.0), 2)
    no = ns.loops.vectorized(lambda a, b: (a * b + 1.0,))
    kind, number = vector(dtype), DTYPES[dtype]
    run, run_two, run_no = (
        native(g, ns.width, *kinds)
        for g, kinds in ((one, (kind, kind, number)), (two, (kind, kind, number)), (no, (kind, kind)))
    )
    total, expected_total = np.empty(1), 0.0
    for n in range(3 * lanes(ns.width, dtype) + 2):
        a, memory = guarded(integers(n, dtype), **OUTPUT)
        out, around = guarded(np.zeros(n, dtype), **OUTPUT)
        expected = out.copy()
        one.plain(expected, a, 2.0)
        run(out, a, 2.0)
        yield f"{n} numbers", np.allclose(out, expected, rtol=1e-5, atol=1e-4) and nothing_else_written(out, around)
        out[:] = integers(n, dtype, 1)
        expected_total = float((a.astype(np.float64) * out + 1).sum())
        run_no(a, out, total)
        yield f"{n} numbers summed", total[0] == expected_total == no.plain(a, out)
        sums, differences, expected_total = a + out, a - 3 * out, float(np.abs(a).sum() + n)
        plain = a.copy(), out.copy()
        run_two(a, out, 3.0, total)
        well = np.array_equal(a, sums) and np.array_equal(out, differences) and total[0] == expected_total
        yield f"{n} numbers in place", well and nothing_else_written(a, memory) and nothing_else_written(out, around)
        well = two.plain(*plain, 3.0) == expected_total and np.array_equal(plain[0], sums)
        yield f"{n} numbers by NumPy", well and np.array_equal(plain[1], differences)


def maxima(ns: SimpleNamespace, dtype: str) -> Iterator[tuple[str, bool]]:
    """Also of negative numbers, and with the largest at any index."""
    run, found = native(ns.loops.largest, ns.width, vector(dtype)), np.empty(1)
    for n in range(1, 3 * lanes(ns.width, dtype) + 2):
        for place in range(n):
            a, _ = guarded(np.full(n, -5.0, dtype))
            a[place] = -4.0
            run(a, found)
            yield f"{n} numbers, at {place}", found[0] == -4.0 == ns.loops.largest.plain(a)


def draws(ns: SimpleNamespace, dtype: str) -> Iterator[tuple[str, bool]]:
    """Masks with thresholds and factors for each number or one for all, from any number of the generator on."""
    kind, number, draw = vector(dtype), DTYPES[dtype], ns.dropout.draw
    each = native(draw, ns.width, kind, *(int64,) * 3, COUNTERS, kind)
    of_all = native(draw, ns.width, kind, *(int64,) * 4, number)
    for n in range(3 * lanes(ns.width, dtype) + 2):
        out, around = guarded(np.zeros(n, dtype), **OUTPUT)
        expected, thresholds = np.zeros(n, dtype), (np.arange(n) % 5 << 51).astype(np.int64)
        given, factors = (2**63 - 5 - n, 2**40 + n, 1 + n % 7), np.arange(1, n + 1).astype(dtype)
        each(out, *given, thresholds, factors)
        draw.plain(expected, *given, thresholds, factors)
        yield f"{n} numbers", np.array_equal(out, expected) and nothing_else_written(out, around)
        of_all(out, *given, 2**52, 2.0)
        draw.plain(expected, *given, 2**52, 2.0)
        yield f"{n} numbers, one threshold", np.array_equal(out, expected) and nothing_else_written(out, around)


def rounded_twice(ns: SimpleNamespace, dtype: str) -> Iterator[tuple[str, bool]]:
    """A product and a sum are rounded separately, unless they may be contracted."""
    kind, a = vector(dtype), np.linspace(0.1, 1.9, 50, dtype=dtype)
    both = [ns.loops.vectorized(lambda out, a: (a * a - a,), 1, contract=contract) for contract in (False, True)]
    found = [np.empty_like(a) for _ in both]
    for each, out in zip(both, found, strict=True):
        native(each, ns.width, kind, kind)(out, a)
    square = a * a
    for i in range(len(a)):
        yield f"number {i}", found[0][i] == square[i] - a[i]
    yield "contracted", ns.width == 16 or not np.array_equal(*found)


# --- zeros ----------------------------------------------------------------------------------------------------------


def some_zeros(m: int, n: int, dtype: str, share: float) -> Array:
    """A matrix in which about this share of the columns is zero."""
    random = np.random.default_rng(m + n)
    X = random.integers(1, 9, (m, n)) * (random.random((m, n)) < 0.7) * (random.random(n) >= share)
    return X.astype(dtype)


def lists(ns: SimpleNamespace, dtype: str) -> Iterator[tuple[str, bool]]:
    """The nonzero columns: NaN counts as nonzero, -0.0 does not."""
    run = native(ns.sparse_input._list_nonzero_columns, ns.width, matrix(dtype), PLACES)
    for m, n in itertools.product((1, 3, 4, 5, 13), (1, 2, 15, 16, 17, 31, 32, 33, 70)):
        for share in (0.0, 0.6, 1.0):
            X = some_zeros(m, n, dtype, share)
            X[m // 2, :: 7 if share < 1 else n + 1] = np.nan
            X[:, 1::5] *= -1
            layer_inputs, _ = guarded(X)
            used = np.full(ns.sparse_input.list_length(n), -7, np.int32)
            expected = used.copy()
            ns.sparse_input._list_nonzero_columns.plain(X, expected)
            run(layer_inputs, used)
            whole = expected[0] + ns.microkernels.MR if expected[0] else 1
            yield f"{m} rows of {n}, {share} of them 0", np.array_equal(used[:whole], expected[:whole])


def panels_of(ns: SimpleNamespace, dtype: str) -> Iterator[tuple[str, bool]]:
    """Only the listed terms are used: the others are NaN."""
    run = native(ns.microkernels.multiply_panel_indexed, ns.width, *(matrix(dtype),) * 4, int64, int64, int64, PLACES)
    width = lanes(ns.width, dtype)
    for registers, m in itertools.product(range(1, ns.microkernels.NR + 1), (1, 2, 6, 11)):
        for terms in ((), (0,), (3,), (0, 2, 3, 8)):
            i, last, t = 2, max(1, width - 1), 9
            k = i + (registers - 1) * width + last
            used = np.array([len(terms), *terms], np.int32)
            A, B = np.full((m, t), np.nan, dtype), np.full((t, k), np.nan, dtype)
            A[:, terms], B[terms, :] = integers((m, len(terms)), dtype, 1), integers((len(terms), k), dtype, 2)
            S, _ = guarded(integers((1, k), dtype, 3))
            C, around = guarded(np.zeros((m, k), dtype), **OUTPUT)
            expected = C.copy()
            ns.microkernels.multiply_panel_indexed.plain(A, B, S, expected, i, registers, last, used)
            run(A, B, S, C, i, registers, last, used)
            well = np.array_equal(C, expected) and nothing_else_written(C, around)
            yield f"{m} rows, terms {terms}, {registers} registers", well


def finite(ns: SimpleNamespace, dtype: str) -> Iterator[tuple[str, bool]]:
    """With a number that is not finite at any index, and with anything behind the end."""
    run, largest = native(ns.sparse_input.all_finite, ns.width, vector(dtype)), np.finfo(dtype).max
    for n in range(2 * lanes(ns.width, dtype) + 2):
        a, _ = guarded(np.full(n, largest, dtype))
        yield f"{n} numbers", bool(run(a)) is ns.sparse_input.all_finite.plain(a) is True
        for place, value in itertools.product(range(n), (np.nan, np.inf, -np.inf)):
            a[:] = -largest
            a[place] = value
            yield f"{n} numbers, {value} at {place}", bool(run(a)) is ns.sparse_input.all_finite.plain(a) is False


def steps(ns: SimpleNamespace, dtype: str) -> Iterator[tuple[str, bool]]:
    """Only the listed rows change."""
    width, number = lanes(ns.width, dtype), DTYPES[dtype]
    kinds = matrix(dtype), PLACES, *(matrix(dtype),) * 2, number
    run = native(ns.sparse_input._step_columns, ns.width, *kinds)
    most = ns.microkernels.NR * width
    for k, m in itertools.product(sorted({1, width, width + 1, most - 1, most, most + 1, 2 * most + 2}), (1, 4)):
        for terms, value in (((), 1.0), ((4,), 1.0), ((0, 2, 3, 4, 5, 7, 8), 1.0), ((1, 4), np.inf), ((1, 4), np.nan)):
            X, used = np.full((m, 9), np.nan, dtype), np.zeros(40, np.int32)
            X[:, terms] = integers((m, len(terms)), dtype, 1)
            used[0] = len(terms)
            used[1 : 1 + len(terms)] = terms
            used[1 + len(terms) :] = terms[-1] if terms else 10**6
            deltas, _ = guarded(integers((m, k), dtype, 2))
            P, around = guarded(integers((9, k), dtype, 3), **OUTPUT)
            P[4, k // 2] = value
            expected = P.copy()
            with np.errstate(all="ignore"):
                finite = ns.sparse_input._step_columns.plain(X, used, deltas, expected, -2.0)
            found = run(X, used, deltas, P, -2.0)
            well = np.array_equal(P, expected, equal_nan=True) and bool(found) == finite == (value == 1.0)
            yield f"{m} rows, terms {terms}, {k} columns, {value}", well and nothing_else_written(P, around)


def views(ns: SimpleNamespace, dtype: str) -> Iterator[tuple[str, bool]]:
    """Views of a vector as a matrix: writing to the view changes the vector."""
    f = types.Array(DTYPES[dtype], 2, "C")

    def write(typing_context: Any, a: Any, *places: Any) -> Any:
        signature, view = ns.microkernels.rows_at.typed(typing_context, a, *places)
        assert signature.return_type == f

        def codegen(context: Any, builder: Any, _: Any, values: Any) -> Any:
            matrix = context.make_array(f)(context, builder, view(context, builder, signature, values))
            vb = ns.vector.VectorBuilder(context, builder, f.dtype)
            (m, n), (row, _) = vb.pair(matrix.shape), vb.pair(matrix.strides)
            last = vb.at(vb.start(matrix), vb.times(builder.sub(m, vb.long(1)), row))
            builder.store(vb.scalar(5.0), builder.bitcast(last, vb.scalar.as_pointer()))
            return builder.mul(n, row)

        return int64(*signature.args), codegen

    run = native(generated.Generated(ns.microkernels.rows_at.plain, write), ns.width, vector(dtype), *(int64,) * 3)
    for place, m, n in itertools.product((0, 3), (1, 4), (1, 2, 5)):
        a, around = guarded(integers(30, dtype), **OUTPUT)
        expected = a.copy()
        ns.microkernels.rows_at.plain(expected, place, m, n)[-1, 0] = 5
        same = run(a, place, m, n) == n * n * a.itemsize and np.array_equal(a, expected)
        yield f"{m} rows of {n} from {place} on", same and nothing_else_written(a, around)


def rooms(ns: SimpleNamespace, dtype: str) -> Iterator[tuple[str, bool]]:
    """Stack arrays have the requested shape, with contiguous rows."""
    for m, n in ((1, 1), (2, 5), (2, 1088), (3, 16), (5, 7)):
        workspace, size = ns.microkernels.on_stack(m, n), np.dtype(dtype).itemsize

        def layout(typing_context: Any, a: Any, workspace: Any = workspace) -> Any:
            signature, view = workspace.typed(typing_context, a)

            def codegen(context: Any, builder: Any, _: Any, values: Any) -> Any:
                made = context.make_array(signature.return_type)(
                    context, builder, view(context, builder, signature, values)
                )
                vb = ns.vector.VectorBuilder(context, builder, a.dtype)
                found = vb.long(0)
                for number in (*vb.pair(made.shape), *vb.pair(made.strides)):
                    found = builder.add(vb.times(found, 10**5), number)
                return found

            return int64(a), codegen

        run = native(generated.Generated(workspace.plain, layout), ns.width, vector(dtype))
        expected = functools.reduce(lambda found, number: found * 10**5 + number, (m, n, n * size, size))
        yield f"{m} x {n}", run(np.zeros(3, dtype)) == expected and workspace.plain(np.zeros(3, dtype)).shape == (m, n)


# --- registers ------------------------------------------------------------------------------------------------------


def registers(ns: SimpleNamespace, dtype: str) -> Iterator[tuple[str, bool]]:
    """Registers of every width."""
    most = lanes(ns.width, dtype)
    assert [len(ns.registers.width_for(n, np.dtype(dtype).itemsize)) for n in (1, most, 99)][1:] == [most] * 2
    for n in range(1, most + 1):
        width = ns.registers.width_for(n, np.dtype(dtype).itemsize)
        assert n <= len(width) <= max(2 * n - 1, 16 // np.dtype(dtype).itemsize)
        if n == len(width):
            yield from _registers(ns, dtype, width)


def _registers(ns: SimpleNamespace, dtype: str, width: tuple[int, ...]) -> Iterator[tuple[str, bool]]:
    module, w, by = ns.registers, len(width), types.UniTuple(int64, len(width))
    register, a = module.Register(DTYPES[dtype], w), vector(dtype)
    values, v = integers((w + 1) * (w + 3), dtype) * 2 + 1, integers(w, dtype, 1) * 2 + 1  # none is 0
    out = np.zeros(w, dtype)

    def same(name: str, kinds: tuple[Any, ...], *given: Any) -> tuple[str, bool]:
        function = getattr(module, name)
        out[:] = np.nan
        native(function, ns.width, *kinds)(*given, out)
        return f"{name}{given[1:]}", np.array_equal(out, function.plain(*given))

    yield same("load", (by, a, int64), width, values, 3)
    yield same("broadcast", (by, a, int64), width, values, 5)
    for n in range(-1, w + 2):
        yield same("load_first", (by, a, int64, int64), width, values, 2, max(n, 0))
        yield same("first", (register, int64), v, n)
        if n >= 0:  # for contiguous rows, and for rows with others between them
            yield same("products", (a, int64, int64, int64, register), values, 3, w, min(n, w), v)
            yield same("products", (a, int64, int64, int64, register), values, 1, w + 1, min(n, w), v)
    near_the_end, memory = guarded(values[: w + 1])
    native(module.load_first, ns.width, by, a, int64, int64)(width, near_the_end, 2, w - 1, out)
    yield "load_first reads no more", np.array_equal(out[: w - 1], values[2 : w + 1]) and out[-1] == 0
    near_the_end, memory = guarded(np.zeros(2 * w, dtype), **OUTPUT)
    native(module.store, ns.width, a, int64, register)(near_the_end, w, v)
    well = np.array_equal(near_the_end, np.concatenate([0 * v, v]))
    yield "store", well and nothing_else_written(near_the_end, memory)
    f = module.lanewise(lambda a, b: a * b - 2.0)
    native(f, ns.width, register, DTYPES[dtype])(v, 3.0, out)
    yield "lanewise", np.array_equal(out, v * 3 - 2)
    where = ns.arithmetic.where
    f = module.lanewise(lambda a: where(a, ">", 0.0, 1.0, 0.0) + where(a, "<", -3.0, 0.0, a))
    native(f, ns.width, register)(v, out)
    yield "above and below", np.array_equal(out, (v > 0) + np.where(v < -3, 0, v))


def lane_products(ns: SimpleNamespace, dtype: str) -> Iterator[tuple[str, bool]]:
    w = lanes(ns.width, dtype)
    width, by, number = (0,) * w, types.UniTuple(int64, w), (vector(dtype), int64, int64, int64)
    for name in ("product", "product_of_numbers", "narrow_product", "narrow_product_of_numbers", "tree_product"):
        is_tree, of_numbers = name == "tree_product", name.endswith("of_numbers")
        f = getattr(ns.lane_products, name)
        run = native(f, ns.width, by, *number * (3 if is_tree else 4), *(int64,) * (4 if is_tree else 3))
        for m, t, k in ((1, 1, 1), (1, 5, 13), (3, 2, 3), (5, 17, 4), (9, w, 2), (4, 2 * w + 3, 1)):
            given: list[Any] = []
            for seed, (rows, columns) in enumerate(((m, t), (t, k), (m, k))[: 2 if is_tree else 3]):
                each = 1 if of_numbers and seed == 0 else w
                values, _ = guarded(integers((1, rows * columns * each), dtype, seed))
                given += [values[0], 0, columns * each, each]
            found, expected = guarded(np.zeros((1, m * k * w), dtype), **OUTPUT), np.zeros(m * k * w, dtype)
            more = m, t, k, *[min(w, 4)] * is_tree
            run(width, *given, found[0][0], 0, k * w, w, *more)
            f.plain(width, *given, expected, 0, k * w, w, *more)
            well = np.array_equal(found[0][0], expected) and nothing_else_written(*found)
            yield f"{name} of {m, t, k}", well


CHECKS: dict[str, Callable[..., Iterator[tuple[str, bool]]]] = {
    check.__name__: check
    for check in (
        *(panels, panels_of, packed_panels, packed_meanwhile, dot_products, dots_of_rows, dots_of_few),
        *(dots_of_few_nodes, sums_of_rows),
        *(
            rows_gathered,
            transposes,
            offsets,
            transposed_products,
            one_pass,
            views,
            rooms,
            pieces,
            maxima,
            draws,
            rounded_twice,
            lists,
            finite,
            steps,
            registers,
            lane_products,
        ),
    )
}


@pytest.mark.parametrize(("width", "dtype"), KINDS)
@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.without_jit
def test_generated_code_does_what_the_plain_function_says(check: str, width: int, dtype: str) -> None:
    compared = list(CHECKS[check](generators(width), dtype))
    assert len(compared) > 4
    assert [name for name, well in compared if not well] == []


MUTANTS = {
    "networks in lanes: terms past the last block left out": (
        "lane_products",
        'with vb.when(vb.long(v), "<", rest):',
        'with vb.when(vb.long(v), "<", vb.long(0)):',
    ),
    "networks in lanes: S left out": ("lane_products", "builder.fadd(total, vb.load(S.at(row, i)))", "total"),
    "networks in lanes: half a tile left out": (
        "lane_products",
        "begin, size = end, size // 2",
        "begin, size = end, size // 4",
    ),
    "networks in lanes: a term of the tree twice": (
        "lane_products",
        "is_used, product, vb.zero",
        "is_used, product, product",
    ),
    "a row of S too few": ("panels", "vb.long(0), vb.pair(S.strides)[0])", "vb.long(0), vb.long(0))"),
    "rows left over": ("panels", 'with vb.when(rest, ">=", vb.long(4))', 'with vb.when(rest, "<", vb.long(0))'),
    "a term too few": (
        "panels",
        "with vb.for_range(t) as (c_t, _):",
        "with vb.for_range(vb.builder.sub(t, vb.long(1))) as (c_t, _):",
    ),
    "last register whole": ("panels", "(count - 1) + [width.first_n_mask(lanes)]", "count"),
    "half a register for more": ("panels", "vb.lanes // 2 if REGISTER", "vb.lanes if REGISTER"),
    "packed: the first row of S for all": ("packed_panels", "same, vb.pair(S.strides)[0])", "same, same)"),
    "packed: a term too few": (
        "packed_panels",
        "vb.minimum(builder.add(first, pace), t)",
        "vb.minimum(builder.add(first, pace), builder.sub(t, vb.long(1)))",
    ),
    "packed: terms between two steps left out": (
        "packed_meanwhile",
        "vb.minimum(builder.add(first, pace), t)",
        "vb.minimum(builder.add(first, vb.long(1)), t)",
    ),
    "packed: copied too slowly": (
        "packed_meanwhile",
        "vb.maximum(times, vb.long(1))), vb.long(1))",
        "vb.long(1)), steps)",
    ),
    "packed: copied past the row": ("packed_meanwhile", "vb.minimum(line, last_column) for", "line for"),
    "packed: copied past the last row": (
        "packed_meanwhile",
        'builder.and_(over, builder.icmp_unsigned("!=", row.value, last_row))',
        "over",
    ),
    "packed: the next panel in one row": ("packed_meanwhile", "vb.at(place.value, onward)", "place.value"),
    "lower tiles left out": ("packed_panels", "vb.builder.add(middle, vb.times(last, lower))", "middle"),
    "all tiles high, then lower ones": ("packed_panels", "vb.builder.sub(count, last)", "count"),
    "packed: last register whole": ("packed_panels", "[vb.first_n_mask(n) for n in left]", "[None, None]"),
    "packed: without alpha": ("packed_panels", "vb.multiply_add(alpha, total", "vb.multiply_add(vb.number(1), total"),
    "A's rows for its columns": ("panels", "vb.times(term, a_step)", "vb.times(term, a_row)"),
    "the first row for all": (
        "dot_products",
        "builder.add(i, vb.long(r)) for r in range(nodes)",
        "i for r in range(nodes)",
    ),
    "sums that start from zero": (
        "dot_products",
        "part, totals[r].value)\n\n    vb.for_each_vector(n",
        "part, vb.zero)\n\n    vb.for_each_vector(n",
    ),
    "dots: the first row of X for all": (
        "dots_of_few",
        "vb.minimum(builder.add(s, vb.long(r)), limit)",
        "vb.long(r)",
    ),
    "dots: another row's sums": ("dots_of_few_nodes", "total, r * nodes, nodes", "total, 0 * r, nodes"),
    "dots: sums past the last": ("dots_of_few", "None if b is None else builder.sub(k, i)", "None"),
    "dots: nothing added": ("dots_of_few", "total if b is None else builder.fadd(total, b)", "total"),
    "dots: the same added to all": ("dots_of_few", "[lane % nodes for lane", "[0 * lane % nodes for lane"),
    "dots: copies of another row": ("dots_of_few", "[vb.at(start, vb.long(r * REGISTER))", "[vb.at(start, vb.long(0))"),
    "dots: a long row left out": ("dots_of_few", "tiles(vb, m, MR, TOGETHER)", "tiles(vb, limit, MR, TOGETHER)"),
    "sums: a half that is left out": ("dots_of_few", "for more in (0, size // 2)]", "for more in (0, 0)]"),
    "three rows left over as two": ("panels", "for rows in (3, 2, 1):", "for rows in (2, 1):"),
    "dots by number: the first row for all": (
        "dots_of_rows",
        "[vb.long(r) for r in range(count)]",
        "[vb.long(0) for r in range(count)]",
    ),
    "dots: rows in their own order": (
        "dots_of_few_nodes",
        "vb.builder.load(vb.builder.gep(places.data, [number]))",
        "number",
    ),
    "dots of few: nodes left out": ("dots_of_few_nodes", "for nodes in (4, 3, 2, 1) if", "for nodes in (4, 3, 2) if"),
    "dots of few: rows left out": ("dots_of_few_nodes", "vb.lanes), TOGETHER, 1}", "vb.lanes), TOGETHER}"),
    "dots of few: the first b": (
        "dots_of_few_nodes",
        "vb.long(0), _of_nodes(vb, b, i, nodes)",
        "vb.long(0), _of_nodes(vb, b, vb.long(0), nodes)",
    ),
    "rows left out of a sum": ("sums_of_rows", "add_row(sums[0], vb.builder.add(whole, s))", "pass"),
    "a sum without what was there": (
        "sums_of_rows",
        "vb.builder.fadd(vb.load(place, mask), values[0])",
        "values[0]",
    ),
    "half of a sum": (
        "sums_of_rows",
        "values[1::2], strict=True)]\n        vb.store",
        "values[::2])]\n        vb.store",
    ),
    "gathered: rows in their own order": ("rows_gathered", "vb.times(a_row, place(r))", "vb.times(a_row, r)"),
    "halves exchanged": ("transposes", "if not r & apart:", "if r & apart and r < apart:"),
    "a column too many": (
        "transposes",
        "vb.minimum(builder.add(before, vb.long(vb.lanes)), n)",
        "builder.add(before, vb.long(vb.lanes))",
    ),
    "columns before the first": ("transposes", "left = vb.maximum(before, vb.long(0))", "left = before"),
    "the last column in its place too early": ("transposes", "r in reversed(range(vb.lanes))", "r in range(vb.lanes)"),
    "rows that begin anywhere": (
        "offsets",
        "self.builder.select(alike, ",
        "self.builder.select(self.builder.not_(alike), ",
    ),
    "transposed: the first nodes again": ("transposed_products", "v * vb.lanes + r)), limit)", "r)), limit)"),
    "transposed: a term past the last": (
        "transposed_products",
        'with vb.when(vb.long(r), "<", left):',
        'with vb.when(vb.long(r), "<=", left):',
    ),
    "transposed: sums of the first row": ("transposed_products", "vb.times(z_row, s)", "vb.times(z_row, vb.long(0))"),
    "one pass: a row left out": ("one_pass", "vb.for_range(builder.sub(self.k, whole))", "vb.for_range(vb.long(0))"),
    "one pass: the rest left out": ("one_pass", 'with vb.when(whole, "<", self.n)', 'with vb.when(self.n, "<", whole)'),
    "one pass: the first sample again": (
        "one_pass",
        "vb.at(vb.start(self.delta), vb.times(step, s))",
        "vb.start(self.delta)",
    ),
    "one pass: errors by the new weights": (
        "one_pass",
        "error = vb.multiply_add(delta, row[v], error)",
        "error = vb.multiply_add(delta, row[0], error)",
    ),
    "one pass: no change of a gradient": (
        "one_pass",
        'with vb.when(change, "!=", vb.long(0)):',
        "with vb.when(change, '<', vb.long(0)):",
    ),
    "one pass: penalties of the last tile": ("one_pass", "vb.builder.fadd(self.penalties.value, added)", "added"),
    "the rest left out": ("pieces", 'with self.when(whole, "<", count)', 'with self.when(count, "<", whole)'),
    "a sum of the rest": (
        "pieces",
        "term = term if mask is None else",
        "term = term if True else",
    ),
    "halves left out": ("pieces", "for i in (0, half))", "for i in (0, 0))"),
    "draws: the first register again": ("draws", "vb.broadcast(builder.mul(j, pace))", "vb.broadcast(vb.long(0))"),
    "draws: one number for a register": (
        "draws",
        "list(range(vb.lanes))), vb.broadcast(pace)",
        "[0] * vb.lanes), vb.broadcast(pace)",
    ),
    "draws: the first thresholds again": (
        "draws",
        "vb.longs(thresholds, j, mask)",
        "vb.longs(thresholds, vb.long(0), mask)",
    ),
    "draws: kept where dropped": ("draws", "select(drops, vb.zero, kept)", "select(drops, kept, vb.zero)"),
    "a maximum of what lies behind": (
        "maxima",
        "numbers = numbers if mask is None else",
        "numbers = numbers if True else",
    ),
    "the smallest": ("maxima", 'fcmp_ordered(">", x, y), x, y)', 'fcmp_ordered("<", x, y), x, y)'),
    "always contracted": ("rounded_twice", "vb.flags = vb.flags if contract else ()", "pass"),
    "NaN for a zero": (
        "lists",
        'fcmp_unordered("!=", value, self.zero) for',
        'fcmp_ordered("!=", value, self.zero) for',
    ),
    "counted from 0 again": (
        "lists",
        "places = builder.add(counted, vb.broadcast(builder.trunc(first, INT), count))",
        "places = builder.add(counted, counted)",
    ),
    "used in the last rows alone": ("lists", "builder.or_(found.value, numbers)", "numbers"),
    "a list that is not filled up": ("lists", "for more in range(1, MR):", "for more in range(1, 2):"),
    "terms that are not listed": ("panels_of", "term = c_t if used is None else", "term = c_t if True else"),
    "the count for a place": ("panels_of", "builder.add(c_t, vb.long(1))", "builder.add(c_t, vb.long(0))"),
    "finite if the last are": (
        "finite",
        'vb.builder.or_(found.value, vb.builder.fcmp_unordered("!=", nothing, vb.zero))',
        'vb.builder.fcmp_unordered("!=", nothing, vb.zero)',
    ),
    "infinity is a number": (
        "finite",
        "fmul(vb.load(vb.at(vb.start(values), offset), mask), vb.zero)",
        "fneg(vb.load(vb.at(vb.start(values), offset), mask))",
    ),
    "the first place for all": ("steps", "builder.add(c, vb.long(1 + r))", "builder.add(c, vb.long(1))"),
    "panels of another width": (
        "steps",
        "vb.for_range(k, NR * vb.lanes)",
        "vb.for_range(k, (NR + 1) * vb.lanes)",
    ),
    "infinity not seen": ("steps", "vb.multiply_add(found.value, vb.zero, nothing_here)", "nothing_here"),
    "no step": ("steps", "vb.multiply_add(step, found.value, vb.load(place, mask))", "vb.load(place, mask)"),
    "rows from the start on": ("views", "builder.gep(data, [place])", "data"),
    "products past the last row": (
        "registers",
        "vb.builder.select(vb.first_n_mask(n), vb.sums(rows), vb.zero)",
        "vb.sums(rows)",
    ),
    "products of rows side by side": ("registers", "add(i, vb.times(row, step))", "add(i, vb.times(row, vb.lanes))"),
    "products of the first row": ("registers", "vb.long(r), n), vb.long(r)", "vb.long(r), n), vb.long(0)"),
}


@pytest.mark.uncounted  # the test above runs the same lines
@pytest.mark.parametrize("mutant", MUTANTS)
@pytest.mark.without_jit
def test_generated_code_that_is_wrong_fails(mutant: str) -> None:
    check, old, new = MUTANTS[mutant]
    ns = generated.load(max(WIDTHS), generated.change(old, new))
    few = {"few": True} if check == "panels" else {}
    assert not all(well for _, well in CHECKS[check](ns, "float64", **few))


@pytest.mark.parametrize(("width", "dtype"), KINDS)
@pytest.mark.without_jit
def test_a_sum_has_one_order(width: int, dtype: str) -> None:
    """Wherever it is divided, and with any neighbouring rows and columns, a sum has the same bits."""
    ns, random = generators(width), np.random.default_rng(0)
    run = native(ns.microkernels.multiply_panel, width, *(matrix(dtype),) * 4, int64, int64, int64)
    k = 3 * lanes(width, dtype)
    A, B, S = (random.normal(size=shape).astype(dtype) for shape in ((11, 9), (9, k), (1, k)))
    whole, cut, lonely = (np.empty((11, k), dtype) for _ in range(3))
    run(A, B, S, whole, 0, 3, k // 3)
    for t in range(10):
        run(A[:, :t], B[:t], S, cut, 0, 3, k // 3)
        run(A[:, t:], B[t:], cut, cut, 0, 3, k // 3)
        assert np.array_equal(cut, whole)
    for r, i in itertools.product(range(11), range(k)):
        run(A[r : r + 1], B, S, lonely[r : r + 1], i, 1, 1)
    assert np.array_equal(lonely, whole)
    assert not np.array_equal(whole, S + (A[:, ::-1].astype(np.longdouble) @ B[::-1]).astype(dtype)), "rounding shows"


# --- sharing --------------------------------------------------------------------------------------------------------


def counters(width: int) -> SimpleNamespace:
    loaded = generators(width)
    parallel, atomic = loaded.parallel, loaded.atomic
    return SimpleNamespace(
        add=native(atomic.add, width, COUNTERS, int64, int64),
        exchange=native(atomic.exchange, width, COUNTERS, int64, int64, int64),
        read=native(atomic.read, width, COUNTERS, int64),
        give_way=native(parallel._give_way, width),
        now=native(parallel._now, width),
        plain=parallel,
    )


def test_counters() -> None:
    both = counters(WIDTHS[0])
    for add, exchange, read, give_way, now in (
        (both.add, both.exchange, both.read, both.give_way, both.now),
        (both.plain._add, both.plain._exchange, both.plain._read, both.plain._give_way, both.plain._now),
    ):
        queue = np.zeros(32, np.int64)
        assert (add(queue, 8, 5), read(queue, 8)) == (0, 5)
        assert (add(queue, 8, -2), read(queue, 8)) == (5, 3)
        assert (exchange(queue, 8, 4, 9), read(queue, 8)) == (0, 3)
        assert (exchange(queue, 8, 3, 9), read(queue, 8)) == (1, 9)
        assert np.array_equal(np.flatnonzero(queue), [8])
        assert give_way() is None
        before, between, after = time.thread_time_ns(), now(), time.thread_time_ns()
        assert before <= between <= after


@pytest.mark.without_jit
@pytest.mark.uncounted
def test_counters_of_many_threads() -> None:
    """Compiled, they release the GIL; if they were not atomic, some increments would be lost."""
    both, queue, turns = counters(WIDTHS[0]), np.zeros(32, np.int64), 20_000
    for add in (both.add, both.plain._add):
        queue[:] = 0
        threads = [threading.Thread(target=lambda add=add: [add(queue, 8, 1) for _ in range(turns)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert queue[8] == 4 * turns


def test_every_ticket_is_taken_once() -> None:
    """With the kernels as they are: compiled, or plain Python if the JIT is disabled."""
    from samenet.fast.kernels import parallel

    queue, number, taken = np.zeros(32, np.int64), 5000, [[] for _ in range(4)]
    came_for_nothing = [threading.Event() for _ in taken]

    def work(mine: list[int], for_nothing: threading.Event) -> None:
        while parallel.wait_for_tasks(queue):
            task = parallel.claim(queue)
            if task >= 0:
                mine.append(task)
                parallel.finish_task(queue)
            else:
                for_nothing.set()

    each = zip(taken, came_for_nothing, strict=True)
    threads = [threading.Thread(target=work, args=given, daemon=True) for given in each]
    for thread in threads:
        thread.start()
    for _ in range(2):
        parallel.add_tasks(queue, number)
        parallel.wait_for_all(queue)
        for event in came_for_nothing:
            event.clear()
            assert event.wait(HANGS)
    queue[parallel._CLOSED] = 1
    for thread in threads:
        thread.join(HANGS)
    assert sorted(itertools.chain(*taken)) == list(range(2 * number))


@pytest.mark.parametrize("helpers", [0, 1, 3])
def test_as_many_helpers_are_called_as_are_asked_for(helpers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from samenet.fast.kernels import parallel

    called: list[Any] = []

    def work(number: int, queue: Array, is_coordinator: bool) -> tuple[int, bool, bool]:
        return number, is_coordinator, parallel.wait_for_tasks(queue)

    def begin(queue: Array, number: int, work: Any, arguments: tuple[Any, ...]) -> None:
        called.extend(number * [(work, *arguments)])

    monkeypatch.setattr(parallel, "_pool", lambda: SimpleNamespace(begin=begin, end=len, learn=lambda *_: None))
    assert parallel.run_parallel(work, (7,), helpers, 2) == (7, True, True)
    assert [(function, number, is_coordinator) for function, number, queue, is_coordinator in called] == helpers * [
        (work, 7, False)
    ]
    assert not any(parallel.wait_for_tasks(queue) for _, _, queue, _ in called), "at the end the queue is closed"
    with pytest.raises(ZeroDivisionError):
        parallel.run_parallel(lambda queue, is_coordinator: called.append(queue) or 1 // 0, (), 0, 2)
    assert not parallel.wait_for_tasks(called[-1])


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A pool of helpers of this test alone."""
    from samenet.fast.kernels import parallel

    found = parallel._Pool()
    monkeypatch.setattr(parallel, "_pool", lambda: found)
    yield found
    found._end()
    assert not any(thread.is_alive() for thread in found._threads)


def meeting(people: int) -> tuple[Callable[[Array, bool], None], list[threading.Thread]]:
    """Work that ends only once this many threads do it at the same time, and the list of helpers that did it."""
    gate, helped = threading.Barrier(people), []

    def work(queue: Array, is_coordinator: bool) -> None:
        gate.wait(HANGS)
        if not is_coordinator:
            helped.append(threading.current_thread())

    return work, helped


def test_calls_have_as_many_helpers_as_they_need_at_a_time_and_share_them(pool: Any) -> None:
    from samenet.fast.kernels import parallel

    for helpers, threads in ((1, 1), (1, 1), (3, 3), (2, 3)):
        work, _ = meeting(helpers + 1)
        parallel.run_parallel(work, (), helpers, 4)
        assert len(pool._threads) == threads
    work, helped = meeting(8)  # four calls at once, with a helper each
    calls = [threading.Thread(target=parallel.run_parallel, args=(work, (), 1, 4)) for _ in range(4)]
    for call in calls:
        call.start()
    for call in calls:
        call.join(HANGS)
    assert len(pool._threads) == 4
    pool._end()
    assert set(helped) == set(pool._threads)


@pytest.mark.parametrize("left", [0, 1])
def test_without_threads_a_call_has_fewer_helpers(left: int, pool: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from samenet.fast.kernels import parallel

    start, given = threading.Thread.start, iter([True] * left)

    def limited(thread: threading.Thread) -> None:
        if not next(given, False):
            raise RuntimeError("can't start new thread")
        start(thread)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", limited)
        work, helped = meeting(1 + left)
        parallel.run_parallel(work, (), 3, 4)
    pool._end()
    assert len(helped) == left
    assert pool._work.empty(), "nothing is kept for helpers that do not exist"


def test_an_error_of_a_helper_ends_no_helper(pool: Any) -> None:
    from samenet.fast.kernels import parallel

    def fails(queue: Array, is_coordinator: bool) -> None:
        if not is_coordinator:
            raise SystemExit

    parallel.run_parallel(fails, (), 1, 4)
    work, helped = meeting(2)
    parallel.run_parallel(work, (), 1, 4)
    pool._end()
    assert helped == pool._threads


def test_an_idle_helper_looks_for_the_next_call_until_its_coordinator_is_in_the_kernel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With plain functions, of which one shows each look."""
    parallel, looks = generators(WIDTHS[0]).parallel, []
    alone, queue, following = (parallel.new_queue(1) for _ in range(3))
    pool = parallel._Pool()
    for each in (queue, following):
        pool.begin(each, 0, len, ())
    for each in (alone, queue):
        parallel.add_tasks(each, 1)
        each[parallel._CLOSED] = 1
    monkeypatch.setattr(parallel, "_LOOKS", 10)
    monkeypatch.setattr(parallel, "_give_way", lambda: looks.append(0))
    assert not parallel.wait_for_tasks(alone)
    assert not looks, "without helpers there is nothing to look for"
    assert not parallel.wait_for_tasks(queue)
    assert len(looks) == 10, "no other call: it sleeps after a while"
    monkeypatch.setattr(parallel, "_give_way", lambda: looks.append(parallel.add_tasks(following, 2)))
    assert not parallel.wait_for_tasks(queue)
    assert len(looks) == 11
    parallel.add_tasks(following, 2)
    assert (queue[parallel._NUMBER], following[parallel._NUMBER], pool._begun.item()) == (1, 2, 2)


def test_calls_have_no_helpers_for_a_while_after_these_were_of_no_use_in_several(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are of use if they save an eighth of a call, without what the coordinator waited, and lost to them."""
    parallel, now = generators(WIDTHS[0]).parallel, [1000.0]
    pool = parallel._Pool()
    monkeypatch.setattr(parallel, "_pool", lambda: pool)
    monkeypatch.setattr(parallel, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    alone = parallel.new_queue(8)
    alone[[parallel._DONE, parallel._OWN, parallel._BUSY]] = 8, 8, 400_000_000
    helped, waited = alone.copy(), alone.copy()
    helped[[parallel._OWN, parallel._BUSY, parallel._WAITED]] = 4, 200_000_000, 100_000_000
    waited[[parallel._OWN, parallel._BUSY, parallel._WAITED]] = 4, 200_000_000, 150_000_000
    for call, processor in ((alone, 0.5), (helped, 0.5), (helped, 0.4)):
        pool.learn(call, 0.5, processor)
        assert [parallel.useful(count) for count in (-1, 0, 3)] == [-1, 0, 3]
    for _ in range(parallel._VAIN - 1):  # the last call gained nothing, either
        assert parallel.useful(3) == 3
        pool.learn(waited, 0.5, 0.5)
    assert [parallel.useful(count) for count in (-1, 0, 3)] == [-1, 0, 0]
    assert [parallel.useful(3) for _ in range(parallel._CALLS)] == [0] * (parallel._CALLS - 1) + [3]
    for _ in range(parallel._VAIN):
        assert parallel.useful(3) == 3, "after a pause, as many calls count"
        pool.learn(waited, 0.5, 0.5)
    now[0] += parallel._SECONDS - 0.1
    assert parallel.useful(3) == 0
    now[0] += 0.2
    assert parallel.useful(3) == 3, "after some time, however few calls there were"


def test_the_coordinator_waits_as_long_as_a_task_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a clock of which each look takes a unit. Helpers that are waited for in vain are sent away."""
    parallel, clock = generators(WIDTHS[0]).parallel, itertools.count(1000)
    monkeypatch.setattr(parallel, "_now", lambda: next(clock))
    queue, counter = parallel.new_queue(4), np.zeros(1, np.int64)
    queue[parallel._SHARED] = counter.ctypes.data

    def turn(number: int, finished: bool) -> list[int]:
        parallel.add_tasks(queue, 4)
        assert parallel.claim(queue) == 4 * number, "by a helper"
        own = [parallel.next_task(queue, 4, number) for _ in range(3)]
        assert not finished or parallel.own(queue, 0, number)
        for _ in range(3 + finished):
            parallel.finish_task(queue)
        for _ in range(35):
            next(clock)
        return [*own, parallel.next_task(queue, 4, number)]

    assert turn(0, finished=False) == [1, 2, 3, 0]
    assert (queue[parallel._BUSY], queue[parallel._WAITED], queue[parallel._OWN]) == (36, 12, 4)
    parallel.finish_task(queue)
    assert turn(1, finished=True) == [5, 6, 7, -1]
    assert (queue[parallel._BUSY], queue[parallel._WAITED], queue[parallel._OWN]) == (72, 12, 7)
    for number in (2, 3):
        assert not queue[parallel._CLOSED]
        assert turn(number, finished=False) == [*range(4 * number + 1, 4 * number + 4), 4 * number]
        parallel.finish_task(queue)
    assert queue[parallel._CLOSED]


def test_helpers_are_asked_for_where_they_save_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are never more threads, including the calling one, than pieces of work."""
    net = samenet.backend("numba").Network([99, 100], seed=0)  # 10,000 parameters, 100 activations
    monkeypatch.setattr(samenet.fast.ready, "useful", lambda helpers: helpers)
    for threads, rows, pieces, expected in (
        *((1, 10**6, 9, 0), (4, 170, 9, 3), (4, 169, 9, 0), (4, 170, 3, 2), (4, 170, 1, 0), (2, 10**6, 9, 1)),
    ):
        net.threads = threads
        assert samenet.fast.ready.helpers(net.model, rows, pieces) == expected


# --- compiling ------------------------------------------------------------------------------------------------------


KERNELS_OF_A_FILE = """
import numpy as np
from numba import float64, int64

@compiling.external(lambda f: (f[::1], int64), "reassoc", returns=float64)
def total(a, n):
    result = 0.0
    for i in range(n):
        result += a[i]
    return result

@compiling.external(lambda f: (f[::1], float64))
def fill(a, value):
    for i in range(a.size):
        a[i] = value + total(a, 0)

@compiling.kernel("contract")
def spread(a):
    result = total(a, a.size)
    fill(a, result / np.float64(a.size - a.size))  # a division by zero, without an exception
    return result

def doubled(a):
    return 2 * total(a, a.size)
"""


def test_kernels_call_each_other_and_stay_on_the_disk(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each dtype has its own; later processes find them in the cache until any file of the kernels changes."""
    monkeypatch.setattr(numba.config, "DISABLE_JIT", False)
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))  # Numba reads it anew if another test changed any
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "0")
    file = tmp_path / "some_kernels.py"
    file.write_text(KERNELS_OF_A_FILE)
    for stamp, found in [(b"one", 0), (b"one", 1), (b"two", 0)]:
        compiling = generated.again("codegen.compiling")
        compiling._STAMP = stamp
        module = ModuleType("some_kernels")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        vars(module).update(compiling=compiling, __file__=str(file))
        exec(compile(KERNELS_OF_A_FILE, str(file), "exec"), vars(module))
        externals = [module.total.external, module.fill.external]
        assert not any(external.compiled for external in externals)
        for number, dtype in enumerate((np.float64, np.float32)):
            a = np.arange(1, 7, dtype=dtype)
            assert module.spread(a) == 21
            assert np.isinf(a).all()
            assert sum(module.spread.stats.cache_hits.values()) == found * (number + 1)
            for external in externals:
                loaded = [int(form.library._disable_inspection) for form in external.compiled.values()]
                assert loaded == [found] * (number + 1)
    for holds_gil in (False, True):
        exact = compiling.for_exactly(module.doubled, (float64[::1],), holds_gil)
        assert exact(np.arange(4.0)) == 12
        assert exact.targetoptions["nogil"] is not holds_gil
    for other in (np.arange(4), np.arange(4, dtype=np.float32), np.arange(8.0)[::2], np.ones((2, 2)), [1.0], "a", None):
        with pytest.raises((TypeError, numba.core.errors.NumbaError)):
            exact(other)


def test_kernels_are_plain_functions_without_the_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    compiling = generated.again("codegen.compiling")
    module = ModuleType("some_kernels")
    vars(module)["compiling"] = compiling
    exec(KERNELS_OF_A_FILE, vars(module))
    a = np.arange(1.0, 7.0)
    with np.errstate(divide="ignore"):
        assert module.spread(a) == 21
    assert np.isinf(a).all()
    exact = compiling.for_exactly(module.doubled, (float64[::1],), False)
    assert exact(np.arange(4.0)) == 12
    for other in (np.arange(4), np.arange(4, dtype=np.float32), np.arange(8.0)[::2], np.ones((2, 2)), [1.0], "a", None):
        with pytest.raises((TypeError, ValueError)):
            exact(other)


def test_the_dtype_of_a_call_is_that_of_its_first_array_of_floats() -> None:
    from samenet.fast.kernels.codegen.compiling import _dtype_of

    numbers, row, rows = int64[::1], float32[::1], float64[:, ::1]
    assert _dtype_of((row, rows)) == float32
    assert _dtype_of((int64, numbers, rows, row)) == float64
    assert (
        _dtype_of((int64, types.Tuple((numbers, int64)), types.Tuple((int64, types.Tuple((numbers, row)))), rows))
        == float32
    )
    assert _dtype_of((int64, float64, numbers)) is None
