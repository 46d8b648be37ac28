"""MNIST, 70000 handwritten digits of 28x28 pixels, and EMNIST: from four files, or from OpenML through scikit-learn."""

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.data.idx import PICKLE, read_idx
from samenet.data.library import scikit_learn
from samenet.data.splitting import Parts
from samenet.validation import checks, paths

_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
# The sets by name, and the largest of their labels; letters are counted from 1.
_SETS = {
    "mnist": 9,
    "emnist-digits": 9,
    "emnist-mnist": 9,
    "emnist-letters": 26,
    "emnist-balanced": 46,
    "emnist-bymerge": 46,
    "emnist-byclass": 61,
}


def mnist(
    source: str | os.PathLike[str] | None = None,
    *,
    scale: float = 255.0,
    dataset: str | None = None,
    transposed: bool = False,
) -> Parts:
    """The digits: 50000 for training, 10000 for validation and 10000 for testing.

    X_train, X_valid, X_test: pixels row by row, (m, 784) float64, grey / scale, so from 0 (paper) to 1 (ink) by
    default. y_train, y_valid, y_test: the digits (m,), int64. The last sixth of the training files is the
    validation part.

    source      the folder of the four IDX files, plain or with .gz, under their published names
                ("train-images-idx3-ubyte", ...) or with a dot before "idx". Without it, the folder that the environment
                variable SAMENET_DATA names, or its subfolder "mnist", if the files are there; else scikit-learn's
                `fetch_openml`, which downloads about 15 MB once and keeps them
    scale       the divisor of the grey values from 0 to 255; Nielsen's mnist_loader uses 256
    dataset     "mnist", or a set of EMNIST by its file names ("emnist-letters-train-images-idx3-ubyte", ...):
                "emnist-digits", "emnist-letters", "emnist-balanced", "emnist-byclass", "emnist-bymerge" or
                "emnist-mnist". Without it, the set found in the folder given as source, MNIST first
    transposed  transpose every image, as EMNIST needs, whose files store them column by column

    Raises FileNotFoundError, naming the missing files; ValueError, naming an invalid file; and OSError if the download
    fails. A pickle, such as Nielsen's mnist.pkl.gz, is rejected, because reading it would execute code in it.
    Sources: tutorial 001 (docs/sources.md); Y. LeCun, C. Cortes, C. Burges, The MNIST database of handwritten digits;
    G. Cohen, S. Afshar, J. Tapson, A. van Schaik, EMNIST: an extension of MNIST to handwritten letters (2017).
    """
    scale, transposed = checks.number("scale", scale, positive=True), checks.flag("transposed", transposed)
    if not math.isfinite(255 / scale):
        raise ValueError(f"scale: expected a number that 255 can be divided by, got {scale:g}")
    if dataset is not None:
        checks.choice("dataset", dataset, _SETS, {name.removeprefix("emnist-"): name for name in _SETS})
    folder = _folder(source, dataset)
    if folder is None and dataset not in (None, "mnist"):
        raise FileNotFoundError(f"source: expected a folder with the four files of {dataset}, got none")
    train, test = _from_openml() if folder is None else _from_files(folder, dataset)
    if transposed:
        train, test = ((X.reshape(-1, 28, 28).swapaxes(1, 2).reshape(-1, 784), y) for X, y in (train, test))
    X, y = train[0] / scale, train[1]
    fit = len(X) - len(X) // 6
    return Parts(X[:fit], y[:fit], X[fit:], y[fit:], test[0] / scale, test[1])


def _names(dataset: str) -> tuple[str, ...]:
    """The published names of the four files."""
    return _FILES if dataset == "mnist" else tuple(f"{dataset}-{name.replace('t10k', 'test')}" for name in _FILES)


def _find(folder: Path, name: str) -> Path | None:
    names = (name, name.replace("-idx", ".idx"))
    candidates = (folder / (name + end) for name in names for end in ("", ".gz"))
    return next((path for path in candidates if path.is_file()), None)


def _sets_in(folder: Path) -> list[str]:
    """The sets of which at least one file is in a folder."""
    return [dataset for dataset in _SETS if any(_find(folder, name) for name in _names(dataset))]


def _pickle_in(folder: Path) -> Path | None:
    return next((path for end in ("", ".gz") if (path := folder / f"mnist.pkl{end}").is_file()), None)


def default_folder() -> Path | None:
    """The folder that `mnist()` reads files from; None if it would download them."""
    return _folder(None, "mnist")


def _folder(source: str | os.PathLike[str] | None, dataset: str | None) -> Path | None:
    """The folder to read the files from, or None; a default folder may lack all of them."""
    if source is not None:
        folder = Path(paths.path("source", source, "a folder or None"))
        if folder.is_file():
            kind = f" ({PICKLE})" if ".pkl" in folder.suffixes or ".pickle" in folder.suffixes else ""
            raise ValueError(f"source: expected the folder of the four IDX files of MNIST, got a file, {folder}{kind}")
        return folder
    home = os.environ.get("SAMENET_DATA")
    if not home:
        return None
    home = paths.path("SAMENET_DATA", home, "the path of a folder")
    folders = (Path(home), Path(home) / "mnist")
    wanted = _names(dataset or "mnist")
    there = (folder for folder in folders if any(_find(folder, name) for name in wanted))
    return next(there, None) or next((folder for folder in folders if dataset is None and _pickle_in(folder)), None)


Pair = tuple[NDArray[Any], NDArray[np.int64]]


def _from_files(folder: Path, dataset: str | None) -> tuple[Pair, Pair]:
    """Images and labels of the training files and of the test files."""
    if dataset is None:
        there = _sets_in(folder)
        if "mnist" not in there and len(there) > 1:
            raise ValueError(f"dataset: expected one of {', '.join(there)}, which are all in {folder}, got None")
        dataset = next(iter(there), "mnist")
    found = {name: _find(folder, name) for name in _names(dataset)}
    missing = ", ".join(name for name, path in found.items() if path is None)
    if missing:
        pickled = _pickle_in(folder)
        beside = f"; {pickled.name} is {PICKLE}" if pickled else ""
        title = "MNIST" if dataset == "mnist" else dataset
        raise FileNotFoundError(
            f"source: expected the four files of {title} in {folder}, got no file named {missing}{beside}"
        )
    files = [path for path in found.values() if path]
    pairs = []
    for images_path, labels_path in (files[:2], files[2:]):
        images, labels = read_idx(images_path), read_idx(labels_path)
        if images.dtype != np.uint8 or images.shape[1:] != (28, 28):
            raise ValueError(f"{images_path}: expected uint8 of shape (m, 28, 28), got {images.dtype} {images.shape}")
        if labels.dtype != np.uint8 or labels.shape != images.shape[:1]:
            raise ValueError(
                f"{labels_path}: expected uint8 of shape ({len(images)},) to go with {images_path.name}, "
                f"got {labels.dtype} {labels.shape}"
            )
        if labels.max(initial=0) > _SETS[dataset]:
            kind = "digits" if _SETS[dataset] == 9 else "labels"
            raise ValueError(f"{labels_path}: expected {kind} from 0 to {_SETS[dataset]}, got {labels.max()}")
        pairs.append((images.reshape(len(images), 784), labels.astype(np.int64)))
    return pairs[0], pairs[1]


def _from_openml() -> tuple[Pair, Pair]:
    """As `_from_files`, from scikit-learn's cache or by download; there, the training rows precede the test rows."""
    try:  # this parser does not need pandas
        found = scikit_learn().datasets.fetch_openml("mnist_784", version=1, as_frame=False, parser="liac-arff")
    except OSError as error:
        raise OSError(
            f"MNIST could not be downloaded ({error}); put its four files into a folder, and give that as source or "
            "in the environment variable SAMENET_DATA"
        ) from error
    X, y = np.asarray(found.data, np.float64), np.asarray(found.target).astype(np.int64)  # the labels are text
    if X.shape != (70000, 784) or y.shape != (70000,):
        raise ValueError(
            f"mnist_784: expected shapes (70000, 784) and (70000,) from OpenML, got {X.shape} and {y.shape}"
        )
    return (X[:60000], y[:60000]), (X[60000:], y[60000:])
