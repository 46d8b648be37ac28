"""The check of an answer: the reference's answer to part of a task, and the allowed error.

Training is checked over a few updates from weights that do not saturate: with saturated nodes, a check proves little.
Where the reference's loops would take too long, the NumPy backend replaces them; tests compare it with the reference.
"""

from dataclasses import replace

import numpy as np

from benchmarks.limits import products
from benchmarks.problem import SEED, Array, Descent, Forward, Gradient, Many, Task, in_dtype
from samenet.backends.dropout import DropConnect, Dropout
from samenet.compare import cases
from samenet.network import Network
from samenet.optimizers import UpdateRule, optimizer
from samenet.reference import mask
from samenet.testing import tolerance
from samenet.testing.inputs import weight_masks
from samenet.testing.tolerance import Comparison

_CHECKED_ROWS, _CHECKED_UPDATES, _CHECKED_NETWORKS = 20, 3, 3

# An update multiplies an error in the parameters by at most the norm of I - alpha H, about 1 for steps that descend:
# for a few updates, ten times the sum of their bounds is a safe margin.
_GROWTH = 10.0

_LOOPS_UP_TO = 1_000_000  # multiply-adds: about a second of the reference's loops


def few(task: Task) -> Task:
    """The part that is checked: all of a forward pass or gradient, or a few updates on a few rows.

    Updates begin with weights that are not saturated.
    """
    if isinstance(task, Forward | Gradient):
        return task
    if isinstance(task, Many):
        one = few(task.one)
        assert isinstance(one, Descent)
        return Many(one, task.networks[:_CHECKED_NETWORKS])
    network = task.network
    if network.bias:
        safe = cases.example(network.sizes, 1)[0]
        network = in_dtype(network, "float64")
        for place, given in zip((*network.weights, *network.biases), (*safe.weights, *safe.biases), strict=True):
            place[:] = given
    rows = min(task.batch_size, 5 * _CHECKED_ROWS)
    m = rows * min(task.batches, _CHECKED_UPDATES)
    # One shuffled pass: of several, each would have its own order, which cannot be given to every library.
    passes = 1 if task.shuffle else min(task.passes, _CHECKED_UPDATES)
    network = in_dtype(network, task.network.dtype.name)
    return replace(task.of_rows(m), network=network, batch_size=rows, passes=passes)


class Expected:
    """The reference's answer to `few` of a task, and the allowed error."""

    def __init__(self, task: Task) -> None:
        found = few(task)
        self.dtype = task.network.dtype
        self.places: slice | Array = slice(None)
        if isinstance(found, Forward):
            if found.x.ndim > 1:
                self.places = np.linspace(0, len(found.x) - 1, _CHECKED_ROWS).astype(int)
            x = found.x[self.places]
            network = _checked_by(found.network, len(x) if x.ndim > 1 else 1)
            self.values, self.allowed = network.predict(x), tolerance.forward(network.model, x)[-1]
            self.shape = (*found.x.shape[:-1], found.network.sizes[-1])
            return
        several = found.each() if isinstance(found, Many) else [found]
        ends, allowed = zip(*map(_ended, several), strict=True)
        self.values, self.allowed = (
            (np.array(ends), np.array(allowed)) if isinstance(found, Many) else (*ends, *allowed)
        )
        self.shape = self.values.shape

    def compare(self, answer: Array, looser: float) -> Comparison:
        """Compare an answer with it; if any difference is allowed, only shape, dtype and finiteness are checked."""
        if answer.shape != self.shape:
            return tolerance.compare(answer, np.empty(self.shape), 0.0)
        if np.isinf(looser):
            finite = np.isfinite(answer).all()
            return tolerance.compare(answer, answer if finite else self.values, 0.0, dtype=self.dtype)
        allowed = np.maximum(self.allowed, looser)
        return tolerance.compare(answer[self.places], self.values, allowed, dtype=self.dtype)


def _checked_by(network: Network, samples: int) -> Network:
    """The network on the reference, or on NumPy where loops over so many samples would take too long."""
    return network if samples * products(network.sizes) <= _LOOPS_UP_TO else network.on("numpy")


def _ended(task: Gradient | Descent) -> tuple[Array, Array]:
    """The answer to a task with targets, and the allowed error."""
    if isinstance(task, Descent):
        return _trained(task)
    network, given = _checked_by(task.network, 3 * len(task.X)), (task.X, task.Y)
    cost, slope = network.gradient(*given)
    cost_allowed, allowed = tolerance.gradient(network.model, *given)
    return np.append(slope.flat, cost), np.append(allowed.flat, cost_allowed)


def _trained(task: Descent) -> tuple[Array, Array]:
    """The parameters after the reference's updates, and the allowed error: the sum of the updates' bounds, times 10."""
    orders, rule = task.orders(), optimizer(task.rule)
    assert isinstance(rule, UpdateRule)
    network, allowed = _checked_by(task.network.copy(), 3 * orders.size), np.zeros(task.network.parameters.shape)
    state, (dropout, connect) = rule.state(network.model.theta), _left_out(task)
    clipping = {"clip_value": task.clip_value, "clip_norm": task.clip_norm}
    for i, rows in enumerate(orders):
        x, y = np.ascontiguousarray(task.X[rows]), np.ascontiguousarray(task.Y[rows])
        now = None if dropout is None else dropout.after(i * len(rows))
        of_now = None if connect is None else connect.after(i)
        masks = None if now is None else np.array([mask(now, sample) for sample in range(len(rows))], task.X.dtype)
        alpha, weights = task.alpha / (1 + task.decay * (i // task.batches)), task.weights
        common = {**clipping, "state": state, "sample_weight": None if weights is None else weights[rows]}
        given = {"rule": rule, "masks": masks, "weight_masks": weight_masks(of_now, network.sizes), **common}
        allowed += tolerance.update(network.model, x, y, alpha, task.reduction, **given)
        settings = {"alpha": alpha, "batch_size": len(rows), "reduction": task.reduction, **common}
        network.backend.run_updates(network.model, x, y, rule, dropout=now, drop_connect=of_now, **settings)
    return network.parameters, _GROWTH * allowed


def _left_out(task: Descent) -> tuple[Dropout | None, DropConnect | None]:
    """The masks of samenet, which are the same on all of its backends; other libraries draw their own."""
    key, dtype, sizes = int(np.random.default_rng(SEED).integers(2**63)), task.network.dtype, task.network.sizes
    dropout = Dropout.of(np.full(sum(sizes[1:-1]), task.dropout), dtype, key) if task.dropout else None
    p = np.full(len(sizes) - 1, task.drop_connect)
    return dropout, DropConnect.of(p, dtype, key) if task.drop_connect else None
