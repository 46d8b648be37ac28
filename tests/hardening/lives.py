"""Networks with a past: random calls one after the other, each with the same outcome as on a network without one.

    python tests/hardening/lives.py --lives 1000 --seed 0
    python tests/hardening/lives.py --lives 1 --seed 4711        one that was reported

Each life is a random network of Numba, and calls of `train` with all options together, repeated, resumed, with samples
and parameters changed in place, interrupted by exceptions, and of `predict`, `cost` and `gradient`; between them, the
network is copied, pickled or given another number of threads. Each call is also made on a new network with the same
parameters and state, without what is prepared or remembered and without the short way of training: bits, history,
errors, warnings and random streams must be equal. The reference, from the same parameters, must agree too: a
difference counts if it is much larger than what tiny changes of the parameters make of the reference's own answer.
Exit status 1 if anything differs.
"""

import argparse
import copy
import os
import pickle
import random
import sys
import warnings
from collections import Counter
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest import mock

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import samenet
from samenet import optimizers, schedules, stopping
from samenet.model.functions import ACTIVATIONS, COSTS, MADE_FOR
from samenet.training import short, trainable

RULES = [*(rule.name for rule in optimizers.UPDATE_RULES)]
WEIGHTS = ["train"] * 7 + ["resume"] * 4 + ["wrong"] * 2 + ["ask"] * 3 + ["change"] * 3 + ["other", "many"]
WRONG: list[dict[str, Any]] = [
    *({"alpha": -1.0}, {"alpha": True}, {"epochs": 2.0}, {"dropout": 1.0}, {"batch_size": 0}, {"seed": -1}),
    *({"monitors": ["wrong"]}, {"sample_weight": [-1.0]}, {"optimizer": "wrong"}, {"clip_norm": 0}, {"stop": [None]}),
    *({"reduction": "max"}, {"callback": 3}, {"validation": ([1.0],)}, {"record_every": -1}, {"drop_connect": [1.0]}),
]
Chance = random.Random


class Failure(Exception):
    """Raised by a callback."""


class Callback:
    """A callback that does something at one epoch."""

    def __init__(self, at: int, what: str) -> None:
        self.at, self.what = at, what

    def __call__(self, network: Any, history: Any) -> None:
        if history.epochs_done == self.at:
            if self.what == "stop":
                raise samenet.StopTraining("enough")
            if self.what == "fail":
                raise Failure("of the callback")
            if self.what == "interrupt":
                raise KeyboardInterrupt
            if self.what == "write":
                network.weights[0][0, 0] = 0.25
            elif self.what == "predict":
                network.predict(np.full((3, network.sizes[0]), 0.5))
            elif self.what == "train":
                network.copy().train(
                    np.zeros((2, network.sizes[0])), np.zeros((2, network.sizes[-1])), alpha=0.1, epochs=1
                )


class Schedule:
    """A schedule of a user's own."""

    def __init__(self, at: int, what: str) -> None:
        self.at, self.what = at, what

    def __call__(self, epoch: int) -> float:
        if epoch == self.at and self.what == "fail":
            raise Failure("of the schedule")
        if epoch == self.at and self.what == "stop":
            raise samenet.StopTraining
        return 0.1 / (1 + epoch)


def drawn_settings(chance: Chance) -> dict[str, Any]:
    """The arguments of a network."""
    layers = chance.choice([1, 1, 2, 2, 2, 3])
    most = chance.choice([4, 9, 9, 20, 70]) if layers < 3 else 9
    sizes = [chance.randint(1, most) for _ in range(layers + 1)]
    if chance.random() < 0.25:
        sizes[-1] = 1
    cost = chance.choice(COSTS)
    output = MADE_FOR.get(cost) or chance.choice(ACTIVATIONS)
    kinds = [chance.choice(ACTIVATIONS) for _ in range(layers - 1)] + [output]
    for layer, kind in enumerate(kinds, 1):
        if kind == "softmax":
            sizes[layer] = max(2, sizes[layer])
    return {
        **{"sizes": sizes, "activation": kinds, "cost": cost, "bias": chance.random() < 0.8},
        **{"l1": chance.choice([0.0, 0.0, 0.01]), "l2": chance.choice([0.0, 0.0, 0.1])},
        **{"dtype": chance.choice(["float64", "float64", "float32"]), "threads": chance.choice([1, 1, 2])},
        "batch_normalization": layers > 1 and chance.random() < 0.15,
        "seed": chance.randrange(100),
    }


def samples(chance: Chance, net: Any, rows: int, scale: float) -> tuple[Any, Any]:
    """Samples and targets, as a user might have them."""
    stream = np.random.default_rng(chance.randrange(1000))
    X = (stream.normal(size=(rows, net.sizes[0])) * scale).astype(net.dtype)
    if chance.random() < 0.2:
        X[stream.random(X.shape) < 0.7] = 0
    Y = stream.random((rows, net.sizes[-1])).astype(net.dtype)
    if net.cost_function not in MADE_FOR:
        Y *= scale
    return X, Y


def as_given(chance: Chance, array: Any) -> Any:
    """The same numbers in another kind of array."""
    kind = chance.choice(["plain"] * 8 + ["list", "fortran", "strided", "read-only", "swapped", "longdouble"])
    if kind == "list":
        return array.tolist()
    if kind == "fortran":
        return np.asfortranarray(array)
    if kind == "strided":
        return np.repeat(array, 2, axis=0)[::2]
    if kind == "read-only":
        array = array.copy()
        array.flags.writeable = False
        return array
    if kind == "swapped":
        return array.astype(array.dtype.newbyteorder())
    return array.astype(np.longdouble) if kind == "longdouble" else array


def drawn_options(chance: Chance, net: Any, rows: int) -> dict[str, Any]:
    """Arguments of `train`."""
    hidden = len(net.sizes) - 2
    rule = chance.choice([*RULES, "descent", "adam"])
    given: dict[str, Any] = {"epochs": chance.choice([1, 1, 2, 3, 5]), "optimizer": rule}
    alpha = chance.choice([0.5, 0.1, 0.01, 0.001])
    given["alpha"] = alpha
    if chance.random() < 0.2:
        given["alpha"] = chance.choice(
            [
                schedules.StepDecay(alpha, 0.5, 2),
                schedules.InverseTime(alpha, 0.5),
                schedules.Cosine(alpha, 4),
                Schedule(chance.randint(0, 4), chance.choice(["", "fail", "stop"])),
            ]
        )
    if chance.random() < 0.2:
        given["optimizer"] = chance.choice([optimizers.Adam(beta1=0.5), optimizers.Momentum(0.5), optimizers.RMSProp()])
    if chance.random() < 0.5:
        given["batch_size"] = chance.choice([1, 2, 3, rows, rows + 1, max(1, rows // 2)])
    if chance.random() < 0.3:
        given["shuffle"] = chance.random() < 0.5
    given["seed"] = chance.choice(
        [0, 1, 2, np.random.default_rng(3), np.random.RandomState(4), random.Random(5), np.int64(6)]
    )
    if chance.random() < 0.3:
        given["reduction"] = chance.choice(["mean", "sum"])
    if chance.random() < 0.2:
        given["monitors"] = chance.choice([["mean_norm"], "mean_absolute_error", ("mean_norm", "mean_absolute_error")])
    if chance.random() < 0.3:
        given["record_every"] = chance.choice([0, 1, 2, 3])
    if chance.random() < 0.15:
        what = chance.choice(["", "stop", "fail", "interrupt", "write", "predict", "train"])
        given["callback"] = Callback(chance.randint(1, 4), what)

    if hidden and chance.random() < 0.2:
        given["dropout"] = chance.choice([0.5, [0.25] * hidden, 0.0])
    if chance.random() < 0.15:
        given["drop_connect"] = chance.choice([0.5, [0.5] * hidden + [0.0]])
    if chance.random() < 0.2:
        given["clip_value"] = chance.choice([0.01, 0.1, 1.0])
    if chance.random() < 0.2:
        given["clip_norm"] = chance.choice([0.01, 0.1, 1.0])
    if chance.random() < 0.08:
        given["sampling"] = chance.choice(["adaptive", samenet.AdaptiveSampling(0.1, 0.5)])
    elif chance.random() < 0.25:
        w = np.array([chance.choice([0.0, 1.0, 2.0, 0.5]) for _ in range(rows)])
        given["sample_weight"] = chance.choice([w, w.astype(np.float32), w.tolist(), np.ones(rows)])
    if chance.random() < 0.15:
        given["validation"] = samples(chance, net, chance.choice([1, 3, 7]), 1.0)
    if chance.random() < 0.15:
        patience = stopping.Patience(*samples(chance, net, 4, 1.0), epochs=1)
        rules = [stopping.CostChange(1e-3), stopping.GradientNorm(1e-3), patience]
        if "validation" in given:
            rules.append(stopping.Patience(epochs=1))
        given["stop"] = chance.sample(rules, chance.choice([1, 1, 2]))
    if chance.random() < 0.1:
        given["cost"] = "sum_of_squares"
    return given


def without_memory(net: Any, kind: Any, given: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """A new network of this class with the same parameters, history and state; and a copy of the arguments."""
    other = net._onto(kind)
    other.history, other.training_state, given = copy.deepcopy((net.history, net.training_state, given))
    return other, given


@contextmanager
def slowly() -> Any:
    """Without the short way of training."""
    without = mock.patch.object(short, "is_short", return_value=False)
    with without, mock.patch.object(trainable, "again", return_value=None):
        yield


def outcome(call: Any) -> tuple[Any, str, list[str]]:
    """What a call returns, its exception as text, and its warnings."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        found, error = None, ""
        try:
            found = call()
        except (Exception, KeyboardInterrupt) as raised:
            error = f"{type(raised).__name__}: {raised}"
    return found, error, [str(w.message) for w in warned]


def stream_state(seed: Any) -> str:
    """The state of a seed, if it is a stream."""
    if isinstance(seed, np.random.Generator):
        return str(seed.bit_generator.state)
    if isinstance(seed, np.random.RandomState):
        return str(seed.get_state())
    return str(seed.getstate()) if isinstance(seed, random.Random) else str(seed)


def spoil(chance: Chance, X: Any, Y: Any, given: dict[str, Any]) -> tuple[Any, Any, dict[str, Any], Any]:
    """Something wrong with the arguments of a call, and a function that undoes what was changed in place."""
    what = chance.choice(["nan", "inf", "targets", "shape", "option", "length", "unreachable", "empty", "large"])
    given = dict(given)
    if what in ("nan", "inf", "targets", "unreachable", "large"):
        array = chance.choice([X, Y]) if what in ("nan", "inf") else X if what == "large" else Y
        place = tuple(chance.randrange(n) for n in array.shape)
        before, array[place] = array[place], {"nan": np.nan, "inf": np.inf, "large": 1e30}.get(what, 3.5)

        def undo() -> None:
            array[place] = before

        return X, Y, given, undo
    if what == "shape":
        X = np.hstack([X, X])
    elif what == "length":
        Y = np.vstack([Y, Y])
    elif what == "empty":
        X, Y = X[:0], Y[:0]
    else:
        given.update(chance.choice(WRONG))
    return X, Y, given, lambda: None


def is_refusal(error: str) -> bool:
    """Whether a call raised an error about its arguments."""
    return error.startswith(("ValueError", "TypeError"))


class Reference:
    """The answer of the reference to a call of `train`, and to the same from parameters nearby."""

    def __init__(self, net: Any, X: Any, Y: Any, given: dict[str, Any]) -> None:
        kind = samenet.backend("reference").Network
        self.X, self.Y, (self.net, self.given) = X, Y, without_memory(net, kind, given)
        self.exact, self.near = self._answer(0), [self._answer(place) for place in (1, 2)]

    def _answer(self, place: int) -> tuple[Any, str, Any]:
        net, given = without_memory(self.net, type(self.net), self.given)
        if place:
            theta, stream = net.model.theta, np.random.default_rng(place)
            size = np.finfo(net.dtype).eps * 4.0 ** (place + 1)
            theta.everything[:] *= 1 + size * stream.choice([-1, 1], theta.everything.size)
            theta.flat[:] += size * stream.choice([-1, 1], theta.flat.size)
        _, error, _ = outcome(lambda: net.train(self.X, self.Y, **given))
        return net.model.theta.everything, error, net.history

    def disagrees(self, net: Any, error: str) -> str:
        """How the network differs; empty if it does not, or not by more than the answers nearby."""
        (theta, own_error, history), mine = self.exact, net.model.theta.everything
        if "FloatingPointError" in error + own_error or any(one[1] != own_error for one in self.near):
            return ""
        if error != own_error and not (is_refusal(error) and is_refusal(own_error)):  # one of two errors
            return f"{error!r}, not the reference's {own_error!r}"
        if not (np.isfinite(theta).all() and np.isfinite(mine).all()) or abs(theta).max() > 1e6:
            return ""
        noise, place = np.finfo(theta.dtype).eps * (1 + abs(theta).max()), 3
        noise = max(noise, *(abs(other - theta).max() for other, _, _ in self.near))
        difference = abs(mine - theta).max()
        while difference > 1e3 * noise and place < 12:  # another way round a kink, or a gradient that is nearly zero
            noise, place = max(noise, abs(self._answer(place)[0] - theta).max()), place + 1
        if difference > 1e3 * noise:
            return f"differs from the reference by {difference:.2g}, where {noise:.2g} is usual"
        by_rule = "stop" in self.given  # whether a cost has fallen may depend on rounding
        if history is not None and not by_rule and net.history.epochs_done != history.epochs_done:
            return f"{net.history}, not the reference's {history}"
        return ""


class Life:
    """A network and what is done to it."""

    def __init__(self, seed: int, with_reference: bool = True) -> None:
        self.chance = chance = Chance(seed)
        settings = drawn_settings(chance)
        self.settings = settings
        self.net = samenet.backend("numba").Network(**settings)
        self.rows = chance.choice([1, 2, 3, 5, 6, 12, 33] if not settings["batch_normalization"] else [4, 6, 12])
        self.X, self.Y = samples(chance, self.net, self.rows, chance.choice([1.0, 1.0, 3.0]))
        self.given = drawn_options(chance, self.net, self.rows)
        self.with_reference = with_reference
        self.found: list[str] = []
        self.done = Counter[str]()

    def run(self, steps: int) -> None:
        """This many steps."""
        for step in range(steps):
            what = self.chance.choice(WEIGHTS)
            self.step = f"step {step}, {what}"
            getattr(self, f"_{what}")()
            self.done[what] += 1
            if self.found:
                return

    def note(self, text: str) -> None:
        self.found.append(f"{self.step}: {text}\n    {self.settings}\n    {len(self.X)} rows, {self.given}")

    def _train(self, **more: Any) -> None:
        given = {**self.given, **more}
        if given.get("resume") and self.chance.random() < 0.9:
            del given["seed"]
        if self.chance.random() < 0.3:
            given["alpha"] = self.chance.choice([0.3, 0.03])
        for _ in range(self.chance.choice([1, 1, 2, 3])):
            X, Y = as_given(self.chance, self.X), as_given(self.chance, self.Y)
            self._compare_training(X, Y, given)
            if self.found:
                return

    def _resume(self) -> None:
        self._train(resume=True)

    def _wrong(self) -> None:
        X, Y, given, undo = spoil(self.chance, self.X, self.Y, self.given)
        self._compare_training(X, Y, given)
        undo()

    def _compare_training(self, X: Any, Y: Any, given: dict[str, Any]) -> None:
        net, before, earlier = self.net, self.net.model.theta.everything.copy(), self.net.history
        earlier_copy, fresh, again = copy.deepcopy(earlier), *without_memory(net, type(net), given)
        fresh.threads = 3 - net.threads
        reference = None
        if self.with_reference and self.chance.random() < 0.5:
            reference = Reference(net, X, Y, given)
        with slowly():
            _, error, warned = outcome(lambda: fresh.train(X, Y, **again))
        history, own_error, own_warned = outcome(lambda: net.train(X, Y, **given))
        if (error, warned) != (own_error, own_warned):
            self.note(f"{own_error!r} {own_warned}, not {error!r} {warned}")
        if net.model.theta.everything.tobytes() != fresh.model.theta.everything.tobytes():
            self.note(f"other parameters, by {abs(net.model.theta.everything - fresh.model.theta.everything).max()}")
        if net.history != fresh.history:
            self.note(f"{net.history}, not {fresh.history}")
        if history is not None and history is not net.history:
            self.note("another history was returned")
        if earlier != earlier_copy:
            self.note("the earlier history changed")
        if stream_state(given.get("seed")) != stream_state(again.get("seed")):
            self.note("another state of the stream")
        if (net.training_state is None) != (fresh.training_state is None):
            self.note(f"can resume: {net.training_state is not None}")
        if is_refusal(error) and (
            net.model.theta.everything.tobytes() != before.tobytes() or net.history is not earlier
        ):
            self.note(f"changed by a call that failed: {error}")
        if reference is not None:
            self.found += [f"{self.step}: {text}" for text in [reference.disagrees(net, own_error)] if text]

    def _many(self) -> None:
        """Several networks trained at once."""
        given = {name: value for name, value in self.given.items() if name not in ("seed", "sampling", "callback")}
        nets = [self.net.copy() for _ in range(self.chance.choice([1, 2, 5, 9]))]
        for place, one in enumerate(nets):
            one.parameters = one.parameters * (1 - 0.1 * place)
        ones, seeds = [one.copy() for one in nets], [*range(len(nets))]
        _, error, _ = outcome(lambda: samenet.train_many(nets, self.X, self.Y, seeds=seeds, **copy.deepcopy(given)))
        alone = [partial(one.train, self.X, self.Y, seed=seed) for one, seed in zip(ones, seeds, strict=True)]
        errors = [outcome(partial(train, **copy.deepcopy(given)))[1] for train in alone]
        if bool(error) != any(errors):
            self.note(f"train_many: {error!r}, not {errors}")
        for place, (one, other) in enumerate(zip(nets, ones, strict=True)):
            if one != other and np.isfinite(other.parameters).all():
                self.note(f"train_many: network {place} has other parameters")
            if not error and one.history != other.history:
                self.note(f"train_many: {one.history}, not {other.history}")

    def _ask(self) -> None:
        net, chance = self.net, self.chance
        fresh = net.copy()
        X, Y = as_given(chance, self.X), as_given(chance, self.Y)
        if chance.random() < 0.2:
            X, Y = (X[0], Y[0])
        if chance.random() < 0.15:
            X = np.array(X)
            X.flat[chance.randrange(X.size)] = chance.choice([np.nan, np.inf])
        elif chance.random() < 0.1:
            Y = np.array(Y)
            Y.flat[chance.randrange(Y.size)] = chance.choice([np.nan, np.inf, 2.5, -1.0])
        plain = np.array(X).tolist(), np.array(Y).tolist()
        for name, call in (
            ("predict", lambda one, X, Y: one.predict(X).tobytes()),
            ("cost", lambda one, X, Y: one.cost(X, Y)),
            ("gradient", lambda one, X, Y: (one.gradient(X, Y)[0], one.gradient(X, Y)[1].flat.tobytes())),
        ):
            mine, other = outcome(partial(call, net, X, Y)), outcome(partial(call, fresh, *plain))
            if repr(mine) != repr(other):
                self.note(f"{name}: {mine}, not {other}"[:400])
        self._ask_reference(*plain)

    def _ask_reference(self, X: Any, Y: Any) -> None:
        if np.abs(self.net.parameters).max() > 1e3:  # sums may overflow, or cancel
            return
        one = self.net.on("reference")
        for name, call in (
            ("predict", lambda one: one.predict(X)),
            ("cost", lambda one: one.cost(X, Y)),
            ("gradient", lambda one: one.gradient(X, Y)[1].flat),
        ):
            (mine, error, _), (other, reference_error, _) = (
                outcome(partial(call, self.net)),
                outcome(partial(call, one)),
            )
            if error != reference_error:
                self.note(f"{name}: {error!r}, not the reference's {reference_error!r}")
            elif not error:
                tolerance = 1e-9 if self.net.dtype == np.float64 else 1e-2
                size = np.max(np.abs(other))
                if size < 1e15 and not np.allclose(mine, other, rtol=tolerance, atol=tolerance * (1 + size)):
                    self.note(f"{name}: {mine}, not the reference's {other}"[:400])

    def _change(self) -> None:
        net, chance = self.net, self.chance
        kinds = "theta", "X", "Y", "weights", "copy", "pickle", "deepcopy", "threads", "weights of samples"
        what = chance.choice(kinds)
        if what == "theta":
            net.parameters = np.random.default_rng(chance.randrange(9)).normal(size=net.parameters.size)
        elif what == "X":
            self.X[chance.randrange(len(self.X))] *= 0.5
        elif what == "Y":
            self.Y[chance.randrange(len(self.Y))] *= 0.5
        elif what == "weights":
            net.weights[chance.randrange(len(net.weights))].flat[0] = chance.choice([0.0, 1.0, -0.5])
        elif what == "copy":
            self.net = copy.copy(net) if chance.random() < 0.5 else net.copy()
        elif what == "pickle":
            self.net = pickle.loads(pickle.dumps(net))
        elif what == "deepcopy":
            self.net = copy.deepcopy(net)
        elif what == "threads":
            net.threads = chance.choice([1, 2])
        elif what == "weights of samples" and isinstance(self.given.get("sample_weight"), np.ndarray):
            self.given["sample_weight"][chance.randrange(self.rows)] = chance.choice([0.0, 3.0])

    def _other(self) -> None:
        """Other samples, or other options."""
        if self.chance.random() < 0.5:
            self.X, self.Y = samples(self.chance, self.net, self.rows, 1.0)
        else:
            self.rows = self.chance.choice([1, 4, 8, 40] if not self.settings["batch_normalization"] else [4, 8])
            self.X, self.Y = samples(self.chance, self.net, self.rows, 1.0)
            self.given = drawn_options(self.chance, self.net, self.rows)


def main(arguments: list[str] | None = None) -> int:
    """Run it; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lives", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-reference", action="store_true")
    given = parser.parse_args(arguments)
    failures, done = 0, Counter[str]()
    for seed in range(given.seed, given.seed + given.lives):
        life = Life(seed, not given.no_reference)
        life.run(given.steps)
        done.update(life.done)
        failures += bool(life.found)
        for text in life.found:
            print(f"--seed {seed}: {text}", flush=True)
    print(f"{given.lives} lives, {dict(done)}, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
