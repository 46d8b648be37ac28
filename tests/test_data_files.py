"""Data in files: IDX, intact and corrupt, and MNIST from its four files or from scikit-learn."""

import gzip
import os
import struct
import tracemalloc
import urllib.error
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sklearn.datasets

from samenet import data

ON_NUMPY = True  # what is given no backend

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx(values: Any, kind: str = "u1") -> bytes:
    """An IDX file, written from its description."""
    values = np.asarray(values, ">" + kind)
    return bytes([0, 0, CODES[kind], values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize("shape", [(5,), (2, 3), (2, 3, 4), (1, 2, 1, 2), (0,), (0, 28, 28)], ids=str)
@pytest.mark.without_jit
def test_idx(tmp_path: Path, shape: tuple[int, ...], kind: str, pack: Callable[[bytes], bytes]) -> None:
    values = np.random.default_rng(0).integers(-120, 120, shape) * (1 if kind in ("u1", "i1") else 200)
    values = values.astype(kind)
    path = tmp_path / "values"  # what tells gzip is the content, not the name
    path.write_bytes(pack(idx(values, kind)))
    for given in (path, str(path)):
        found = data.read_idx(given)
        assert (found.dtype, found.shape) == (np.dtype(kind), shape)
        assert found.dtype.isnative
        assert found.flags.carray
        assert found.tolist() == values.tolist()


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


GOOD = idx(np.arange(200).reshape(2, 10, 10))
PACKED = gzip.compress(GOOD)
DAMAGED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "nothing"),
    "short": (b"\0\0\x08", "00 00 08"),
    "text": (b"5,0,4,1,9\n", "35 2c 30 2c"),
    "another beginning": (b"\1" + GOOD[1:], "01 00 08 03"),
    "no such dtype": (b"\0\0\x0a" + GOOD[3:], "00 00 0a 03"),
    "no dimensions": (b"\0\0\x08\0", "00 00 08 00"),
    "255 dimensions": (b"\0\0\x08\xff" + bytes(4 * 255), "00 00 08 ff"),
    "little-endian": (bytes(reversed(GOOD[:4])) + GOOD[4:], "03 08 00 00"),
    "sizes cut off": (GOOD[:14], "3 sizes of 4 bytes, got 10"),
    "a byte missing": (GOOD[:-1], "200 bytes for its sizes (2, 10, 10)"),
    "a byte too many": (GOOD + b"\0", "got more"),
    "more than a file": (b"\0\0\x0e\3" + b"\xff" * 12 + bytes(8), "holds fewer"),
    "no array at all": (b"\0\0\x08\4" + bytes(4) + b"\xff" * 12, "fits in memory"),
    "gzip of text": (gzip.compress(b"5,0,4,1,9\n"), "35 2c 30 2c"),
    "gzip, a byte missing": (gzip.compress(GOOD[:-1]), "200 bytes for its sizes (2, 10, 10), got 199"),
    "gzip, a byte too many": (gzip.compress(GOOD + b"\0"), "got more"),
    "gzip, a terabyte": (gzip.compress(b"\0\0\x08\2\0\x10\0\0\0\x10\0\0" + bytes(9)), "holds fewer"),
    "gzip cut off": (PACKED[:-20], "intact gzip file"),
    "gzip without check sum": (PACKED[:-8], "intact gzip file"),
    "gzip of another check sum": (flipped(PACKED, -8), "CRC"),
    "gzip of another length": (PACKED[:-4] + b"\1\0\0\0", "Incorrect length"),
    "gzip damaged inside": (flipped(PACKED, 30), "intact gzip file"),
    "gzip and more behind it": (PACKED + b"more", "intact gzip file"),
    "gzip header alone": (PACKED[:5], "intact gzip file"),
}


@pytest.mark.parametrize("bad", DAMAGED)
def test_damaged_idx_is_refused_by_name(tmp_path: Path, bad: str) -> None:
    content, word = DAMAGED[bad]
    path = tmp_path / "some-file"
    path.write_bytes(content)
    tracemalloc.start()
    with pytest.raises(ValueError, match="expected") as caught:
        data.read_idx(path)
    taken = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert str(caught.value).startswith(f"{path}: expected")
    assert word in str(caught.value)
    assert taken < 2**20, "no memory for sizes that are not there"


def test_every_single_changed_byte_of_a_gzip_file_is_noticed_or_harmless(tmp_path: Path) -> None:
    path = tmp_path / "some-file"
    refused = 0
    for place in range(len(PACKED)):
        path.write_bytes(flipped(PACKED, place))
        try:
            assert data.read_idx(path).tobytes() == bytes(range(200))  # in the header are a time and a system's name
        except ValueError as error:
            assert str(path) in str(error)  # noqa: PT017
            refused += 1
    assert refused >= len(PACKED) - 10


def test_what_is_no_idx_file(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"path: expected .*got 5 \(int\)"):
        data.read_idx(5)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError, match="nowhere"):
        data.read_idx(tmp_path / "nowhere")
    with pytest.raises(OSError, match=str(tmp_path)):
        data.read_idx(tmp_path)


# ---------------------------------------------------------------------------------------------------------- MNIST

NAMES = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"]
RANDOM = np.random.default_rng(0)
SMALL = {
    NAMES[0]: RANDOM.integers(0, 256, (12, 28, 28)),
    NAMES[1]: RANDOM.integers(0, 10, 12),
    NAMES[2]: RANDOM.integers(0, 256, (4, 28, 28)),
    NAMES[3]: RANDOM.integers(0, 10, 4),
}
NAMINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda name: name,
    "gzip": lambda name: name + ".gz",
    "dot": lambda name: name.replace("-idx", ".idx"),
    "dot, gzip": lambda name: name.replace("-idx", ".idx") + ".gz",
}


def fill(folder: Path, naming: str = "plain", **changed: Any) -> Path:
    """A folder of four small files of MNIST; `changed` by the first letters of a name, None for no file."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, values in SMALL.items():
        key = name[:7].replace("-", "_")  # train_i, train_l, t10k_im, t10k_la
        content = changed.get(key, idx(values))
        if content is not None:
            path = folder / NAMINGS[naming](name)
            path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return folder


@pytest.fixture(autouse=True)
def nothing_is_downloaded(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    def refuse(*given: Any, **settings: Any) -> Any:
        raise AssertionError("a test must not download")

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", refuse)
    if "the_real" not in request.node.name:
        monkeypatch.delenv("SAMENET_DATA", raising=False)


def is_small(parts: data.Parts, scale: float = 255) -> bool:
    """Whether these are the digits of SMALL: ten for training, two for validation, four for the test."""
    images, labels, test_images, test_labels = SMALL.values()
    pixels = images.reshape(12, 784) / scale
    expected = (pixels[:10], labels[:10], pixels[10:], labels[10:], test_images.reshape(4, 784) / scale, test_labels)
    return all(np.array_equal(*pair) for pair in zip(parts, expected, strict=True))


@pytest.mark.parametrize("naming", NAMINGS)
def test_mnist_from_a_folder(tmp_path: Path, naming: str) -> None:
    parts = data.mnist(fill(tmp_path, naming))
    assert is_small(parts)
    assert is_small(data.mnist(str(tmp_path)))
    assert {part.dtype for part in parts[::2]} == {np.dtype(np.float64)}
    assert {part.dtype for part in parts[1::2]} == {np.dtype(np.int64)}
    assert all(0 <= X.min() <= X.max() <= 1 for X in parts[::2])
    assert parts.X_test.shape == (4, 784)
    assert parts.X_test[1, 28 * 3 + 5] == SMALL[NAMES[2]][1, 3, 5] / 255, "row by row"
    assert is_small(data.mnist(tmp_path, scale=256.0), 256), "as Nielsen's loader has it"


def test_mnist_from_the_folder_that_the_environment_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMENET_DATA", str(fill(tmp_path / "a")))
    assert is_small(data.mnist())
    fill(tmp_path / "b" / "mnist", "gzip")
    monkeypatch.setenv("SAMENET_DATA", str(tmp_path / "b"))
    assert is_small(data.mnist())
    monkeypatch.setenv("SAMENET_DATA", str(tmp_path / "nowhere"))
    assert is_small(data.mnist(tmp_path / "a")), "what is given comes first"
    fill(tmp_path / "c", t10k_la=None)
    monkeypatch.setenv("SAMENET_DATA", str(tmp_path / "c"))
    with pytest.raises(FileNotFoundError, match="t10k-labels"):  # rather than a download in silence
        data.mnist()


def test_missing_files_are_named(tmp_path: Path) -> None:
    fill(tmp_path, train_l=None, t10k_im=None)
    with pytest.raises(FileNotFoundError) as caught:
        data.mnist(tmp_path)
    message = str(caught.value)
    assert message.startswith("source: expected the four files")
    assert str(tmp_path) in message
    assert [name in message for name in NAMES] == [False, True, True, False]
    with pytest.raises(FileNotFoundError) as caught:
        data.mnist(tmp_path / "nowhere")
    assert all(name in str(caught.value) for name in [*NAMES, "nowhere"])


WRONG: dict[str, tuple[dict[str, bytes], str, str]] = {
    "images of 27 rows": ({"train_i": idx(np.zeros((12, 27, 28)))}, NAMES[0], "(12, 27, 28)"),
    "images of 29 columns": ({"t10k_im": idx(np.zeros((4, 28, 29)))}, NAMES[2], "(4, 28, 29)"),
    "images in a row": ({"train_i": idx(np.zeros((12, 784)))}, NAMES[0], "(12, 784)"),
    "labels for images": ({"train_i": idx(SMALL[NAMES[1]])}, NAMES[0], "(12,)"),
    "images of int32": ({"train_i": idx(SMALL[NAMES[0]], "i4")}, NAMES[0], "int32"),
    "a label less": ({"train_l": idx(SMALL[NAMES[1]][:-1])}, NAMES[1], "(11,)"),
    "labels of the other file": ({"t10k_la": idx(SMALL[NAMES[1]])}, NAMES[3], "(12,)"),
    "labels in a column": ({"train_l": idx(SMALL[NAMES[1]][:, None])}, NAMES[1], "(12, 1)"),
    "labels of int8": ({"train_l": idx(SMALL[NAMES[1]], "i1")}, NAMES[1], "int8"),
    "label 10": ({"t10k_la": idx([0, 9, 10, 1])}, NAMES[3], "got 10"),
    "cut off": ({"train_i": idx(SMALL[NAMES[0]])[:-1]}, NAMES[0], "12, 28, 28"),
}


@pytest.mark.parametrize("bad", WRONG)
def test_files_that_are_not_mnist_are_named(tmp_path: Path, bad: str) -> None:
    changed, name, word = WRONG[bad]
    with pytest.raises(ValueError, match="expected") as caught:
        data.mnist(fill(tmp_path, **changed))
    assert str(caught.value).startswith(f"{tmp_path / name}: expected")
    assert word in str(caught.value)


@pytest.mark.parametrize(
    ("given", "error", "argument"),
    [
        ({"source": 5}, TypeError, "source"),
        ({"source": b"mnist"}, TypeError, "source"),
        ({"scale": 0}, ValueError, "scale"),
        ({"scale": float("inf")}, ValueError, "scale"),
        ({"scale": "255"}, TypeError, "scale"),
    ],
    ids=str,
)
def test_what_mnist_refuses(given: dict[str, Any], error: type[Exception], argument: str) -> None:
    with pytest.raises(error, match=f"^{argument}: expected .*got "):
        data.mnist(**given)


def openml(m: int) -> SimpleNamespace:
    """What fetch_openml returns: grey values as floats, labels as text. One pixel is enough to tell the rows apart."""
    X = np.zeros((m, 784))
    X[:, 0] = np.arange(m) % 251
    return SimpleNamespace(data=X, target=np.array([str(i % 10) for i in range(m)], object))


@pytest.mark.parametrize("home", ["", "nowhere"])
@pytest.mark.without_jit
def test_mnist_from_scikit_learn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: str) -> None:
    asked: list[Any] = []

    def fetch(*given: Any, **settings: Any) -> Any:
        asked.append((given, settings))
        return openml(70000)

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fetch)
    monkeypatch.setenv("SAMENET_DATA", home and str(tmp_path / home))
    parts = data.mnist(scale=251)
    assert asked == [(("mnist_784",), {"version": 1, "as_frame": False, "parser": "liac-arff"})]
    rows = np.split(np.arange(70000), [50000, 60000])
    for X, y, row in zip(parts[::2], parts[1::2], rows, strict=True):
        assert X.shape == (len(row), 784)
        assert np.array_equal(X[:, 0], row % 251 / 251)
        assert not X[:, 1:].any()
        assert y.dtype == np.int64
        assert np.array_equal(y, row % 10)


def test_mnist_of_another_size_from_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sklearn.datasets, "fetch_openml", lambda *given, **settings: openml(100))
    with pytest.raises(ValueError, match=r"mnist_784: expected .*70000, 784.*got \(100, 784\)"):
        data.mnist()


def test_without_a_connection_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*given: Any, **settings: Any) -> Any:
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", offline)
    with pytest.raises(OSError, match="no route to host.*source.*SAMENET_DATA"):
        data.mnist()


def has_mnist() -> bool:
    home = Path(os.environ.get("SAMENET_DATA") or "nowhere")
    return any(folder.glob("train-images*") for folder in (home, home / "mnist") if folder.is_dir())


@pytest.mark.skipif(not has_mnist(), reason="SAMENET_DATA names no folder with the files of MNIST")
def test_the_real_mnist() -> None:
    parts = data.mnist()
    assert [len(y) for y in parts[1::2]] == [50000, 10000, 10000]
    assert parts.y_train[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert parts.y_test[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    # The mean and the spread of the 60000, as everybody's code has them.
    X = np.concatenate([parts.X_train, parts.X_valid])
    assert X.mean() == pytest.approx(0.1307, abs=5e-5)
    assert X.std() == pytest.approx(0.3081, abs=5e-5)
    assert sorted(np.unique(parts.y_valid, return_counts=True)[1].tolist())[0] > 900
