"""Watching training: a validation set, lines, a progress bar, and unreachable targets."""

import contextlib
import io
import math
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import types
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from agreement import Backend

import samenet
from samenet.optimizers import MultiStart
from samenet.output import progress
from samenet.stopping import Patience, StopTraining
from samenet.training import reporting
from samenet.training.monitors import monitor
from samenet.training.reach import unreachable

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(13, 3)), np.eye(2)[RANDOM.integers(0, 2, 13)]
HELD = RANDOM.normal(size=(5, 3)), np.eye(2)[RANDOM.integers(0, 2, 5)]
NUMPY = samenet.backend("numpy").Network
WAYS: dict[str, dict[str, Any]] = {
    "full batch": {"alpha": 0.5},
    "mini-batches": {"alpha": 0.5, "batch_size": 4, "seed": 0},
    "masks": {"alpha": 0.5, "batch_size": 4, "seed": 0, "dropout": 0.3, "optimizer": "adam"},
    "rows drawn": {"alpha": 0.1, "batch_size": 4, "seed": 0, "sampling": "adaptive"},
    "lbfgs": {"optimizer": "lbfgs"},
}


def make(backend: Backend, **settings: Any) -> Any:
    return backend.Network([3, 4, 2], seed=2, l2=0.01, **settings)


# -------------------------------------------------------------------------------------------------- the validation set


@pytest.mark.compiled  # too long without the JIT
@pytest.mark.parametrize("every", [1, 3, 0])
@pytest.mark.parametrize("way", WAYS)
def test_what_is_recorded_of_a_validation_set(backend: Backend, way: str, every: int) -> None:
    options = {"epochs": 7, "record_every": every, "reduction": "sum", **WAYS[way]}
    plain, net = make(backend), make(backend)
    costs, accuracies = [net.cost(*HELD, reduction="sum")], [(net.classify(HELD[0]) == HELD[1].argmax(1)).mean()]

    def look(network: Any, history: Any) -> None:
        costs.append(network.cost(*HELD, reduction="sum"))
        accuracies.append((network.classify(HELD[0]) == HELD[1].argmax(1)).mean())

    one = plain.train(X, Y, **options, monitors=["accuracy"])
    two = net.train(X, Y, **options, monitors=["accuracy"], validation=HELD, callback=look)
    assert plain == net, "it changes nothing"
    assert list(two) == ["cost", "accuracy", "validation_cost", "validation_accuracy"]
    assert np.array_equal(one.cost, two.cost)
    done = range(0, two.epochs_done, every) if every else range(0)
    assert two.epochs.tolist() == list(done)
    assert np.array_equal(two["validation_cost"], [costs[i] for i in done])
    assert np.array_equal(two["validation_accuracy"], [accuracies[i] for i in done])
    three = make(backend).train(X, Y, **options, validation=[HELD[0].tolist(), HELD[1].tolist()])
    assert np.array_equal(three["validation_cost"], two["validation_cost"])
    assert np.array_equal(three.cost, make(backend).train(X, Y, **options).cost), "to the bit, as updates return them"
    assert two.validation_curve is None


def test_no_epochs_and_several_starts(backend: Backend) -> None:
    history = make(backend).train(X, Y, alpha=1.0, epochs=0, validation=HELD)
    assert {name: len(values) for name, values in history.items()} == {"cost": 0, "validation_cost": 0}
    net = make(backend, threads=2)
    history = net.train(X, Y, optimizer=MultiStart(3, "bfgs"), epochs=2, seed=0, validation=HELD)
    assert len(history["validation_cost"]) == 2
    plain = make(backend, threads=2)
    plain.train(X, Y, optimizer=MultiStart(3, "bfgs"), epochs=2, seed=0)
    assert plain == net
    assert history["validation_cost"][1] != net.cost(*HELD)
    narrow = make(backend, dtype=np.float32).train(X, Y, alpha=1.0, epochs=2, validation=HELD)
    assert narrow["validation_cost"][0] == pytest.approx(make(backend).cost(*HELD), rel=1e-5)


def test_weights_that_overflow_leave_equally_many_of_each(backend: Backend) -> None:
    net = backend.Network([3, 4, 2], activation="identity", seed=0)
    with warnings.catch_warnings(action="ignore"), pytest.raises(FloatingPointError):
        net.train(X, Y, alpha=1e200, epochs=9, validation=HELD, record_every=1)
    assert len(net.history.cost) == len(net.history["validation_cost"]) == net.history.epochs_done


def test_many_networks_have_one_set_or_their_own(backend: Backend) -> None:
    options: dict[str, Any] = {"alpha": 0.5, "epochs": 3}
    sets = [(HELD[0] * k, HELD[1]) for k in (1, 2, 3)]
    for given in (HELD, ([v for v, _ in sets], HELD[1]), (np.array([v for v, _ in sets]), [HELD[1]] * 3)):
        nets = [backend.Network([3, 4, 2], seed=i) for i in range(3)]
        samenet.train_many(nets, X, Y, seeds=range(3), validation=given, stop=Patience(), **options)
        for i, net in enumerate(nets):
            alone = backend.Network([3, 4, 2], seed=i)
            own = HELD if given is HELD else sets[i]
            alone.train(X, Y, seed=i, validation=own, stop=Patience(), **options)
            assert alone == net
            assert alone.history == net.history
    with pytest.raises(ValueError, match=r"^validation: expected 3 matrices, one for each network, got 2"):
        samenet.train_many(nets, X, Y, validation=([HELD[0]] * 2, HELD[1]), **options)


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (0.2, TypeError, r"validation: expected a pair \(X, Y\).*got 0\.2 .*samenet\.data\.split"),
        (X, TypeError, r"validation: expected a pair \(X, Y\)"),
        ((X,), TypeError, r"validation: expected a pair"),
        ("XY", TypeError, r"validation: expected a pair"),
        ((X, Y, Y), TypeError, r"validation: expected a pair"),
        ((Y, X), ValueError, r"validation, X: expected shape"),
        ((X, Y[:3]), ValueError, r"validation, Y: expected shape"),
        ((X[:0], Y[:0]), ValueError, r"validation, X: expected at least one sample"),
        ((X * np.nan, Y), ValueError, r"validation, X: expected finite"),
        ((X, Y + 0.25), ValueError, r"validation, monitors: expected .* for 'accuracy', got 0\.25 in Y"),
    ],
)
def test_validation_sets_that_are_refused(backend: Backend, value: Any, error: type[Exception], words: str) -> None:
    net = make(backend)
    before = net.parameters.tobytes()
    with pytest.raises(error, match=f"^{words}"):
        net.train(X, Y, alpha=1.0, epochs=1, validation=value, monitors=["accuracy"])
    assert (net.parameters.tobytes(), net.history) == (before, None)


@pytest.mark.without_jit
@pytest.mark.parametrize("of", ["weights", "running"])
@pytest.mark.parametrize("given", ["X", "Y", "validation", "stop"])
def test_samples_that_are_the_parameters_themselves(given: str, of: str) -> None:
    histories = []
    for copied in (False, True):
        net = NUMPY([3, 3, 3], activation="identity", batch_normalization=of == "running", seed=0)
        own = getattr(net, of)[0]
        own[:] = np.linspace(0.1, 0.9, own.size).reshape(own.shape)
        own = own.copy() if copied else own
        T = np.eye(3)[: len(own)]
        options: dict[str, Any] = {"validation": (own, T), "stop": Patience(own, T)}
        options = {"X": T, "Y": T, "alpha": 0.1, "epochs": 3, given: own if given in "XY" else options[given]}
        histories.append(net.train(options.pop("X"), options.pop("Y"), **options))
    assert histories[0] == histories[1]


# ------------------------------------------------------------------------------------------------------------ patience


@pytest.mark.parametrize("way", ["full batch", "mini-batches", "lbfgs"])
def test_patience_watches_the_validation_set(backend: Backend, way: str) -> None:
    options = {"epochs": 30, **WAYS[way], "alpha": 4.0} if way != "lbfgs" else {"epochs": 30, **WAYS[way]}
    given, own = make(backend), make(backend)
    one = given.train(X, Y, **options, validation=HELD, stop=Patience(epochs=2), record_every=3)
    two = own.train(X, Y, **options, stop=Patience(*HELD, epochs=2))
    assert given == own
    assert (one.epochs_done, one.best_epoch, one.stopped_by) == (two.epochs_done, two.best_epoch, two.stopped_by)
    curve = one.validation_curve
    assert curve is not None
    assert two.validation_curve is not None
    assert np.array_equal(curve, two.validation_curve)
    assert len(curve) == one.epochs_done + 1
    assert curve.argmin() == one.best_epoch
    assert curve.min() == given.cost(*HELD)
    assert np.array_equal(curve[:-1:3], one["validation_cost"])
    assert one == one.__copy__()
    two._curve = None
    assert one != two


def curve_of(costs: list[float], **settings: Any) -> tuple[int, Any]:
    """The epochs done and the best of them, with these validation costs."""

    class Scripted(samenet.stopping.Rule):
        def watch(self, objective: Any, history: Any) -> Any:
            left = iter(costs)
            objective.validation = types.SimpleNamespace(cost=lambda: next(left))
            return Patience(**settings).watch(objective, history)

    history = NUMPY([3, 2], seed=0).train(X, Y, alpha=0.1, epochs=len(costs) - 1, stop=Scripted())
    return history.epochs_done, history.best_epoch


def test_min_delta() -> None:
    creeping = [1.0, 0.95, 0.90, 0.85, 0.80, 0.75, 0.70]
    assert curve_of(creeping, epochs=2) == (6, 6)
    assert curve_of(creeping, epochs=2, min_delta=0.12) == (2, 2), "the best is still the lowest"
    assert curve_of(creeping, epochs=3, min_delta=0.12) == (6, 6), "measured from where it last fell to"
    assert curve_of([1, 0.5, 0.45, 0.46, 0.4], epochs=2, min_delta=0.2) == (3, 2)
    assert curve_of([math.inf, math.nan, 3.0, 3.0, 3.0, 3.0], epochs=2) == (4, 2)
    assert curve_of([math.inf, 3.0, 3.0, 3.0, 3.0], epochs=2) == (3, 1)


class Failure(Exception):
    """A user's own exception."""


@pytest.mark.parametrize("failure", [Failure, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("restore", ["always", True, False])
def test_the_best_weights_after_an_exception(backend: Backend, restore: Any, failure: type[BaseException]) -> None:
    weights = []

    def raising(network: Any, history: Any) -> None:
        weights.append(network.parameters.copy())
        if history.epochs_done == 5:
            raise failure

    net = backend.Network([3, 4, 2], seed=2)
    best, target = net.parameters.copy(), net.predict(HELD[0])  # no other weights are better for these
    stop = Patience(HELD[0], target, epochs=50, restore=restore)
    with pytest.raises(failure):
        net.train(X, Y, alpha=3.0, epochs=9, stop=stop, callback=raising)
    assert net.history.best_epoch == 0
    assert np.array_equal(net.parameters, best if restore == "always" else weights[-1])
    assert net.history.epochs_done == 5


def test_two_of_them_and_rules_that_are_refused(backend: Backend) -> None:
    net = backend.Network([3, 4, 2], seed=2)
    best, target = net.parameters.copy(), net.predict(HELD[0])
    history = net.train(X, Y, alpha=0.5, epochs=9, stop=[Patience(X, Y, 5), Patience(HELD[0], target, 50)])
    assert (history.best_epoch, history.epochs_done, history.stopped_by) == (0, 9, None)
    assert np.array_equal(net.parameters, best)
    message = r"^stop: expected a validation set for Patience\(epochs=3, .*validation=\(X, Y\).*got none"
    with pytest.raises(ValueError, match=message):
        net.train(X, Y, alpha=1.0, epochs=1, stop=Patience(epochs=3))
    for wrong, words in (
        ({"X": X}, r"Y: expected a validation set \(X, Y\), or neither, got X alone$"),
        ({"Y": Y}, "X: expected a validation set"),
        ({"X": 5}, r"Y: .*did you mean epochs=5\?$"),
        ({"min_delta": -1}, "min_delta: expected"),
        ({"min_delta": "0"}, "min_delta: expected"),
        ({"restore": "allways"}, "restore: expected True, False or 'always', got 'allways'"),
        ({"restore": None}, "restore: expected True, False or 'always'"),
    ):
        with pytest.raises((ValueError, TypeError), match=f"^{words}"):
            Patience(**wrong)  # type: ignore[arg-type]


# ---------------------------------------------------------------------------------------------------------------- lines


@pytest.mark.parametrize("way", WAYS)
def test_lines_at_records(backend: Backend, way: str, capsys: pytest.CaptureFixture[str]) -> None:
    plain, net = make(backend), make(backend)
    options = {"epochs": 12, "record_every": 5, **WAYS[way]}
    one = plain.train(X, Y, **options)
    assert capsys.readouterr() == ("", "")
    two = net.train(X, Y, **options, validation=HELD, verbose=True)
    assert plain == net
    assert np.array_equal(one.cost, two.cost)
    out, err = capsys.readouterr()
    *lines, last = out.splitlines()
    assert lines == [
        f"epoch {epoch:2}, cost {cost:.6g}, validation_cost {held:.6g}"
        for epoch, cost, held in zip(two.epochs, two.cost, two["validation_cost"], strict=True)
    ]
    assert re.fullmatch(rf"{two.epochs_done} epochs in \S+ (us|ms|s)(, stopped by .*)?", last)
    assert not err


def test_the_last_line_says_how_it_ended(capsys: pytest.CaptureFixture[str]) -> None:
    def end(network: Any, history: Any) -> None:
        raise StopTraining("enough")

    def fail(network: Any, history: Any) -> None:
        raise Failure

    NUMPY([3, 2], seed=0).train(X, Y, alpha=1.0, epochs=9, verbose=True, callback=end)
    assert capsys.readouterr().out.splitlines()[-1].endswith(", stopped by callback: enough")
    with pytest.raises(Failure):
        NUMPY([3, 2], seed=0).train(X, Y, alpha=1.0, epochs=9, verbose=True, callback=fail)
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith("epoch 0, cost 0.")
    assert last.startswith("1 epoch in ")
    assert last.endswith(", ended by Failure")
    NUMPY([3, 2], seed=0).train(X, Y, epochs=3, verbose=True, seed=0, optimizer=MultiStart(2, "bfgs"))
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(",")[0] for line in lines] == ["start 1 of 2"] * 3 + ["start 2 of 2"] * 4
    NUMPY([3, 2], seed=0).train(X, Y, alpha=1.0, epochs=0, verbose=True)
    assert capsys.readouterr().out.startswith("0 epochs in ")


@pytest.mark.parametrize("threads", [1, 2])
def test_lines_of_many(threads: int, capsys: pytest.CaptureFixture[str]) -> None:
    nets = [NUMPY([3, 2], seed=i, threads=threads) for i in range(20)]
    samenet.train_many(nets, X, Y, alpha=1.0, epochs=4, verbose=True, progress="always")
    out, err = capsys.readouterr()
    *lines, last = out.splitlines()
    expected = [f"networks[{i}]: 4 epochs, cost {net.history.cost[-1]:.6g}" for i, net in enumerate(nets)]
    assert sorted(lines) == sorted(expected)
    assert last.startswith("20 networks of 20 in ")
    assert err.splitlines()[-1].startswith("network 20 of 20: in ")
    capsys.readouterr()
    wild = NUMPY([3, 2], activation="identity", seed=0)
    with pytest.raises(samenet.TrainingErrors), warnings.catch_warnings(action="ignore"):
        samenet.train_many([wild], X, Y * 1e200, alpha=1e200, epochs=4, verbose=True)
    assert capsys.readouterr().out.startswith("networks[0]: failed: FloatingPointError: ")


# ------------------------------------------------------------------------------------------------------------- the bar

SHOWN = {"epochs": 400, "alpha": lambda epoch: 1 / (1 + epoch), "validation": HELD, "progress": True}


@pytest.fixture
def always_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporting, "_SECONDS", 0.0)


class Terminal(io.StringIO):
    """Standard error as a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, always_due: None) -> Any:
    """A context in which standard error is a terminal."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "90")
    return on_screen


@contextlib.contextmanager
def on_screen() -> Iterator[Terminal]:
    screen = Terminal()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stderr", screen)
        yield screen
        assert sys.stderr is screen, "given back"
    assert screen.getvalue().count("\x1b[?25l") == screen.getvalue().count("\x1b[?25h"), "the cursor is shown again"


def plain_text(screen: Terminal) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue())


def test_a_bar_in_a_terminal(backend: Backend, terminal: Any) -> None:
    plain, net = make(backend), make(backend)
    options = SHOWN | {"batch_size": 4, "seed": 0, "epochs": 5}
    with terminal() as screen:
        plain.train(X, Y, **(options | {"progress": False, "validation": None}))
        assert not screen.getvalue()
        history = net.train(X, Y, **options)
    assert plain == net
    text = plain_text(screen)
    assert re.search(r"[━╸╺ ]+ 2/5 cost 0\.\d+  validation 0\.\d+  alpha 0\.5  0:00:0\d left", text), text
    last = text.rstrip().splitlines()[-1]
    shown = rf"5/5 cost {history.cost[-1]:.4g}  validation {history['validation_cost'][-1]:.4g}  alpha 0\.2  in "
    assert re.search(shown, last), last
    assert "\x1b[?25l" in screen.getvalue()


@pytest.mark.parametrize("optimizer", ["lbfgs", MultiStart(2, "cg"), MultiStart(2, "adam")], ids=str)
def test_a_bar_of_other_optimizers(optimizer: Any, terminal: Any) -> None:
    alpha = 0.01 if "adam" in str(optimizer) or "Adam" in str(optimizer) else None
    net = NUMPY([3, 4, 2], seed=0)
    with terminal() as screen:
        net.train(X, Y, optimizer=optimizer, epochs=4, seed=0, progress=True, record_every=2, alpha=alpha)
    last = plain_text(screen).rstrip().splitlines()[-1]
    total, start = (4, "") if optimizer == "lbfgs" else (8, "start 2 of 2  ")
    assert re.search(rf"{total}/{total} {start}cost 0\.\d+", last), last


@pytest.mark.parametrize("ending", [Failure, KeyboardInterrupt, StopTraining, SystemExit, FloatingPointError])
def test_a_bar_is_closed_however_training_ends(ending: type[BaseException], terminal: Any) -> None:
    def callback(network: Any, history: Any) -> None:
        print("printed meanwhile", file=sys.stderr)
        if history.epochs_done == 3:
            raise ending

    ends = contextlib.nullcontext() if ending is StopTraining else pytest.raises(ending)
    with terminal() as screen, ends:
        NUMPY([3, 2], seed=0).train(X, Y, **SHOWN, callback=callback)
    text = plain_text(screen)
    assert "3/400" in text.rstrip().splitlines()[-1]
    assert text.count("printed meanwhile") == 3


def test_a_terminal_that_is_gone_ends_the_bar_alone(terminal: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*given: Any) -> None:
        raise OSError("Input/output error")

    monkeypatch.setattr(progress.TerminalBar, "show", fail)
    with terminal():
        assert NUMPY([3, 2], seed=0).train(X, Y, **SHOWN).epochs_done == 400


@pytest.mark.parametrize("how", [{}, {"FORCE_COLOR": "1"}, {"TTY_COMPATIBLE": "1"}, {"TERM": "dumb"}])
def test_no_control_characters_where_there_is_no_terminal(
    how: dict[str, str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, value in how.items():
        monkeypatch.setenv(name, value)
    NUMPY([3, 2], seed=0).train(X, Y, **SHOWN)
    assert capfd.readouterr() == ("", "")
    monkeypatch.setattr(reporting, "_SECONDS", 0.0)
    NUMPY([3, 2], seed=0).train(X, Y, **(SHOWN | {"progress": "always", "batch_size": 4, "seed": 0, "epochs": 40}))
    out, err = capfd.readouterr()
    assert not out
    assert "\x1b" not in err
    lines = err.splitlines()
    assert [line.split(":")[0] for line in lines] == [f"epoch {4 * k} of 40" for k in range(1, 11)]
    assert all(re.search(r"cost 0\.\d+  validation 0\.\d+  alpha 0\.\d+", line) for line in lines)


@pytest.mark.parametrize("stream", [None, "closed"])
def test_standard_error_that_is_none(stream: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    if stream == "closed":
        stream = io.StringIO()
        stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    for asked in (True, "always"):
        assert NUMPY([3, 2], seed=0).train(X, Y, **(SHOWN | {"progress": asked})).epochs_done == 400


def test_a_bar_in_a_notebook(monkeypatch: pytest.MonkeyPatch, always_due: None, capsys: Any) -> None:
    shown: list[Any] = []

    def display(data: Any, raw: bool, display_id: str, update: bool) -> None:
        assert raw
        shown.append((data["text/plain"], display_id, update))

    ipython = types.ModuleType("IPython")
    ipython.display = types.SimpleNamespace(display=display)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", ipython.display)
    assert not progress._is_notebook()
    monkeypatch.setattr(progress, "_is_notebook", lambda: True)
    NUMPY([3, 2], seed=0).train(X, Y, **(SHOWN | {"batch_size": 4, "seed": 0, "epochs": 5}))
    texts, names, updates = zip(*shown, strict=True)
    assert len(set(names)) == 1
    assert updates == (False, *[True] * (len(shown) - 1))
    assert re.search(r"━ 5/5 cost 0\.\d+  validation 0\.\d+  alpha 0\.2  in ", texts[-1])
    assert not any("\x1b" in text or "\n" in text for text in texts)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"progress": "allways"}, "progress: expected True, False or 'always', got 'allways'"),
        ({"progress": 1}, "progress: expected True, False or 'always', got 1"),
        ({"progress": None}, "progress: expected True, False or 'always', got None"),
        ({"verbose": 1}, "verbose: expected True or False, got 1"),
        ({"verbose": "always"}, "verbose: expected True or False"),
    ],
)
def test_what_is_refused(options: dict[str, Any], words: str) -> None:
    net = NUMPY([3, 2], seed=0)
    for call in (net.train, lambda *given, **others: samenet.train_many([net], *given, **others)):
        with pytest.raises((ValueError, TypeError), match=f"^{words}"):
            call(X, Y, alpha=1.0, epochs=1, **options)
    assert net.history is None


SCRIPT = """
import sys, numpy as np
from samenet.fast.numpy import Network
def callback(net, history):
    if history.epochs_done == 2:
        print("ready")
        sys.stdout.flush()
net = Network([3, 2], seed=0)
try:
    net.train(np.eye(3), np.eye(3)[:, :2], alpha=.1, epochs=10**9, progress=True, callback=callback)
except KeyboardInterrupt:
    print("interrupted", type(sys.stderr).__name__)
"""


@pytest.mark.without_jit
@pytest.mark.parametrize("to_file", [False, True])
def test_ctrl_c_in_a_real_terminal(to_file: bool) -> None:
    """Standard error is a terminal; with `to_file`, standard output is not."""
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    out = subprocess.PIPE if to_file else slave
    child = subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=out, stderr=slave, env=environment)
    os.close(slave)
    screen = bytearray()

    def read() -> None:
        with contextlib.suppress(OSError):  # of the terminal's other end being closed
            while part := os.read(master, 4096):
                screen.extend(part)

    reader = threading.Thread(target=read)
    reader.start()
    piped = bytearray()
    deadline = 60
    if to_file:
        assert child.stdout is not None
        piped += child.stdout.readline()
    else:
        while b"ready" not in screen and deadline > 0:
            reader.join(0.05)
            deadline -= 0.05
    reader.join(0.3)
    child.send_signal(signal.SIGINT)
    if to_file:
        assert child.stdout is not None
        piped += child.stdout.read()
        child.stdout.close()
    child.wait(timeout=60)
    reader.join(10)
    os.close(master)
    text = screen.decode()
    assert "1000000000" in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1
    if to_file:
        assert piped.decode().splitlines() == ["ready", "interrupted TextIOWrapper"]
        assert "ready" not in text
    else:
        assert "interrupted TextIOWrapper" in text


# -------------------------------------------------------------------------------------------- targets out of reach

OUTSIDE = [
    ("sigmoid", [5.0, 0.0], "0 to 1: 5 at"),
    ("sigmoid", [1.0, -1.0], "0 to 1: -1 at"),
    ("tanh", [0.5, 1.5], "-1 to 1: 1.5 at"),
    ("relu", [3.0, -0.25], "0 and more: -0.25 at"),
    ("softmax", [2.0, 0.0], "0 to 1: 2 at"),
]
INSIDE = [
    ("sigmoid", [0.0, 1.0]),
    ("sigmoid", [1 + 1e-7, -1e-7]),
    ("tanh", [-1.0, 1.0]),
    ("relu", [0.0, 1e30]),
    ("softmax", [1.0, 0.0]),
    ("identity", [-5.0, 1e30]),
]


@pytest.mark.compiled  # the same without the JIT
@pytest.mark.parametrize(("activation", "row", "words"), OUTSIDE)
@pytest.mark.parametrize("rows", [1, 200])
def test_targets_out_of_reach_warn_once(
    backend: Backend, activation: str, row: list[float], words: str, rows: int
) -> None:
    net = backend.Network([3, 2], activation=activation, seed=0)
    target = np.tile(np.full(2, 0.5), (rows, 1))
    target[rows // 2] = row
    for _ in range(2):
        with pytest.warns(samenet.UnreachableTargetsWarning, match=words) as caught:
            net.train(np.ones((rows, 3)), target, alpha=1e-9, epochs=2, batch_size=1, seed=0)
        assert len(caught) == 1
        assert caught[0].filename == __file__, "the user's own line"
        assert f"Y: 1 of {2 * rows} targets" in str(caught[0].message)


def test_a_warning_that_is_an_error_changes_nothing(backend: Backend) -> None:
    net = make(backend)
    before = net.parameters.tobytes()
    with warnings.catch_warnings(action="error"), pytest.raises(samenet.UnreachableTargetsWarning):
        net.train(X, Y * 5, alpha=1.0, epochs=1)
    assert (net.parameters.tobytes(), net.history) == (before, None)
    with warnings.catch_warnings(action="error"), pytest.raises(samenet.UnreachableTargetsWarning, match="networks"):
        samenet.train_many([make(backend), net], X, Y * 5, alpha=1.0, epochs=1)
    assert (net.parameters.tobytes(), net.history) == (before, None)


@pytest.mark.parametrize(("activation", "row"), INSIDE)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_targets_within_reach_do_not(backend: Backend, activation: str, row: list[float], dtype: Any) -> None:
    for rows in (1, 200):
        assert unreachable(activation, np.array([row] * rows, dtype)) is None
    small = [min(v, 1e3) for v in row]
    with warnings.catch_warnings(action="error"):
        net = backend.Network([3, 2], activation=activation, dtype=dtype, seed=0)
        net.train(np.ones((1, 3)), [small], alpha=1e-9, epochs=1)


def test_the_first_target_out_of_reach_is_named_and_how_far_is_too_far() -> None:
    found = unreachable("sigmoid", np.array([[0.5, 2.0], [3.0, 0.5]]))
    assert found is not None
    assert found.startswith("Y: 2 of 4 targets")
    assert found.endswith(": 2 at Y[0, 1]")
    assert unreachable("tanh", np.array([[-1.0 - 0.9e-5]])) is None
    assert unreachable("tanh", np.array([[-1.0 - 1.1e-5]])) is not None


def test_targets_of_samples_of_weight_0_do_not_warn() -> None:
    target, weights = np.zeros((13, 2)), np.ones(13)
    target[[2, 5], 0] = 7
    weights[2] = 0
    net = NUMPY([3, 2], seed=0)

    def trained() -> None:
        for nets, given in ((net, weights), ([net, NUMPY([3, 2], seed=1)], [weights, weights])):
            train = samenet.train_many if isinstance(nets, list) else NUMPY.train
            train(nets, X, target, alpha=0.1, epochs=1, sample_weight=given)

    with pytest.warns(samenet.UnreachableTargetsWarning, match=r"Y: 1 of 24 targets lie .* at Y\[5, 0\]") as caught:
        trained()
    assert len(caught) == 2
    weights[5] = 0
    with warnings.catch_warnings(action="error"):
        trained()
        with pytest.raises(samenet.UnreachableTargetsWarning):  # the same targets, when they count
            net.train(X, target, alpha=0.1, epochs=1)


def test_targets_that_change_between_two_calls_are_looked_at_again() -> None:
    net, target = NUMPY([3, 2], seed=0), np.zeros((13, 2))
    with warnings.catch_warnings(action="error"):
        net.train(X, target, alpha=0.1, epochs=1)
        target[0, 0] = 7
        with pytest.raises(samenet.UnreachableTargetsWarning):
            net.train(X, target, alpha=0.1, epochs=1)


def test_many_networks_warn_once(backend: Backend) -> None:
    nets = [make(backend), make(backend, activation="identity"), make(backend, activation="tanh")]
    with pytest.warns(samenet.UnreachableTargetsWarning, match=r"for networks\[0\], networks\[2\], Y: ") as caught:
        samenet.train_many(nets, X, Y * 5, alpha=1e-9, epochs=1)
    assert len(caught) == 1


@pytest.mark.parametrize("rows", [1, 5, 32, 33, 200])
@pytest.mark.parametrize("columns", [1, 2])
@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_the_distances_of_few_and_of_many_samples(rows: int, columns: int, dtype: str) -> None:
    random = np.random.default_rng(rows)
    Y, output = random.normal(size=(2, rows, columns)).astype(dtype)
    errors = np.float64(Y - output)
    expected = {
        "mean_norm": np.sqrt(np.square(errors).sum(axis=1)).mean(),
        "mean_absolute_error": np.abs(errors).mean(),
    }
    for name, value in expected.items():
        assert monitor(name, "identity", Y)(output) == pytest.approx(value, rel=1e-14)
    for size in (1e-300, 1e300):  # whose squares are not floating-point numbers
        if dtype == "f8":
            found = monitor("mean_norm", "identity", size * Y)(size * output) / size
            assert found == pytest.approx(expected["mean_norm"], rel=1e-14)
    output[-1, -1] = np.nan
    assert all(np.isnan(monitor(name, "identity", Y)(output)) for name in expected)
