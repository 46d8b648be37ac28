"""A backend made of `samenet.fast.arrays`: it connects a model in NumPy's memory to an array library on a device."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from samenet import network as interface
from samenet.backends import generic
from samenet.backends.adaptive import Sampler
from samenet.backends.dropout import DropConnect, Dropout
from samenet.fast import arrays
from samenet.fast.array_updates import Counters, Masks, Put, masks_of, scales, update
from samenet.fast.arrays import Description
from samenet.model import Model
from samenet.model.parameters import Parameters
from samenet.optimizers import State, UpdateRule
from samenet.validation.checks import short

Array = NDArray[Any]
N = TypeVar("N", bound=interface.Network)


def _device(model: Model) -> str:
    """The device on which a model's backend computes."""
    return getattr(model, "device", "cpu")


class Run(NamedTuple):
    """The parameters that are constant during a call of `run_updates`."""

    d: Description
    rule: UpdateRule
    clipping: tuple[float, float]
    batch_size: int
    m: int  # samples per epoch


class ArrayBackend:
    """The functions of the contract on one library's arrays.

    xp        the library's namespace of the array API
    put       put(array, device) copies a NumPy array to the device
    get       get(array) copies it back to NumPy
    updates   makes all updates of a call, such as `one_by_one(xp)`; called by `run_updates` below
    compiled  compiles a function of (description, *arrays), for repeated calls with the same description
    """

    def __init__(
        self,
        xp: Any,
        put: Callable[[Array, str], Any],
        get: Callable[[Any], Array],
        updates: Callable[..., Any],
        compiled: Callable[[Any], Any] = lambda f: f,
    ) -> None:
        self._put, self._get, self._updates = put, get, updates

        def forward(d: Description, everything: Any, x: Any) -> list[Any]:
            return arrays.forward(xp, d, arrays.layers(d, everything), x).h[1:]

        def evaluate(d: Description, everything: Any, X: Any, Y: Any, weights: Any) -> tuple[Any, Any]:
            return arrays.evaluate(xp, d, everything, X, Y, weights)

        def gradient(
            d: Description, everything: Any, X: Any, Y: Any, weights: Any, masks: Any, counters: Any
        ) -> tuple[Any, Any]:
            left_out = masks_of(xp, d, masks, counters, X.shape[0])
            return arrays.gradient(xp, d, everything, X, Y, *left_out, weights)[:2]

        self._forward, self._evaluate, self._gradient = map(compiled, (forward, evaluate, gradient))

    def _onto(self, model: Model) -> Callable[[Array | None], Any]:
        device = _device(model)
        return lambda array: None if array is None else self._put(array, device)

    def feed_forward(self, model: Model, x: Array) -> list[Array]:
        """The activations of every layer; see `samenet.reference.feed_forward`."""
        put, d = self._onto(model), Description.of(model)
        return [x, *map(self._get, self._forward(d, put(model.theta.everything), put(x)))]

    def predict(self, model: Model, x: Array) -> Array:
        """The output layer alone; see `samenet.reference.predict`."""
        return self.feed_forward(model, x)[-1]

    def evaluate(
        self, model: Model, X: Array, Y: Array, reduction: str = "mean", sample_weight: Array | None = None
    ) -> tuple[float, Array]:
        """The cost and the output; see `samenet.reference.evaluate`."""
        put, d = self._onto(model), Description.of(model, reduction)
        cost, output = self._evaluate(d, put(model.theta.everything), *map(put, (X, Y, sample_weight)))
        return float(cost), self._get(output)

    def gradient(
        self,
        model: Model,
        X: Array,
        Y: Array,
        reduction: str = "mean",
        dropout: Dropout | None = None,
        drop_connect: DropConnect | None = None,
        sample_weight: Array | None = None,
    ) -> tuple[float, Parameters]:
        """The cost and its gradient; see `samenet.reference.gradient`."""
        put, d, g = self._onto(model), Description.of(model, reduction), model.theta.empty_like()
        masks = Masks.of(put, d, dropout, drop_connect), Counters(*map(put, Counters.of(d, dropout, drop_connect)))
        cost, flat = self._gradient(d, *map(put, (model.theta.everything, X, Y, sample_weight)), *masks)
        g.flat[:] = self._get(flat)
        return float(cost), g

    def run_updates(
        self,
        model: Model,
        X: Array,
        Y: Array,
        rule: UpdateRule,
        *,
        alpha: Any,
        batch_size: int,
        order: Array | None = None,
        epochs: int = 1,
        reduction: str = "mean",
        dropout: Dropout | None = None,
        drop_connect: DropConnect | None = None,
        state: State | None = None,
        clip_value: float = math.inf,
        clip_norm: float = math.inf,
        sampler: Sampler | None = None,
        sample_weight: Array | None = None,
    ) -> NDArray[np.float64]:
        """Many updates, in place; see `samenet.reference.run_updates`."""
        state = rule.state(model.theta) if state is None else state
        if sampler is not None:  # the rows drawn depend on what earlier updates have learned
            options: dict[str, Any] = {"order": order, "epochs": epochs, "reduction": reduction, "dropout": dropout}
            options |= {"drop_connect": drop_connect, "state": state, "sampler": sampler}
            options |= {"alpha": alpha, "batch_size": batch_size, "clip_value": clip_value, "clip_norm": clip_norm}
            updates: Any = generic.run_updates
            return updates(self, model, X, Y, rule, **options)  # type: ignore[no-any-return]
        put, d = self._onto(model), Description.of(model, reduction)
        epochs, m = (epochs, len(X)) if order is None else order.shape
        run = Run(d, rule, (clip_value, clip_norm), min(batch_size, m), m)
        factors = _factors(run, alpha, epochs, state.t).astype(model.dtype)
        masks = Masks.of(put, d, dropout, drop_connect), Counters(*map(put, Counters.of(d, dropout, drop_connect)))
        given = put(model.theta.everything), [put(v) for v in state.values], *map(put, (X, Y, sample_weight))
        everything, values, costs = self._updates(run, put, order, factors, *given, *masks)
        model.theta.everything[:] = self._get(everything)
        for old, new in zip(state.values, values, strict=True):
            old[:] = self._get(new)
        state.t += factors.shape[0] * factors.shape[1]
        return np.asarray(self._get(costs), np.float64).reshape(-1)


def one_by_one(xp: Any) -> Callable[..., Any]:
    """The `updates` of an `ArrayBackend`, with calls of the library for each one."""

    def updates(
        run: Run,
        put: Put,
        order: NDArray[np.int64] | None,
        factors: Array,
        everything: Any,
        values: list[Any],
        X: Any,
        Y: Any,
        weights: Any,
        masks: Masks,
        counters: Counters,
    ) -> tuple[Any, list[Any], Any]:
        rows, costs = None if order is None else put(order), list[Any]()
        for epoch, pairs in enumerate(factors.tolist()):
            for i, pair in enumerate(pairs):
                start = i * run.batch_size
                part: Any = slice(start, start + run.batch_size)
                part = part if rows is None else rows[epoch, part]
                now = counters.after(run.d, epoch * run.m + start, len(costs))
                w = None if weights is None else weights[part]
                given = everything, values, X[part], Y[part], pair, masks, now, w
                everything, values, cost = update(xp, run.d, run.rule, run.clipping, *given)
                costs.append(cost)
        return everything, values, xp.stack(costs)

    return updates


def _factors(run: Run, alpha: Any, epochs: int, t: int) -> NDArray[np.float64]:
    """The two factors of every update, (epochs, batches, 2); see `array_updates.scales`."""
    batches = -(-run.m // run.batch_size)
    alphas = np.broadcast_to(np.asarray(alpha, np.float64), epochs).tolist()
    pairs = [scales(run.rule, alphas[i // batches], t + i + 1) for i in range(epochs * batches)]
    return np.array(pairs, np.float64).reshape(epochs, batches, 2)


def _checked(backend: Any, device: Any) -> str:
    """A device on which the backend can compute."""
    if not isinstance(device, str):
        raise TypeError(f"device: expected a name such as 'cpu', got {short(device)} ({type(device).__name__})")
    try:
        backend.try_device(device)
    except Exception as error:  # of many kinds
        reason = " ".join(str(error).split())[:200]
        raise ValueError(
            f"device: expected one that {backend.LIBRARY} has here, with float64, got {short(device)}: {reason}"
        ) from None
    return device


class OnDevice(interface.Network):
    """A network whose backend computes on a device.

    device  the library's name for it; by default the CPU. Copies keep the device; files and networks on another
            backend do not. Raises TypeError or ValueError if the device is not available or has no float64.

    Everything else is documented in `samenet.network.Network`.
    """

    def __init__(self, sizes: Sequence[int], *, device: str = "cpu", **settings: Any) -> None:
        super().__init__(sizes, **settings)
        self.device = device

    @property
    def device(self) -> str:
        """The device on which the backend computes. It can be changed: `net.device = "cpu"`."""
        return _device(self.model)

    @device.setter
    def device(self, name: str) -> None:
        self.model.device = _checked(self.backend, name)  # type: ignore[attr-defined]

    def _onto(self, cls: type[N]) -> N:
        network = super()._onto(cls)
        if isinstance(network, type(self)):
            network.model.device = self.device  # type: ignore[attr-defined]
        return network
