"""MNIST, 70000 handwritten digits of 28x28 pixels: from its four files, or from OpenML through scikit-learn."""

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet import checks
from samenet.data.idx import read_idx
from samenet.data.library import scikit_learn
from samenet.data.splitting import Parts
from samenet.validation import paths

_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def mnist(source: str | os.PathLike[str] | None = None, *, scale: float = 255.0) -> Parts:
    """The digits in parts of 50000 to train on, 10000 to validate with and 10000 to test with.

    X_train, X_valid, X_test: pixels row by row, (m, 784) float64, grey / scale, so from 0 (paper) to 1 (ink) unless
    said otherwise. y_train, y_valid, y_test: the digits (m,), int64. The last sixth of the training files is the
    validation part.

    source  the folder of the four IDX files, plain or with .gz, under the names they were published with
            ("train-images-idx3-ubyte", ...) or with a dot before "idx". Without it, the folder that the environment
            variable SAMENET_DATA names, or its subfolder "mnist", if the files are there; else scikit-learn's
            `fetch_openml`, which downloads about 15 MB once and keeps them
    scale   what grey values from 0 to 255 are divided by; Nielsen's mnist_loader has 256

    Raises FileNotFoundError that names the files a folder lacks, ValueError that names a file which is not what it
    should be, and OSError if the download fails.
    Source: Y. LeCun, C. Cortes, C. Burges, The MNIST database of handwritten digits; tutorial 001.
    """
    scale = checks.number("scale", scale, positive=True)
    if not math.isfinite(255 / scale):
        raise ValueError(f"scale: expected a number that 255 can be divided by, got {scale:g}")
    folder = _folder(source)
    train, test = _from_openml() if folder is None else _from_files(folder)
    X, y = train[0] / scale, train[1]
    fit = len(X) - len(X) // 6
    return Parts(X[:fit], y[:fit], X[fit:], y[fit:], test[0] / scale, test[1])


def _find(folder: Path, name: str) -> Path | None:
    names = (name, name.replace("-idx", ".idx"))
    candidates = (folder / (name + end) for name in names for end in ("", ".gz"))
    return next((path for path in candidates if path.is_file()), None)


def _folder(source: str | os.PathLike[str] | None) -> Path | None:
    """Where the files are to be read, or None; a folder that nobody asked for by name may do without any of them."""
    if source is not None:
        return Path(paths.path("source", source, "a folder or None"))
    home = os.environ.get("SAMENET_DATA")
    if home:
        paths.path("SAMENET_DATA", home, "the path of a folder")
    folders = (Path(home), Path(home) / "mnist") if home else ()
    return next((folder for folder in folders if any(_find(folder, name) for name in _FILES)), None)


Pair = tuple[NDArray[Any], NDArray[np.int64]]


def _from_files(folder: Path) -> tuple[Pair, Pair]:
    """Images and labels of the training files and of the test files."""
    found = {name: _find(folder, name) for name in _FILES}
    missing = ", ".join(name for name, path in found.items() if path is None)
    if missing:
        raise FileNotFoundError(f"source: expected the four files of MNIST in {folder}, got none of the name {missing}")
    pairs = []
    for kind in ("train", "t10k"):
        images_path, labels_path = (path for name, path in found.items() if path and name.startswith(kind))
        images, labels = read_idx(images_path), read_idx(labels_path)
        if images.dtype != np.uint8 or images.shape[1:] != (28, 28):
            raise ValueError(f"{images_path}: expected uint8 of shape (m, 28, 28), got {images.dtype} {images.shape}")
        if labels.dtype != np.uint8 or labels.shape != images.shape[:1]:
            raise ValueError(
                f"{labels_path}: expected uint8 of shape ({len(images)},) to go with {images_path.name}, "
                f"got {labels.dtype} {labels.shape}"
            )
        if labels.max(initial=0) > 9:
            raise ValueError(f"{labels_path}: expected digits from 0 to 9, got {labels.max()}")
        pairs.append((images.reshape(len(images), 784), labels.astype(np.int64)))
    return pairs[0], pairs[1]


def _from_openml() -> tuple[Pair, Pair]:
    """The same from scikit-learn's cache or by download; there the rows are those of the training files, then test."""
    try:  # the parser that needs no pandas
        found = scikit_learn().datasets.fetch_openml("mnist_784", version=1, as_frame=False, parser="liac-arff")
    except OSError as error:
        raise OSError(
            f"MNIST could not be downloaded ({error}); put its four files into a folder, and give that as source or "
            "in the environment variable SAMENET_DATA"
        ) from error
    X, y = np.asarray(found.data, np.float64), np.asarray(found.target).astype(np.int64)  # the labels come as text
    if X.shape != (70000, 784) or y.shape != (70000,):
        raise ValueError(
            f"mnist_784: expected shapes (70000, 784) and (70000,) from OpenML, got {X.shape} and {y.shape}"
        )
    return (X[:60000], y[:60000]), (X[60000:], y[60000:])
