"""Checkpoints: training resumed from a file gives the same bits; invalid files are refused."""

import importlib.util
import os
import random
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from agreement import Backend
from children import HANGS

import samenet
from samenet.output import files
from samenet.stopping import CostChange, Patience, Rule, StopTraining, Watch
from samenet.storage import streams
from samenet.storage.contents import Unreadable
from samenet.training import checkpoint, loop

pytestmark = pytest.mark.without_jit  # the contents of files do not depend on kernels

random_numbers = np.random.default_rng(0)
X, Y = random_numbers.normal(size=(23, 3)), random_numbers.random((23, 2))
X_VAL, Y_VAL = random_numbers.normal(size=(9, 3)), random_numbers.random((9, 2))
BATCHES: dict[str, Any] = {"alpha": 0.1, "batch_size": 5, "seed": 5, "optimizer": "adam"}
WAYS: dict[str, dict[str, Any]] = {
    "whole": {"alpha": 0.1, "record_every": 3},
    "adam": BATCHES | {"monitors": ["mean_norm"], "cost": "sum_of_squares"},
    "masks": BATCHES | {"dropout": 0.5, "drop_connect": 0.2, "record_every": 0},
    "sampling": BATCHES | {"sampling": "adaptive"},
    "rules": BATCHES | {"stop": [CostChange(1e-12), Patience(X_VAL, Y_VAL, 50)], "alpha": 0.5},
    "weights": BATCHES | {"sample_weight": np.arange(23) / 7},
    "watched": BATCHES | {"validation": (X_VAL, Y_VAL), "stop": Patience(epochs=50, min_delta=1e-3), "alpha": 0.5},
}
FORMATS = ("npz", "safetensors")


def _script(name: str) -> ModuleType:
    path = Path(__file__).with_name("hardening") / name
    spec = importlib.util.spec_from_file_location(f"hardening_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Broken(Exception):
    """Raised by a callback."""


def network(**settings: Any) -> Any:
    return samenet.backend("numpy").Network([3, 4, 2], seed=2, **settings)


def assert_same(found: Any, expected: Any) -> None:
    assert found.model.theta.everything.tobytes() == expected.model.theta.everything.tobytes()
    assert found.history == expected.history


def broken_at(epoch: int, error: BaseException) -> Any:
    def callback(net: Any, history: Any) -> None:
        if history.epochs_done == epoch:
            raise error

    return callback


def left(path: Path, net: Any, epoch: int = 4, error: BaseException | None = None, **options: Any) -> Any:
    """The network after training that was interrupted after an epoch, and has left a checkpoint."""
    with suppress(Broken, KeyboardInterrupt):
        options = {"epochs": 9} | options
        net.train(X, Y, checkpoint=path, callback=broken_at(epoch, error or Broken()), **options)
    return net


# --- there and back ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("way", "form"), [*zip(WAYS, FORMATS * 4, strict=False)])
def test_it_goes_on_to_the_same_bits(way: str, form: str, backend: Backend, tmp_path: Path) -> None:
    make = lambda: backend.Network([3, 4, 2], seed=2, dtype="f4" if form == "npz" else "f8")  # noqa: E731
    path, whole, other = tmp_path / f"net.{form}", make(), make()
    whole.train(X, Y, epochs=9, **WAYS[way])
    broken = left(path, make(), **WAYS[way])
    assert broken.history.epochs_done == 4
    assert samenet.load(path, backend.name) == broken, "it is a network's file, too"
    other.parameters[:] = 7
    other.train(X, Y, epochs=9, checkpoint=path, resume=path, **WAYS[way])
    assert_same(other, whole)
    again = make()
    history = again.train(X, Y, epochs=9, resume=str(path), **WAYS[way])
    assert_same(again, whole)
    assert history is again.history
    assert samenet.load(path, backend.name) == whole
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    longer, extended = make(), make()
    longer.train(X, Y, epochs=12, **WAYS[way])
    extended.train(X, Y, epochs=12, resume=path, **WAYS[way])
    assert_same(extended, longer)


STREAMS: dict[str, Callable[[], Any]] = {
    **{name: lambda name=name: np.random.Generator(getattr(np.random, name)(7)) for name in streams.GENERATORS},
    **{"RandomState": lambda: np.random.RandomState(7), "Random": lambda: random.Random(7)},
}


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_goes_on(name: str, tmp_path: Path) -> None:
    options, path = BATCHES | {"dropout": 0.5}, tmp_path / "net.npz"
    whole, other, unseeded = network(), network(batch_normalization=False), network()
    streams_of = [STREAMS[name]() for _ in range(3)]
    for stream in streams_of:  # a number is kept for the next call
        stream.gauss(0, 1) if isinstance(stream, random.Random) else stream.normal()
    whole.train(X, Y, epochs=9, **options | {"seed": streams_of[0]})
    left(path, network(), **options | {"seed": streams_of[1]})
    unseeded.train(X, Y, epochs=9, resume=path, **options | {"seed": None})
    assert_same(unseeded, whole)
    other.train(X, Y, epochs=9, resume=path, **options | {"seed": streams_of[2]})
    assert_same(other, whole)
    assert streams.state(streams_of[2]) == streams.state(streams_of[0]), "the user's stream is put into its state"


def test_what_a_stream_must_be(tmp_path: Path) -> None:
    class Mine(np.random.PCG64):
        pass

    for seed in (random.SystemRandom(), np.random.Generator(Mine(1))):
        with pytest.raises(ValueError, match=r"^seed: expected a stream of PCG64, .* or random.Random, got"):
            network().train(X, Y, epochs=1, checkpoint=tmp_path / "net.npz", **BATCHES | {"seed": seed})
    assert not list(tmp_path.iterdir())
    for kind, state in (
        ("Random", {"state": [0] * 624 + [625], "gauss": None}),
        ("Random", {"state": [0] * 625, "gauss": "1"}),
        ("Random", [0]),
        ("Generator(PCG64)", {"state": 1}),
        ("Generator(os)", {}),
        (3, {}),
        ("RandomState", streams.state(np.random.RandomState(1)) | {"gauss": None}),
        ("RandomState", streams.state(np.random.RandomState(1)) | {"bit_generator": "PCG64"}),
        ("Generator(MT19937)", {"bit_generator": "MT19937", "state": {"key": [1] * 624, "pos": 625}}),
        ("Generator(MT19937)", {"bit_generator": "MT19937", "state": {"key": [2**32] * 624, "pos": 5}}),
        ("Generator(MT19937)", {"bit_generator": "MT19937", "state": {"key": [1] * 623, "pos": 5}}),
        ("Generator(Philox)", streams.state(np.random.Generator(np.random.Philox(1))) | {"buffer_pos": -1}),
    ):
        with pytest.raises(Unreadable, match="random stream"):
            streams.stream(kind, state)


def test_an_update_of_a_training_in_parts(tmp_path: Path) -> None:
    """A checkpoint of the second part, which completes it; and a third, in memory, after that."""
    path, whole, first, other = tmp_path / "net.npz", network(), network(), network()
    whole.train(X, Y, epochs=15, **WAYS["rules"])
    first.train(X, Y, epochs=3, **WAYS["rules"])
    left(path, first, 5, resume=True, epochs=6, **WAYS["rules"])
    other.train(X, Y, epochs=6, resume=path, **WAYS["rules"])
    assert other.history.epochs_done == 9
    other.train(X, Y, epochs=6, resume=True, checkpoint=path, **WAYS["rules"])
    assert_same(other, whole)


def test_a_checkpoint_with_another_validation_set(tmp_path: Path) -> None:
    path = tmp_path / "net.npz"
    left(path, network(), **WAYS["watched"])
    for other in ((X_VAL[1:], Y_VAL[1:]), (X_VAL, Y_VAL / 2)):
        with pytest.raises(ValueError, match="^validation: expected the same values as in the checkpoint, got others"):
            network().train(X, Y, epochs=9, resume=path, **WAYS["watched"] | {"validation": other})


def test_a_checkpoint_with_other_weights_of_samples(tmp_path: Path) -> None:
    path, weights = tmp_path / "net.npz", np.arange(23.0)
    left(path, network(), sample_weight=weights, **BATCHES)
    network().train(X, Y, epochs=9, resume=path, sample_weight=weights, **BATCHES)
    with pytest.raises(ValueError, match="^sample_weight: expected the same values as in the checkpoint, got others"):
        network().train(X, Y, epochs=9, resume=path, sample_weight=weights[::-1], **BATCHES)


@pytest.mark.parametrize("how", ["rule", "callback"])
def test_a_call_that_had_ended_early_is_not_trained_further(how: str, tmp_path: Path) -> None:
    path, calls = tmp_path / "net.npz", list[int]()

    def callback(net: Any, history: Any) -> None:
        calls.append(history.epochs_done)
        if how == "callback" and history.epochs_done == 5:
            raise StopTraining("enough")

    options = BATCHES | {"alpha": 3.0, "epochs": 60, "callback": callback, "checkpoint": path}
    options["stop"] = Patience(X_VAL, Y_VAL, 3 if how == "rule" else 50)
    net, other = network(), network()
    history = net.train(X, Y, resume=path, **options)
    assert history.stopped_by == ("callback: enough" if how == "callback" else str(options["stop"]))
    done = len(calls)
    other.train(X, Y, resume=path, **options)
    assert_same(other, net)
    assert len(calls) == done
    other.train(X, Y, resume=True, **options | {"epochs": 1, "stop": (), "callback": None})
    net.train(X, Y, resume=True, **options | {"epochs": 1, "stop": (), "callback": None})
    assert_same(other, net)


def test_ctrl_c_in_an_epoch_leaves_the_last_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "CALL_SECONDS", 1e-12)
    path, whole, other, numpy = tmp_path / "net.npz", network(), network(), samenet.backend("numpy")
    plain, calls = numpy.run_updates, list[int]()

    def counted(*given: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) == 12:
            signal.raise_signal(signal.SIGINT)
        return plain(*given, **named)

    whole.train(X, Y, epochs=4, **BATCHES)
    with monkeypatch.context() as patch:
        patch.setattr(numpy, "run_updates", counted)
        with pytest.raises(KeyboardInterrupt):
            other.train(X, Y, epochs=4, checkpoint=path, every=0, **BATCHES)
    assert other.history.epochs_done == 2
    later = network()
    later.train(X, Y, epochs=4, resume=path, checkpoint=path, **BATCHES)
    assert_same(later, whole)
    other.train(X, Y, epochs=2, resume=True, checkpoint=path, **BATCHES)
    assert_same(other, whole)


def test_how_often_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written, plain = list[int](), checkpoint.save

    def watched(*given: Any, training: Any, others: Any) -> None:
        written.append(training["epochs_done"])
        plain(*given, training=training, others=others)

    monkeypatch.setattr(checkpoint, "save", watched)
    path = tmp_path / "net.npz"
    network().train(X, Y, epochs=4, checkpoint=path, callback=lambda n, h: None, **BATCHES)
    assert written == [0, 4], "60 seconds"
    written.clear()
    network().train(X, Y, epochs=4, checkpoint=path, every=0, callback=lambda n, h: None, **BATCHES)
    assert written == [0, 1, 2, 3, 4, 4]
    written.clear()
    network().train(X, Y, epochs=0, checkpoint=path, **BATCHES)
    assert written == []


def test_temporary_files_that_a_killed_process_left_are_removed(tmp_path: Path) -> None:
    path = tmp_path / "net.npz"

    def killed(temporary: Path) -> None:
        temporary.write_bytes(b"half")
        os.link(temporary, tmp_path / f"{temporary.stem}x.npz")

    files.write(path, killed)
    files.write(tmp_path / "other.npz", killed)
    before = {file.name for file in tmp_path.iterdir()}
    assert len(before) == 4
    network().train(X, Y, epochs=1, checkpoint=path, **BATCHES)
    after = {file.name for file in tmp_path.iterdir()}
    assert len(after) == 3
    assert {"net.npz", "other.npz"} < after, "those of another file are not ours to remove"


# --- what is refused --------------------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "samples": ({"X": X[1:], "Y": Y[1:]}, "X: expected 23 samples as in the checkpoint, got 22"),
    "other X": ({"X": X + 1e-9}, "X: expected the same values as in the checkpoint, got others"),
    "weights": ({"sample_weight": np.arange(23)}, "sample_weight: expected the same values as in the checkpoint"),
    "other Y": ({"Y": Y[::-1]}, "Y: expected the same values as in the checkpoint, got others"),
    "epochs": ({"epochs": 3}, "epochs: expected at least the 4 that were done before the checkpoint, got 3"),
    "optimizer": ({"optimizer": "momentum"}, r"optimizer: expected Adam"),
    "batch_size": ({"batch_size": 4}, "batch_size: expected 5 as in the checkpoint, got 4"),
    "alpha": ({"alpha": 0.2}, r"alpha: expected Constant\(alpha=0.1\) as in the checkpoint, got Constant"),
    "a function": ({"alpha": lambda epoch: 0.1}, "alpha: expected .* got a function"),
    "clip_norm": ({"clip_norm": 1.0}, "clip_norm: expected None"),
    "record_every": ({"record_every": 2}, "record_every: expected 1"),
    "stop": ({"stop": CostChange(1.0)}, "stop: expected"),
    "cost": ({"cost": "sum_of_squares"}, "cost: expected squared_error"),
    "seed": ({"seed": 6}, "seed: expected 5 as in the checkpoint, got 6"),
    "stream": ({"seed": random.Random(5)}, "seed: expected 5 as in the checkpoint, got <random"),
    "validation": ({"validation": (X_VAL, Y_VAL)}, "validation: expected None as in the checkpoint, got a validation"),
    "dropout": ({"dropout": 0.5}, r"dropout: expected \(\)"),
    "bfgs": ({"optimizer": "bfgs", "alpha": None, "batch_size": None}, "resume: expected none for BFGS"),
}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("checkpoint") / "net.npz"
    left(found, network(), **BATCHES)
    return found


@pytest.mark.parametrize("name", REFUSED)
def test_a_checkpoint_of_another_call(name: str, path: Path) -> None:
    net, before = network(), network()
    others, reason = REFUSED[name]
    with pytest.raises(ValueError, match=f"^{reason}"):
        net.train(**{"X": X, "Y": Y, "epochs": 9, "resume": path} | BATCHES | others)
    assert net == before
    assert net.history is None


@pytest.mark.parametrize(
    ("net", "reason"),
    [
        (lambda: samenet.backend("numpy").Network([3, 5, 2]), r"network with sizes \(3, 5, 2\), got .* \(3, 4, 2\)"),
        (lambda: network(dtype="f4"), "network with dtype"),
        (lambda: network(l2=0.5), "network with l2 0.5, got one with 0.0"),
        (lambda: network(activation="tanh"), "network with activation 'tanh', got one with 'sigmoid'"),
        (lambda: network().on("reference"), "by the backend 'reference', got one by 'numpy'"),
    ],
)
def test_a_checkpoint_of_another_network(net: Callable[[], Any], reason: str, path: Path) -> None:
    with pytest.raises(ValueError, match=f"^resume: expected a checkpoint (of a )?{reason}"):
        net().train(X, Y, epochs=9, resume=path, **BATCHES)


def test_files_that_are_no_checkpoints(tmp_path: Path) -> None:
    saved, missing = tmp_path / "net.npz", tmp_path / "none.npz"
    network().save(saved)
    with pytest.raises(
        ValueError, match="^resume: expected a checkpoint of a training run, got 'net.npz': .* without a tr"
    ):
        network().train(X, Y, epochs=1, resume=saved, **BATCHES)
    with pytest.raises(FileNotFoundError, match="resume: there is no such checkpoint"):
        network().train(X, Y, epochs=1, resume=missing, **BATCHES)
    with pytest.raises(FileNotFoundError, match="resume: there is no such checkpoint"):
        network().train(X, Y, epochs=1, resume=missing, checkpoint=saved, **BATCHES)
    for name in ("net", "net.pt"):
        with pytest.raises(ValueError, match="^checkpoint: expected a name that ends in .npz or .safetensors"):
            network().train(X, Y, epochs=1, checkpoint=tmp_path / name, **BATCHES)
    with pytest.raises(TypeError, match="^checkpoint: expected the path"):
        network().train(X, Y, epochs=1, checkpoint=True, **BATCHES)
    for every, error in ((-1, ValueError), ("1", TypeError), (np.nan, ValueError)):
        with pytest.raises(error, match="^every: expected"):
            network().train(X, Y, epochs=1, checkpoint=missing, every=every, **BATCHES)
    with pytest.raises(FileNotFoundError):
        network().train(X, Y, epochs=1, checkpoint=tmp_path / "no folder" / "net.npz", **BATCHES)
    with pytest.raises(ValueError, match="^checkpoint: expected none for BFGS"):
        network().train(X, Y, epochs=1, checkpoint=missing, optimizer="bfgs")
    assert not missing.exists()


def test_what_could_not_be_written_is_refused_at_once(tmp_path: Path) -> None:
    class Mine(Rule):
        """A rule that remembers the given state."""

        def __init__(self, remembered: Any) -> None:
            self.remembered = remembered

        def watch(self, objective: Any, history: Any) -> Watch:
            return Watch(lambda: False, state={"a": self.remembered})

        def __str__(self) -> str:
            return "Mine"

    path, whole, other = tmp_path / "net.npz", network(), network()
    for wrong in ("text", True, np.zeros(3), None):
        with pytest.raises(TypeError, match="^stop: expected Mine to remember numbers and arrays like the parameters"):
            network().train(X, Y, epochs=1, checkpoint=path, stop=Mine(wrong), **BATCHES)
    for right in (np.int64(3), np.float32(0.5), np.zeros(26)):
        left(path, network(), stop=Mine(right), **BATCHES)
        other.train(X, Y, epochs=9, resume=path, stop=Mine(right), **BATCHES)
    whole.train(X, Y, epochs=9, **BATCHES)
    assert_same(other, whole)
    net = network()
    history = net.train(X, Y, epochs=1, **BATCHES)
    with pytest.raises(FileNotFoundError):
        net.train(X, Y, epochs=1, checkpoint=tmp_path / "no folder" / "net.npz", **BATCHES)
    net.biases[-1][0] = np.nan
    with pytest.raises(ValueError, match="^b2: expected finite numbers, got nan"):
        net.train(X, Y, epochs=1, checkpoint=path, **BATCHES)
    assert net.history is history


def test_samples_are_checked_before_the_first_checkpoint(tmp_path: Path) -> None:
    spoiled = X.copy()
    spoiled[-1, -1] = np.nan
    with pytest.raises(ValueError, match="^X: expected finite numbers"):
        network().on("numba").train(spoiled, Y, epochs=1, alpha=0.1, checkpoint=tmp_path / "net.npz")
    assert not [*tmp_path.iterdir()]


def test_a_disk_that_becomes_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, whole, net, plain = tmp_path / "net.npz", network(), network(), checkpoint.save

    def save(model: Any, path: Any, *, training: Any, others: Any) -> None:
        if training["epochs_done"] == 2:
            raise OSError("the disk is full")
        plain(model, path, training=training, others=others)

    whole.train(X, Y, epochs=9, **BATCHES)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save", save)
        with pytest.raises(OSError, match="the disk is full"):
            net.train(X, Y, epochs=9, checkpoint=path, every=0, callback=lambda n, h: None, **BATCHES)
    net.train(X, Y, epochs=7, resume=True, **BATCHES)
    assert_same(net, whole)
    other = network()
    other.train(X, Y, epochs=9, resume=path, **BATCHES)
    assert_same(other, whole)


MUTATED = _script("mutated_files.py")


@pytest.mark.parametrize("form", FORMATS)
def test_checkpoints_that_were_made_to_go_wrong(form: str, tmp_path: Path) -> None:
    path = tmp_path / f"net.{form}"
    for name, data, reason in MUTATED.crafted_checkpoints(form):
        path.write_bytes(data)
        found, refusal = MUTATED.gone_on(path)
        assert found is None, name
        assert re.search(reason, refusal), (name, refusal)
        assert len(refusal) < 500, name
    path.write_bytes(MUTATED.remade(form, lambda training, arrays: None))
    assert MUTATED.bits(MUTATED.gone_on(path)[0]) == MUTATED.ended()


# --- killed -----------------------------------------------------------------------------------------------------------

KILLED = _script("killed.py")


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="a process cannot be killed here")
@pytest.mark.parametrize("way", ["momentum", "masks", "rules"])
def test_killed_in_its_third_write(way: str, tmp_path: Path) -> None:
    """Killed before the half-written file is renamed; training resumes from the intact previous checkpoint."""
    script = Path(__file__).with_name("hardening") / "killed.py"
    path = tmp_path / "net.npz"
    run = [sys.executable, str(script), "--train", way, str(path), "--backend", "numpy"]
    killed = subprocess.run([*run, "--dies", "3"], check=False, timeout=HANGS)
    assert killed.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 2, "the checkpoint, and what was half written"
    assert samenet.load(path, "numpy").history is None
    found = subprocess.run(run, check=True, capture_output=True, text=True, timeout=HANGS).stdout
    assert found == KILLED.expected(way, "numpy")
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
