"""The product of a layer's gradient and the step against it in one pass over the weights, which never stores the
gradient; the errors of the layer below come from the same pass."""

import inspect
import itertools
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from functools import reduce
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from samenet.fast.kernels.codegen.generated import generated
from samenet.fast.kernels.codegen.vector import REGISTER, REGISTERS, Vector

_ROWS, _ACROSS = (4, 2) if REGISTERS == 32 else (2, 2)  # of a tile: rows of W, and registers of its columns


def stepping(
    f: Callable[..., tuple[Any, ...]], states: int, changes: Sequence[Callable[..., Any]], contract: bool = True
) -> Any:
    """A function g(delta, X, errors, change, l1, l2, limit, W, *states, *numbers) for kernels: a step of W against
    delta^T X; it returns the penalties of W before the step.

    delta (m, k) with m > 0, X (m, n), W and each state (k, n), and errors (m, n), or without rows if they are not
    wanted; rows of all but delta are contiguous. errors += delta W, with W before the step. f(W, *states, gradient,
    *numbers), as in `loops.vectorized`, returns the new W and states. change: 0, or the number, from 1, of the function
    among `changes` of (gradient, W, l1, l2, limit) that returns what replaces the gradient, and the penalties. Every
    sum is in the order of its terms, from 0 for a gradient; penalties are added in float64, tile by tile.
    """

    def plain(delta, X, errors, change, l1, l2, limit, W, *rest):
        arrays, numbers = [W, *rest[:states]], rest[states:]
        gradient, penalties = delta.T @ X, W[:0]
        if change:
            gradient, penalties = changes[change - 1](gradient, W, l1, l2, limit)
        if len(errors):
            errors += delta @ W
        for array, result in zip(arrays, f(*arrays, gradient, *numbers), strict=True):
            array[:] = result
        return float(penalties.sum(dtype=np.float64))

    given = [name for name in inspect.signature(f).parameters if name != "g"]
    names = ["delta", "X", "errors", "change", "l1", "l2", "limit", *given]
    parameters = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in names]
    plain.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]

    def write(vb, delta, X, errors, change, l1, l2, limit, W, *rest):
        matrices, changed = (delta, X, errors, [W, *rest[:states]]), (change, changes, (l1, l2, limit))
        return _Writer(vb, matrices, changed, f, rest[states:], contract).write()

    return generated(plain, write, types.float64)


class _Writer:
    """Emits the loops: over rows of W, a few at a time; over their columns, by tiles; in a tile over the samples."""

    def __init__(self, vb, matrices, changed, f, numbers, contract):
        self.vb, self.f, self.numbers, self.contract, self.changed = vb, f, numbers, contract, changed
        self.delta, self.X, self.errors, self.arrays = matrices
        (self.m, self.k), self.n = vb.pair(self.delta.shape), vb.pair(self.X.shape)[1]
        self.doubles = ir.VectorType(ir.DoubleType(), vb.lanes)
        self.penalties = vb.variable(ir.Constant(self.doubles, [0.0] * vb.lanes))

    def write(self):
        builder, vb = self.vb.builder, self.vb
        wanted = builder.icmp_signed("!=", vb.pair(self.errors.shape)[0], vb.long(0))
        with builder.if_else(wanted) as (yes, no):
            for block, has_errors in ((yes, True), (no, False)):
                with block:
                    whole = vb.times(builder.sdiv(self.k, vb.long(_ROWS)), _ROWS)
                    with vb.for_range(whole, _ROWS) as (i, _):
                        self._write_rows(i, _ROWS, has_errors)
                    with vb.for_range(builder.sub(self.k, whole)) as (i, _):
                        self._write_rows(builder.add(whole, i), 1, has_errors)
        return self.vb.across(self.penalties.value, builder.fadd)

    def _write_rows(self, i, rows, has_errors):
        vb, lanes = self.vb, self.vb.lanes
        step = _ACROSS * lanes
        whole = vb.times(vb.builder.sdiv(self.n, vb.long(step)), step)
        with vb.for_range(whole, step) as (j, _):
            self._write_tile(i, vb.times(j, vb.size), rows, [None] * _ACROSS, has_errors)
        with vb.when(whole, "<", self.n):
            left = vb.builder.sub(self.n, whole)
            masks = [vb.first_n_mask(vb.builder.sub(left, vb.long(v * lanes))) for v in range(_ACROSS)]
            self._write_tile(i, vb.times(whole, vb.size), rows, masks, has_errors)

    @contextmanager
    def _each_sample(self):
        """A loop that is entered at least once: otherwise, LLVM would multiply a gradient of 0 before it, and could not
        fuse that multiplication with what follows the loop, so that a tile would have other bits than another."""
        vb, builder = self.vb, self.vb.builder
        sample, body, after = vb.variable(vb.long(0)), builder.append_basic_block(), builder.append_basic_block()
        builder.branch(body)
        builder.position_at_end(body)
        yield sample.value
        sample.value = builder.add(sample.value, vb.long(1))
        builder.cbranch(builder.icmp_signed("<", sample.value, self.m), body, after)
        builder.position_at_end(after)

    def _write_tile(self, i, column, rows, masks, has_errors):
        """All sums of a tile stay in registers; each register of X, and each number of delta, is loaded once."""
        vb, across = self.vb, range(len(masks))

        def places(array, row):
            start = vb.at(vb.at(vb.start(array), vb.times(vb.pair(array.strides)[0], row)), column)
            return [vb.at(start, vb.long(v * REGISTER)) for v in across]

        numbers = [vb.builder.add(i, vb.long(r)) for r in range(rows)]
        tile = [[places(array, number) for number in numbers] for array in self.arrays]
        W = [[vb.load(place, mask) for place, mask in zip(row, masks, strict=True)] for row in tile[0]]
        sums = [[vb.variable(vb.zero) for _ in across] for _ in numbers]
        step, apart = vb.pair(self.delta.strides)
        for array, number in itertools.product(self.arrays, numbers):
            for place in places(array, vb.builder.add(number, vb.long(rows))):
                vb.prefetch(place)
        with self._each_sample() as s:
            start = vb.at(vb.start(self.delta), vb.times(step, s))
            deltas = [vb.broadcast_load(vb.at(start, vb.times(apart, number))) for number in numbers]
            for v, (place, mask) in enumerate(zip(places(self.X, s), masks, strict=True)):
                x = vb.load(place, mask)
                for delta, row in zip(deltas, sums, strict=True):
                    row[v].value = vb.multiply_add(delta, x, row[v].value)
            for v, (place, mask) in enumerate(zip(places(self.errors, s), masks, strict=True) if has_errors else ()):
                error = vb.load(place, mask)
                for delta, row in zip(deltas, W, strict=True):
                    error = vb.multiply_add(delta, row[v], error)
                vb.store(error, place, mask)
        self._write_change(W, sums)
        flags, vb.flags = vb.flags, vb.flags if self.contract else ()
        for r, (row, gradients) in enumerate(zip(W, sums, strict=True)):
            for v, mask in enumerate(masks):
                state = [vb.load(array[r][v], mask) for array in tile[1:]]
                given = (Vector(vb, value) for value in (row[v], *state, gradients[v].value, *self.numbers))
                results = [result.value for result in self.f(*given)]
                for array, result in zip(tile, results, strict=True):
                    vb.store(result, array[r][v], mask)
        vb.flags = flags

    def _write_change(self, W, sums):
        vb, (change, changes, numbers) = self.vb, self.changed
        with vb.when(change, "!=", vb.long(0)):
            for number, replaced in enumerate(changes, 1):
                with vb.when(change, "==", vb.long(number)):
                    penalties = []
                    for w, total in zip(itertools.chain(*W), itertools.chain(*sums), strict=True):
                        result = replaced(*(Vector(vb, value) for value in (total.value, w, *numbers)))
                        total.value, of_w = (x.value for x in result)
                        penalties.append(of_w)
                    added = vb.builder.fpext(reduce(vb.builder.fadd, penalties), self.doubles)
                    self.penalties.value = vb.builder.fadd(self.penalties.value, added)
