"""Damaged and hostile files of networks and checkpoints: each is refused with a reason, or gives the right bits.

    python tests/hardening/mutated_files.py --files 10000 --seed 1

First come the files of `crafted`, each made wrong in one way, with the checksum that its author would compute; then
this many files with random damage: flipped bits, a cut, zeros, and parts that are left out, repeated, exchanged,
inserted or taken from another file. A file that is refused must raise ValueError and name the path; one that is
accepted must have exactly the settings and bits that were saved. Every third file is a checkpoint: it must be refused,
or resumed training must give the same bits as training that was never stopped. There must be no warnings, and the
process may take at most 200 MiB. Prints how many of each kind were refused; exit status 1 if anything is wrong.
"""

import argparse
import io
import json
import pickle
import random
import struct
import sys
import tempfile
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import samenet
from samenet.model import Model
from samenet.storage import contents, npz, reading, safetensors, saving

LIMIT = 200 << 20  # bytes of memory
FORMATS = ("npz", "safetensors")
_WRITE = {"npz": npz.write, "safetensors": safetensors.write}
Arrays = dict[str, np.ndarray]


# The preparation of a network for a table of columns.
TABLE = {"version": 1, "header": True, "inputs": [{"name": "\u00e4", "mean": 0.1, "scale": 3}], "target": {"name": "y"}}


def networks() -> list[Any]:
    """Small networks that differ in shape, settings and dtype; one of them has a table."""
    Network = samenet.backend("numpy").Network
    with_table = Network([1, 2], seed=4)
    with_table.table = TABLE
    return [
        with_table,
        Network([3, 4, 2], seed=0),
        Network([3, 4, 2], seed=1, dtype="f4", activation=["relu", "softmax"], cost="cross_entropy", l2=1e-3),
        Network([5, 1], seed=2, bias=False, activation="identity", l1=0.5),
        Network([7, 30, 20, 3], seed=3, activation="tanh", dtype="f4"),
    ]


# --- damage -----------------------------------------------------------------------------------------------------------


def _part(chance: random.Random, data: bytes) -> tuple[int, int]:
    start = chance.randrange(len(data))
    return start, min(len(data), start + chance.choice([1, 2, 8, 64, 512]))


def flipped(chance: random.Random, data: bytes, other: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice([1, 1, 1, 2, 5, 40])):
        changed[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def cut(chance: random.Random, data: bytes, other: bytes) -> bytes:
    return data[: chance.choice([chance.randrange(len(data)), len(data) - chance.randrange(1, 30)])]


def zeroed(chance: random.Random, data: bytes, other: bytes) -> bytes:
    start, end = _part(chance, data)
    return data[:start] + bytes(end - start) + data[end:]


def left_out(chance: random.Random, data: bytes, other: bytes) -> bytes:
    start, end = _part(chance, data)
    return data[:start] + data[end:]


def repeated(chance: random.Random, data: bytes, other: bytes) -> bytes:
    start, end = _part(chance, data)
    return data[:end] + data[start:]


def exchanged(chance: random.Random, data: bytes, other: bytes) -> bytes:
    (a, b), (c, d) = sorted((_part(chance, data), _part(chance, data)))
    return data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:] if b <= c else data[:a] + data[c:]


def inserted(chance: random.Random, data: bytes, other: bytes) -> bytes:
    start, _ = _part(chance, data)
    return data[:start] + chance.randbytes(chance.choice([1, 4, 100])) + data[start:]


def joined(chance: random.Random, data: bytes, other: bytes) -> bytes:
    return data[: chance.randrange(len(data))] + other[chance.randrange(len(other)) :]


def digit(chance: random.Random, data: bytes, other: bytes) -> bytes:
    """Another digit or letter in a text; flipped bits rarely give one."""
    changed = bytearray(data)
    places = [i for i, byte in enumerate(data) if 48 <= byte < 123]
    changed[chance.choice(places)] = chance.choice(b"0123456789aefF<>|")
    return bytes(changed)


DAMAGE = (flipped, flipped, cut, zeroed, left_out, repeated, exchanged, inserted, joined, digit)


# --- files made to go wrong -------------------------------------------------------------------------------------------


def made(form: str, change: Callable[[dict[str, Any], Arrays], None], signed: bool = True) -> bytes:
    """The file of a network 3-4-2 with its description or its arrays changed; `signed` with the checksum of that."""
    model = Model((3, 4, 2))
    model.theta.flat[:] = np.arange(26)
    arrays = {name: array.copy() for name, array in contents.arrays_of(model).items()}
    said = json.loads(contents.describe(model, arrays))
    change(said, arrays)
    if signed:
        checksum = contents.begin_checksum(said)
        for array in arrays.values():
            checksum.update(np.ascontiguousarray(array).data if array.dtype.kind != "O" else b"")
        said["sha256"] = checksum.hexdigest()
    return written(form, json.dumps(said), arrays)


def written(form: str, text: str, arrays: Arrays) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        _WRITE[form](Path(folder) / "file", text, arrays)
        return (Path(folder) / "file").read_bytes()


def changed(form: str, name: str, values: Any) -> bytes:
    return made(form, lambda said, arrays: arrays.update({name: np.asarray(values)}))


def told(form: str, **values: Any) -> bytes:
    return made(form, lambda said, arrays: said.update(values))


def settings(form: str, **values: Any) -> bytes:
    return made(form, lambda said, arrays: said["settings"].update(values))


def zipped(**members: bytes) -> bytes:
    """A compressed archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return file.getvalue()


def tensors(header: Any, numbers: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + numbers


def saved(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def replaced(data: bytes, old: bytes, new: bytes) -> bytes:
    assert data.count(old) >= 1, old
    return data.replace(old, new)


def _with_nan(value: float) -> np.ndarray:
    b = np.ones(2)
    b[1] = value
    return b


def _end(data: bytes, **fields: int) -> bytes:
    """An npz file with changed fields in its last 22 bytes."""
    names = ("disk", "first", "here", "number", "length", "start", "comment")
    values = dict(zip(names, struct.unpack("<4H2LH", data[-18:]), strict=True)) | fields
    return data[:-18] + struct.pack("<4H2LH", *values.values())


def _of_both(form: str) -> dict[str, tuple[bytes, str]]:
    """Files of either format, and the reason why each is refused."""
    plain = made(form, lambda said, arrays: None)
    huge = [10**9, 10**9, 2]
    return {
        "empty": (b"", "it is empty"),
        "text": (b"sizes: 3 4 2\n", "neither an npz nor a safetensors file"),
        "pickle": (pickle.dumps([1, 2]), "neither an npz nor a safetensors file"),
        "picture": (b"\x89PNG\r\n\x1a\n" + bytes(100), "neither an npz nor a safetensors file"),
        "longer": (plain + b"\0", "is not the end|last bytes|longer than its arrays"),
        "not signed": (made(form, lambda s, a: a["b2"].fill(7), signed=False), "its checksum"),
        "no checksum": (made(form, lambda s, a: s.pop("sha256"), signed=False), "its checksum"),
        "l2 not signed": (made(form, lambda s, a: s["settings"].update(l2=1.0), signed=False), "its checksum"),
        "nan": (changed(form, "b2", _with_nan(np.nan)), "b2 has NaN or infinity"),
        "infinity": (changed(form, "b2", _with_nan(-np.inf)), "b2 has NaN or infinity"),
        "transposed": (changed(form, "W1", np.ones((3, 4))), "W1 is <f8 .3, 4., not <f8 .4, 3."),
        "flat": (changed(form, "W1", np.ones(12)), "W1 is"),
        "float32": (changed(form, "W1", np.ones((4, 3), "f4")), "W1 is <f4"),
        "lacks an array": (made(form, lambda s, a: a.pop("W2")), "it lacks 'W2'|3 arrays"),
        "another array": (changed(form, "W3", np.ones((2, 2))), "an array that this network does not have, 'W3'"),
        "another name": (made(form, lambda s, a: a.update(V1=a.pop("W1"))), "it lacks 'W1'"),
        "newer": (told(form, version=2, samenet="9.1"), "version 2, by samenet '9.1'; this reads up to 1"),
        "huge version": (told(form, version=10**400), "version"),
        "no version": (told(form, version=None), "its version is .*, not an integer"),
        "version 0": (told(form, version=0), "its version is .*, not an integer"),
        "version True": (told(form, version=True), "its version is .*, not an integer"),
        "another format": (told(form, format="keras"), "it is not a network of samenet's"),
        "a newer setting": (settings(form, attention=True), "this version of samenet does not know: .*'attention'"),
        "many newer settings": (settings(form, **{f"s{i}": 0 for i in range(9999)}), "does not know"),
        "a newer activation": (settings(form, activation="gelu"), "that of a newer samenet: activation"),
        "a wrong bias": (settings(form, bias=1), "bias: expected"),
        "a wrong l2": (settings(form, l2=-1.0), "l2: expected"),
        "l2 nan": (settings(form, l2=float("nan")), "l2: expected"),
        "a cost that does not fit": (settings(form, cost="cross_entropy"), "cost: expected"),
        "no bias": (settings(form, bias=False), "this network does not have"),
        "other sizes": (told(form, sizes=[3, 2, 4]), "W1 is|its sizes need"),
        "one layer": (told(form, sizes=[3]), "sizes: expected"),
        "sizes of text": (told(form, sizes=["3", 4, 2]), "sizes.0.: expected"),
        "sizes of floats": (told(form, sizes=[3.0, 4, 2]), "sizes.0.: expected"),
        "sizes of flags": (told(form, sizes=[True, 4, 2]), "sizes.0.: expected"),
        "sizes as a text": (told(form, sizes="342"), "its description has no sizes"),
        "huge sizes": (told(form, sizes=huge), "its sizes need"),
        "unbounded sizes": (told(form, sizes=[10**4000, 1, 2]), "its sizes need"),
        "many sizes": (told(form, sizes=[1] * 90_000), "4 arrays for 90000 layers"),
        "another dtype": (told(form, dtype="float16"), "no dtype of float64 or float32"),
        "a dtype with fields": (told(form, dtype="f8,f8"), "no dtype of float64 or float32"),
        "settings as a list": (told(form, settings=[1]), "no settings"),
        "no object": (written(form, "[1, 2]", {}), "its description is not an object, but a list"),
        "not JSON": (written(form, "{", {}), "its description is not JSON"),
        "deep": (written(form, '{"format":' * 50_000, {}), "not JSON"),
        "a number of many digits": (written(form, '{"format": ' + "9" * 100_000 + "}", {}), "not JSON"),
        "long": (written(form, json.dumps("x" * (3 << 20)), {}), "not text of|its header has"),
        "many arrays": (
            told(form, sizes=[1] * 30) if form == "safetensors" else _end(plain, here=20_000, number=20_000),
            "4 arrays for 30|its table of members",
        ),
    }


def _of_npz() -> dict[str, tuple[bytes, str]]:
    plain = made("npz", lambda said, arrays: None)
    objects = np.array([[1, None, "a"]] * 4, object)
    header = b"\x93NUMPY\1\0\xff\xff" + b"{" + b"(" * 65534
    two = made("npz", lambda s, a: a.update(W3=a["W1"]))
    return {
        "another program's": (saved(a=np.ones(3)), "it has no member 'samenet'"),
        "objects": (saved(samenet=np.ones(3, "u1"), W1=objects), "W1.npy' is .O"),
        "description of floats": (saved(samenet=np.ones(3)), "its description is <f8"),
        "description of two ranks": (saved(samenet=np.ones((3, 1), "u1")), "its description is"),
        "big-endian": (changed("npz", "W1", np.ones((4, 3))).replace(b"<f8", b">f8", 2), "is >f8|checksum|damaged"),
        "int64": (replaced(plain, b"<f8", b"<i8"), "is <i8"),
        "column by column": (saved(samenet=np.ones(3, "u1"), W1=np.asfortranarray(np.ones((4, 3)))), "in C order"),
        "fields": (saved(samenet=np.ones(2, "f8,f8")), "is not an array of numbers"),
        "bomb": (zipped(samenet=b"\0" * (64 << 20)), "is compressed"),
        "no array": (replaced(plain, b"W1.npy", b"W1.txt"), "a member that is not an array"),
        "text in a member": (replaced(plain, b"\x93NUMPY", b"\x93NUMBS"), "is not an array in version 1.0"),
        "version 2.0 of the header": (replaced(plain, b"NUMPY\1", b"NUMPY\2"), "is not an array in version 1.0"),
        "header too long": (replaced(plain, b"NUMPY\1\0v\0", b"NUMPY\1\0\xff\xff"), "a header of 65535 bytes"),
        "header of brackets": (npz_of({"samenet.npy": header}), "a header of 65535 bytes"),
        "shape too large": (replaced(plain, b"(4, 3)", b"(4, 9)"), "but has 96 bytes"),
        "twice": (replaced(two, b"W3.npy", b"W1.npy"), "occurs twice"),
        "only a start": (plain[:12], "it is truncated"),
        "more members": (_end(plain, here=6, number=6), "its table of members is cut off"),
        "fewer members": (_end(plain, here=3, number=3), "is longer than its members"),
        "several disks": (_end(plain, disk=1), "its table of members has"),
        "a comment": (_end(plain, comment=1), "last bytes are not the end"),
        "table elsewhere": (_end(plain, start=5), "its table of members is not at its end"),
        "table of 4 GiB": (_end(plain, length=2**32 - 1), "its table of members has"),
        "table of something else": (replaced(plain, b"PK\1\2", b"PK\1\3"), "an invalid entry"),
        "member of another name": (plain.replace(b"W1.npy", b"W9.npy", 1), "is not where its table"),
        "member longer than the file": (_longer_member(plain), "is longer than the file"),
    }


def npz_of(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def _longer_member(data: bytes) -> bytes:
    place = data.index(b"PK\1\2") + 20
    return data[:place] + struct.pack("<2L", 10**9, 10**9) + data[place + 8 :]


def _of_safetensors() -> dict[str, tuple[bytes, str]]:
    text = contents.describe(Model((3, 4, 2)), {})
    meta = {"__metadata__": {"samenet": text}}

    def one(numbers: int = 8, **entry: Any) -> bytes:
        return tensors(meta | {"W1": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]} | entry}, bytes(numbers))

    return {
        "another program's": (
            tensors({"a": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}}, bytes(8)),
            "have no",
        ),
        "metadata of another": (tensors({"__metadata__": {"format": "pt"}}), "have no 'samenet'"),
        "metadata as a list": (tensors({"__metadata__": ["samenet"]}), "have no 'samenet'"),
        "huge header": (tensors({}, length=2**63), f"its header has {2**63} bytes"),
        "header beyond the file": (tensors({}, length=1000), "its header is longer than the file"),
        "header of brackets": (tensors(b"{" + b'"a":[' * 1000 + b"[" * 100_000), "its header is not JSON"),
        "header of bytes": (tensors(b'{"\xff": 1}'), "its header is not JSON"),
        "a surrogate": (tensors({"__metadata__": {"samenet": "\ud800"}}), "its description is not JSON"),
        "bfloat16": (one(dtype="BF16", data_offsets=[0, 2], numbers=2), "W1 is|arrays for"),
        "an entry of numbers": (tensors(meta | {"W1": 3}), "no dtype, shape and place for 'W1'"),
        "no shape": (one(shape=None), "no dtype, shape and place"),
        "a negative shape": (one(shape=[-1]), "no dtype, shape and place"),
        "a shape of floats": (one(shape=[1.0]), "no dtype, shape and place"),
        "a huge shape": (one(shape=[10**30]), "no dtype, shape and place"),
        "many dimensions": (one(shape=[1] * 33), "no dtype, shape and place"),
        "one offset": (one(data_offsets=[0]), "no dtype, shape and place"),
        "offsets the wrong way": (one(data_offsets=[8, 0]), "but has -8 bytes"),
        "a gap": (one(data_offsets=[8, 16], numbers=16), "overlap, or leave a gap"),
        "truncated": (one(numbers=7), "it is truncated: its header lists 8 bytes of numbers, the file has 7"),
        "a wrong length": (one(shape=[2]), "but has 8 bytes"),
        "a dtype of numbers": (one(dtype=8), "no dtype, shape and place"),
    }


def crafted() -> Iterator[tuple[str, bytes, str]]:
    """The name of each such file, its bytes, and a pattern for the reason that it is refused for."""
    for form in FORMATS:
        for name, (data, reason) in (_of_both(form) | (_of_npz() if form == "npz" else _of_safetensors())).items():
            yield f"{form}, {name}", data, reason


# --- checkpoints ------------------------------------------------------------------------------------------------------

X, Y = np.random.default_rng(0).normal(size=(12, 3)), np.random.default_rng(1).random((12, 2))
OPTIONS: dict[str, Any] = {
    **{"alpha": 0.1, "batch_size": 5, "seed": 5, "optimizer": "adam", "epochs": 4, "dropout": 0.5},
    **{"stop": samenet.stopping.Patience(X, Y, 20), "monitors": "mean_norm"},
}


class Broken(Exception):
    """Raised by a callback."""


def _network() -> Any:
    return samenet.backend("numpy").Network([3, 4, 2], seed=0)


@cache
def checkpoint(form: str) -> bytes:
    """The checkpoint of training that was interrupted after two of its epochs."""

    def callback(network: Any, history: Any) -> None:
        if history.epochs_done == 2:
            raise Broken

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"net.{form}"
        with suppress(Broken):
            _network().train(X, Y, checkpoint=path, callback=callback, **OPTIONS)
        return path.read_bytes()


def ended() -> bytes:
    """The bits at the end of the complete training."""
    network = _network()
    network.train(X, Y, **OPTIONS)
    return bits(network)


def bits(network: Any) -> bytes:
    """The parameters and the history of a network."""
    history = network.history
    records = b"".join(history[name].tobytes() for name in history)
    text = repr((history.epochs.tolist(), history.epochs_done, history.stopped_by, history.best_epoch))
    return network.model.theta.everything.tobytes() + records + text.encode()


def gone_on(path: Path) -> tuple[Any, str]:
    """The network after resuming from a checkpoint, or the reason why it is refused; other outcomes are failures."""
    network, before = _network(), _network()
    with warnings.catch_warnings(action="error"):
        try:
            network.train(X, Y, resume=path, **OPTIONS)
        except ValueError as error:
            if type(error) is not ValueError or network != before or network.history is not None:
                raise
            return None, str(error)
    return network, ""


def remade(form: str, change: Callable[[dict[str, Any], Arrays], None]) -> bytes:
    """The checkpoint with changed entries or arrays of the training state, and a matching checksum."""
    with np.load(io.BytesIO(checkpoint("npz")), allow_pickle=False) as file:
        arrays = dict(file)
    said = json.loads(bytes(arrays.pop("samenet")))
    change(said["training"], arrays)
    model = [name for name in arrays if not name.startswith("training.")]
    arrays = {name: arrays[name] for name in [*model, *sorted(arrays.keys() - set(model))]}
    checksum = contents.begin_checksum(said)
    for array in arrays.values():
        checksum.update(np.ascontiguousarray(array).data)
    return written(form, json.dumps(said | {"sha256": checksum.hexdigest()}), arrays)


def _forget(training: dict[str, Any], arrays: Arrays) -> None:
    del training["rules"][0][1]["mark"]


def crafted_checkpoints(form: str) -> Iterator[tuple[str, bytes, str]]:
    """The name of each such file, its bytes, and a pattern for the reason that it is refused for."""

    def said(**values: Any) -> bytes:
        return remade(form, lambda training, arrays: training.update(values))

    def stream(**values: Any) -> bytes:
        return remade(form, lambda training, arrays: training["stream"][1].update(values))

    def history(**values: Any) -> bytes:
        return remade(form, lambda training, arrays: training["history"].update(values))

    def array(name: str, values: Any) -> bytes:
        return remade(form, lambda training, arrays: arrays.update({f"training.{name}": np.asarray(values)}))

    patience = str(OPTIONS["stop"])
    yield from [
        ("newer", said(version=2), "version 2; this reads 1"),
        ("no version", said(version=None), "version None; this reads 1"),
        ("no options", said(options=None), "training options that this version of samenet does not know"),
        ("other options", said(options={"alpha": 1}), "training options that this version of samenet does not know"),
        ("another backend", said(backend=["numpy"]), "got one by"),
        ("other samples", said(samples={"X": 1, "Y": 2}), "X: expected the same values"),
        ("no samples", said(samples=None), "X: expected the same values"),
        ("other targets", remade(form, lambda t, a: t["samples"].update(Y=7)), "Y: expected the same values"),
        ("another seed", said(seed=6), "seed: expected 6"),
        ("a seed of text", said(seed="RandomState"), "seed: expected 'RandomState'"),
        ("epochs of text", said(epochs_done="2"), "epochs_done is '2'"),
        ("negative epochs", said(epochs_done=-1), "epochs_done is -1"),
        ("huge epochs", said(epochs_done=2**62), "epochs_done is"),
        ("unbounded epochs", said(epochs_done=10**400), "epochs_done is"),
        ("began later", said(began=3), "began is 3"),
        ("updates of floats", said(updates=6.0), "updates is 6.0"),
        ("a huge key", said(key=2**63), "key is"),
        ("no stream", said(stream=None), "it has no random stream"),
        ("another kind of stream", said(stream=["Random", {}]), "its random stream|random stream has a state"),
        ("an unknown stream", said(stream=["Generator(os)", {}]), "that this version of samenet does not know"),
        ("a position beyond", stream(has_uint32=2), "an invalid state"),
        ("a state of text", stream(uinteger="1"), "an invalid state"),
        ("more of a state", stream(more=1), "an invalid state"),
        ("divergence", said(divergence=[1, 2]), "whether the training diverged"),
        ("no divergence", said(divergence=None), "whether the training diverged"),
        ("no history", said(history=None), "records is None"),
        ("a history of others", history(names=["cost"]), "its history has"),
        ("a reason of numbers", history(stopped_by=3), "its history has"),
        ("a best epoch later", history(best_epoch=99), "best_epoch is 99"),
        ("many records", history(records=10**9), "epochs is .*, not"),
        ("fewer records", history(records=1), "epochs is .*, not"),
        ("no records", history(records=0), "epochs is .*, not None"),
        ("rules of text", said(rules=["Patience"]), "stop rules are invalid"),
        ("other rules", said(rules=[["Other", {}, []]]), "not those of its options"),
        ("rules that remember text", said(rules=[[patience, {"least": "1"}, []]]), "an invalid state"),
        ("rules of other arrays", said(rules=[[patience, {}, ["../best"]]]), "an invalid state"),
        (
            "rules that remember huge numbers",
            said(rules=[[patience, {"least": 10**30}, []]]),
            "an invalid state",
        ),
        ("rules that remember nothing", said(rules=[[patience, {}, []]]), "best is .*, not None"),
        ("rules that remember less", remade(form, _forget), "expected Patience.* to remember"),
        ("a best of nan", array("rule0.best", np.full(26, np.nan)), "parameters in it are NaN or infinite"),
        ("epochs that are not in order", array("epochs", np.array([1, 0])), "epochs of its history are not in order"),
        ("epochs beyond", array("epochs", np.array([0, 3])), "epochs of its history are not in order"),
        ("last of numbers", said(last=1), "whether its network has the parameters of the last update"),
        ("version True", said(version=True), "version True; this reads 1"),
        ("hooks beyond", said(hooks_begun=3), "hooks_begun is 3"),
        ("no last", said(last=True), "last is None, not"),
        ("a transposed state", array("state", np.zeros((26, 2))), "state is .*, not"),
        ("a state of float32", array("state", np.zeros((2, 26), "f4")), "state is .*, not"),
        ("epochs of float", array("epochs", np.zeros(2)), "epochs is .*, not"),
        ("another array", array("more", np.zeros(2)), "more is .*, not None"),
        ("rows", array("rows", np.arange(12)), "rows is .*, not None"),
        ("lacks an array", remade(form, lambda t, a: a.pop("training.first")), "first is None, not"),
        ("no training", remade(form, lambda t, a: t.clear()), "version None"),
    ]
    if form == "npz":
        yield "objects", array("more", np.zeros(2, "u1")), "which is not supported"


# --- the search -------------------------------------------------------------------------------------------------------


def outcome(path: Path) -> tuple[Any, str]:
    """The network in a file, or the reason why it is refused; any other outcome is a failure."""
    with warnings.catch_warnings(action="error"):
        try:
            network = samenet.load(path, "numpy")
            network.table = reading.read_with_table(path, 1 << 30)[1]  # type: ignore[attr-defined]
            return network, ""
        except ValueError as error:
            if type(error) is not ValueError or not str(error).startswith(
                "path: expected a network saved by samenet, got"
            ):
                raise
            return None, str(error)


def same(network: Any, original: Any) -> bool:
    tables = [getattr(one, "table", None) for one in (network, original)]
    is_equal = bool(network == original) and tables[0] == tables[1]
    return is_equal and network.parameters.tobytes() == original.parameters.tobytes()


def peak() -> int | None:
    """The peak memory of this process in bytes; None if the system does not report it."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    return next((int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmHWM")), None)


def main() -> int:
    """Test all files, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    options = parser.parse_args()
    failed = 0
    refused, loaded = Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        originals = [(form, network) for network in networks() for form in FORMATS]
        data = []
        for form, network in originals:
            saving.save(network.model, f"{path}.{form}", getattr(network, "table", None))
            data.append(Path(f"{path}.{form}").read_bytes())
        checkpoints, right_bits = [checkpoint(form) for form in FORMATS], ended()

        def attempt(kind: str, name: str, mutated: bytes, right: list[Any] | None) -> None:
            """Test a file; right: the networks that it may contain; None for a checkpoint."""
            nonlocal failed
            path.write_bytes(mutated)
            try:
                if right is None:
                    network, _ = gone_on(path)
                    wrong = "" if network is None or bits(network) == right_bits else "gone on"
                else:
                    network, _ = outcome(path)
                    wrong = "" if network is None or any(same(network, original) for original in right) else "loaded"
            except Exception as error:
                network, wrong = None, f"{type(error).__name__}: {error}"
            (refused if network is None else loaded)[kind] += 1
            if wrong:
                failed += 1
                print(f"FAIL {name}: {wrong}")

        for name, mutated, _ in crafted():
            attempt("crafted", name, mutated, [])
        for form in FORMATS:
            for name, mutated, _ in crafted_checkpoints(form):
                attempt("crafted", f"{form}, checkpoint, {name}", mutated, None)
        for number in range(options.files):
            chance = random.Random(options.seed * 1_000_003 + number)
            if number % 3 == 2:
                damage, which = chance.choice(DAMAGE), chance.randrange(2)
                mutated = damage(chance, checkpoints[which], chance.choice(data))
                attempt(damage.__name__, f"{damage.__name__}, checkpoint {number}", mutated, None)
                continue
            (which, other), damage = chance.choices(range(len(data)), k=2), chance.choice(DAMAGE)
            mutated = damage(chance, data[which], data[other])
            right = [originals[which][1], *([originals[other][1]] if damage is joined else [])]
            attempt(damage.__name__, f"{damage.__name__}, file {number}", mutated, right)
    for kind in sorted(refused | loaded):
        print(f"{kind:9} {refused[kind]:6} refused {loaded[kind]:6} loaded with the right bits")
    memory = peak()
    if memory is not None:
        print(f"at most {memory / 2**20:.0f} MiB of memory")
        failed += memory > LIMIT
    print(f"{sum(refused.values()) + sum(loaded.values())} files, seed {options.seed}: {failed} failures")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
