"""Reading the state of training from a checkpoint; checks the contents of the file, and that they fit the call."""

import copy
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.backends.adaptive import Sampler
from samenet.model import Model
from samenet.storage import streams
from samenet.storage.contents import Unreadable
from samenet.storage.reading import read_checkpoint
from samenet.training import checkpoint
from samenet.training.history import History
from samenet.training.options import Options
from samenet.training.sampling import Draws, is_stream
from samenet.training.state import Kept, TrainingState
from samenet.validation import checks
from samenet.validation.finite import all_finite

Shapes = Mapping[str, tuple[np.dtype[Any], tuple[int, ...]]]
_MOST = 1 << 62
_LIMIT = 1 << 30  # bytes of an array in a checkpoint; or the size of the network's parameters, if larger
_FLOAT, _INTEGER = np.dtype(np.float64), np.dtype(np.int64)


def read(path: str, options: Options, network: Model, cost: str, backend: str) -> TrainingState:
    """The state in a checkpoint; ValueError if it is of another network, other samples or other options."""
    found: list[_Said] = []

    def wanted(training: dict[str, Any], model: Model) -> Shapes:
        _check_network(model, network)
        version = training.get("version")
        if version != checkpoint.VERSION or type(version) is not int:
            raise Unreadable(f"its training run has version {checks.short(version)}; this reads {checkpoint.VERSION}")
        _check_call(training, options, cost, backend)
        found.append(_Said(training, options, network))
        return found[0].shapes()

    limit = max(_LIMIT, network.theta.everything.nbytes)
    model, _, arrays = read_checkpoint("resume", path, limit, wanted)
    try:
        return found[0].state(arrays, model, cost)
    except Unreadable as reason:
        raise ValueError(
            f"resume: expected a checkpoint of a training run, got {checks.short(path)}: {reason}"
        ) from None


def _check_network(model: Model, network: Model) -> None:
    for name in ("sizes", "dtype", "settings"):
        theirs, own = getattr(model, name), getattr(network, name)
        if theirs != own:
            if name == "settings":
                name = next(key for key in own if own[key] != theirs[key])
                theirs, own = theirs[name], own[name]
            raise ValueError(
                f"resume: expected a checkpoint of a network with {name} {checks.short(own)}, got one with "
                f"{checks.short(theirs)}"
            )


def _check_call(training: dict[str, Any], options: Options, cost: str, backend: str) -> None:
    """Check that the call has the arguments of the one that wrote the checkpoint."""
    own = checkpoint.texts(options, cost)
    theirs = training.get("options")
    if not isinstance(theirs, dict) or theirs.keys() != own.keys():
        raise Unreadable("it has training options that this version of samenet does not know")
    if training.get("backend") != backend:
        theirs = checks.short(training.get("backend"))
        raise ValueError(f"resume: expected a checkpoint by the backend {backend!r}, got one by {theirs}")
    for name, text in own.items():
        if theirs[name] != text:
            raise ValueError(f"{name}: expected {theirs[name]!s:.200} as in the checkpoint, got {text:.200}")
    sums = training.get("samples")
    for name, own_sum in checkpoint.fingerprint(options).items():
        if not isinstance(sums, dict) or sums.get(name) != own_sum:
            raise ValueError(f"{name}: expected the same values as in the checkpoint, got others")
    seed, given = training.get("seed"), options.seed
    if given is not None and seed != checkpoint.described_seed(given):
        raise ValueError(f"seed: expected {checks.short(seed)} as in the checkpoint, got {checks.short(given)}")


class _Said:
    """The entries of a checkpoint, with every number checked to be in its range."""

    def __init__(self, training: dict[str, Any], options: Options, network: Model) -> None:
        self.options, self.network, self.m = options, network, len(options.X)
        self.names = list(History(options.recorded))
        self.epochs_done = _integer(training, "epochs_done", _MOST // self.m)
        self.began = _integer(training, "began", self.epochs_done)
        self.updates, self.key = _integer(training, "updates", _MOST), _integer(training, "key", 2**63 - 1)
        self.kind, self.stream = _stream(training.get("stream"), options.seed)
        self.seed = training.get("seed")
        if not (self.seed is None or type(self.seed) is int or self.seed == self.kind):
            raise Unreadable(f"its seed is {checks.short(self.seed)}")
        divergence = training.get("divergence")
        if not (isinstance(divergence, list) and [*map(type, divergence)] == [float, bool]):
            raise Unreadable("it does not say whether the training diverged")
        self.largest, self.is_done = divergence
        said = training.get("history")
        self.history: dict[str, Any] = said if isinstance(said, dict) else {}
        self.records = _integer(self.history, "records", _MOST)
        self.curve = 0 if self.history.get("curve") is None else _integer(self.history, "curve", _MOST)
        names, stopped_by = self.history.get("names"), self.history.get("stopped_by")
        if names != self.names or not (stopped_by is None or isinstance(stopped_by, str)):
            raise Unreadable(f"its history has {checks.short(names)}, not {self.names}")
        for name in ("diverged_at", "best_epoch"):
            if self.history.get(name) is not None:
                _integer(self.history, name, self.epochs_done)
        rules = training.get("rules")
        self.rules = [_rule(rule) for rule in rules] if isinstance(rules, list) else []
        if rules and [text for text, *_ in self.rules] != [*map(str, options.stop)]:
            raise Unreadable("its stop rules are not those of its options")
        self.hooks_begun, self.has_last = training.get("hooks_begun"), training.get("last")
        if type(self.has_last) is not bool:
            raise Unreadable("it does not say whether its network has the parameters of the last update")
        if self.hooks_begun is not None:
            _integer(training, "hooks_begun", len(options.stop) + 1)

    def shapes(self) -> Shapes:
        """Dtype and shape of each required array."""
        theta, m = self.network.theta, self.m
        everything = theta.everything.dtype, theta.everything.shape
        found: dict[str, tuple[np.dtype[Any], tuple[int, ...]]] = {"first": everything}
        if arrays := self.options.settings.optimizer.state_arrays:  # type: ignore[attr-defined]
            found["state"] = theta.flat.dtype, (arrays, theta.flat.size)
        if self.has_last:
            found["last"] = everything
        if self.records:
            found |= {"epochs": (_INTEGER, (self.records,)), "records": (_FLOAT, (len(self.names), self.records))}
        if self.curve:
            found["curve"] = _FLOAT, (self.curve,)
        if self.kind == "Random":
            found["rows"] = _INTEGER, (m,)
        if self.options.settings.sampling is not None:
            found |= {"tree": (_FLOAT, (2 << (m - 1).bit_length(),)), "mean": (_FLOAT, (1,))}
        for place, (_, _, names) in enumerate(self.rules):
            found |= {f"rule{place}.{name}": everything for name in names}
        return found

    def state(self, arrays: dict[str, NDArray[Any]], model: Model, cost: str) -> TrainingState:
        """The state."""
        options, settings, m = self.options, self.options.settings, self.m
        sampling, theta = settings.sampling, self.network.theta
        history = History(options.recorded)
        if self.records:
            epochs = arrays["epochs"]
            if epochs[0] < 0 or epochs[-1] > self.epochs_done or (np.diff(epochs) <= 0).any():
                raise Unreadable("the epochs of its history are not in order")
            history.fill(epochs, arrays["records"])
        if self.curve:
            history.begin_validation_curve(0.0)
            history.continue_validation_curve(arrays["curve"])
        history.epochs_done = self.epochs_done
        for name in ("stopped_by", "diverged_at", "best_epoch"):
            setattr(history, name, self.history.get(name))
        if not all(all_finite(array) for name, array in arrays.items() if name == "last" or name.startswith("rule")):
            raise Unreadable("parameters in it are NaN or infinite")
        rules = []
        for place, (text, numbers, names) in enumerate(self.rules):
            rules.append((text, numbers | {name: arrays[f"rule{place}.{name}"] for name in names}))
        values = arrays.get("state")
        return TrainingState(
            Kept.of_options(options, cost),
            self.stream if isinstance(self.seed, str) else self.seed,
            np.empty((0, theta.flat.size), theta.flat.dtype) if values is None else values,
            *(self.updates, self._draws(arrays.get("rows")), history, arrays["first"], self.largest, [], self.is_done),
            None if sampling is None else Sampler(sampling.rate, sampling.floor, m, arrays["tree"], arrays["mean"]),
            *(rules, self.hooks_begun, None, None, arrays.get("last"), model.theta.everything, self.began),
            model.theta.everything,
        )

    def _draws(self, rows: NDArray[Any] | None) -> Draws:
        """The `Draws` from the stream, with the masks' key and the order that a `random.Random` shuffles."""
        options, stream = self.options, self.stream
        options.stream = copy.deepcopy(stream)  # a copy, because a key is drawn from it
        draws = options.draws(self.network.dtype, options.settings.shuffle and options.batch_size < self.m)
        options.stream = stream
        if draws.dropout is not None:
            draws.dropout = draws.dropout._replace(key=self.key)
        if draws.drop_connect is not None:
            draws.drop_connect = draws.drop_connect._replace(key=self.key)
        if isinstance(stream, random.Random):
            draws.python_random = stream
        else:
            draws.random = stream
        if rows is not None:
            if not np.array_equal(np.sort(rows), np.arange(self.m)):
                raise Unreadable("its order of the samples is invalid")
            draws.rows = rows.tolist()
        return draws


def _integer(said: Mapping[str, Any], name: str, most: int) -> int:
    value = said.get(name)
    if type(value) is not int or not 0 <= value <= most:
        raise Unreadable(f"in its training, {name} is {checks.short(value)}")
    return value


def _stream(said: Any, seed: Any) -> tuple[str, streams.Stream]:
    """The kind of the random stream, and the stream in its saved state."""
    if not (isinstance(said, list) and len(said) == 2 and isinstance(said[0], str)):
        raise Unreadable("it has no random stream")
    if is_stream(seed) and streams.kind(seed) != said[0]:
        raise Unreadable(f"its random stream is of another kind than its seed, {said[0]:.30}")
    return said[0], streams.stream(*said)


def _rule(rule: Any) -> tuple[str, dict[str, Any], list[str]]:
    """The str() of a stop rule, the numbers that it remembers, and the names of its arrays."""
    if not (isinstance(rule, list) and [*map(type, rule)] == [str, dict, list]):
        raise Unreadable("its stop rules are invalid")
    text, numbers, names = rule
    well = all(type(n) is float or (type(n) is int and abs(n) <= _MOST) for n in numbers.values())
    if not well or not all(isinstance(name, str) and name.isidentifier() for name in names):
        raise Unreadable(f"its stop rule {text:.60} has an invalid state")
    return text, numbers, names
