"""A backend made of `samenet.fast.arrays`: it connects a model in NumPy's memory to an array library on a device."""

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from samenet import network as interface
from samenet.backends import generic
from samenet.backends.adaptive import Sampler
from samenet.backends.dropout import DropConnect, Dropout
from samenet.fast.arrays import Objective, Run, Theta, evaluate, forward, gradient, update
from samenet.fast.masks import Masks, masks_of
from samenet.fast.sampler import Sampled, learn
from samenet.fast.steps import scales
from samenet.model import Model
from samenet.model.parameters import Parameters
from samenet.optimizers import State, UpdateRule
from samenet.validation.checks import short

Array = NDArray[Any]
N = TypeVar("N", bound=interface.Network)


def _device(model: Model) -> str:
    """The device on which a model's backend computes."""
    return getattr(model, "device", "cpu")


class ArrayBackend:
    """The functions of the contract on one library's arrays.

    xp        the library's namespace of the array API
    put       put(array, device) copies a NumPy array to the device
    get       get(array) copies it back to NumPy
    updates   makes all updates of a call, such as `one_by_one(xp, get)`; called by `run_updates` below
    compiled  compiles a function of (objective, theta, *arrays), for repeated calls with the same objective
    samples   whether `updates` draws rows by a sampler; otherwise, `samenet.backends.generic` does
    """

    def __init__(
        self,
        xp: Any,
        put: Callable[[Array, str], Any],
        get: Callable[[Any], Array],
        updates: Callable[..., Any],
        compiled: Callable[[Any], Any] = lambda f: f,
        samples: bool = True,
    ) -> None:
        self._put, self._get, self._updates, self._samples = put, get, updates, samples

        def activations(of: Objective, theta: Theta, x: Any) -> list[Any]:
            return forward(xp, of, theta, x).h[1:]

        def cost_and_output(of: Objective, theta: Theta, X: Any, Y: Any, weights: Any) -> tuple[Any, Any]:
            return evaluate(xp, of, theta, X, Y, weights)

        def cost_and_gradient(of: Objective, theta: Theta, masks: Masks, X: Any, Y: Any, weights: Any) -> Any:
            return gradient(xp, of, theta, X, Y, weights, *masks_of(xp, theta, masks, X.shape[0]))[:2]

        functions = activations, cost_and_output, cost_and_gradient
        self._forward, self._evaluate, self._gradient = map(compiled, functions)

    def _onto(self, model: Model) -> tuple[Callable[[Array | None], Any], Theta]:
        """A function that copies arrays to the model's device, and the parameters there."""
        device, theta = _device(model), model.theta
        everything = self._put(theta.everything, device)
        on_device = theta if everything is theta.everything else theta.like(everything)
        return lambda array: None if array is None else self._put(array, device), on_device

    def feed_forward(self, model: Model, x: Array) -> list[Array]:
        """The activations of every layer; see `samenet.reference.feed_forward`."""
        put, theta = self._onto(model)
        return [x, *map(self._get, self._forward(Objective.of(model), theta, put(x)))]

    def predict(self, model: Model, x: Array) -> Array:
        """The output layer alone; see `samenet.reference.predict`."""
        return self.feed_forward(model, x)[-1]

    def evaluate(
        self, model: Model, X: Array, Y: Array, reduction: str = "mean", sample_weight: Array | None = None
    ) -> tuple[float, Array]:
        """The cost and the output; see `samenet.reference.evaluate`."""
        put, theta = self._onto(model)
        cost, output = self._evaluate(Objective.of(model, reduction), theta, *map(put, (X, Y, sample_weight)))
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
        put, theta = self._onto(model)
        masks = Masks.of(put, theta, dropout, drop_connect)
        cost, flat = self._gradient(Objective.of(model, reduction), theta, masks, *map(put, (X, Y, sample_weight)))
        g = model.theta.like(self._get(flat))
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
        if sampler is not None and not self._samples:
            options: dict[str, Any] = {"order": order, "epochs": epochs, "reduction": reduction, "dropout": dropout}
            options |= {"drop_connect": drop_connect, "state": state, "sampler": sampler}
            options |= {"alpha": alpha, "batch_size": batch_size, "clip_value": clip_value, "clip_norm": clip_norm}
            of: Any = generic.run_updates
            return of(self, model, X, Y, rule, **options)  # type: ignore[no-any-return]
        put, theta = self._onto(model)
        epochs, m = (epochs, len(X)) if order is None else order.shape
        run = Run(Objective.of(model, reduction), rule, clip_value, clip_norm, min(batch_size, m), m)
        factors = _factors(run, alpha, epochs, state.t).astype(model.dtype)
        masks = Masks.of(put, theta, dropout, drop_connect)
        given = theta, [put(v) for v in state.values], tuple(map(put, (X, Y, sample_weight))), masks
        theta, values, costs = self._updates(run, put, order, factors, *given, sampler)
        if theta is not model.theta:
            model.theta.everything[:] = self._get(theta.everything)
        for old, new in zip(state.values, values, strict=True):
            old[:] = self._get(new)
        state.t += factors.shape[0] * factors.shape[1]
        return np.asarray(self._get(costs), np.float64).reshape(-1)


def one_by_one(xp: Any, get: Callable[[Any], Array]) -> Callable[..., Any]:
    """The `updates` of an `ArrayBackend`, with calls of the library for each one."""

    def updates(
        run: Run,
        put: Callable[[Any], Any],
        order: Array | None,
        factors: Array,
        theta: Theta,
        values: Sequence[Any],
        data: tuple[Any, Any, Any],
        masks: Masks,
        sampler: Sampler | None = None,
    ) -> tuple[Theta, Sequence[Any], Any]:
        rows, costs = order if sampler or order is None else put(order), list[Any]()
        into = theta.empty_like() if xp is np else None
        for epoch, pairs in enumerate(factors.tolist()):
            for i, pair in enumerate(pairs):
                start = i * run.batch_size
                part: Any = slice(start, start + run.batch_size)
                part = part if rows is None else rows[epoch, part]
                sampled = None if sampler is None else Sampled.by(sampler, part, put, factors.dtype)
                part = part if sampled is None else put(sampled.rows)
                batch: Any = tuple([None if A is None else A[part] for A in data])
                count = len(batch[0])
                now = masks_of(xp, theta, masks, count, epoch * run.m + start, len(costs))
                theta, values, cost = update(xp, run, theta, values, pair, batch, now, sampled, into)
                costs.append(cost)
                if sampler is not None and sampled is not None:
                    learn(sampler, sampled.rows, get(sum(sampled.squares)) / run.of.scale(count, None) ** 2)
        return theta, values, np.array(costs) if xp is np else xp.stack(costs)

    return updates


def _factors(run: Run, alpha: Any, epochs: int, t: int) -> NDArray[np.float64]:
    """The two factors of every update, (epochs, batches, 2); see `steps.scales`."""
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
