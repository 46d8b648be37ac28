"""The page: one self-contained file."""

import base64
import json
import re
import tempfile
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

import samenet
from samenet import data
from samenet.export import to_js
from samenet.export.demo.training import Reader
from samenet.network import Network
from samenet.output import files

_SCRIPTS = ("prepare.mjs", "descent.mjs", "drawing.mjs", "pad.mjs", "reader.mjs", "learner.mjs")
_STARTS = 5  # starting points of each network that learns on the page


def write(reader: Reader, path: Path) -> None:
    """Write the page."""
    files.write_text(path, page(reader))


def page(reader: Reader) -> str:
    """The page, with the network that reads digits, some digits of its test set, and the networks that learn."""
    about = {
        "learnedFrom": reader.learned_from,
        "right": reader.right,
        "of": len(reader.y),
        "samples": _samples(reader),
        "learners": learners(),
    }
    parts = {
        "version": samenet.__version__,
        "style": _text("page.css"),
        "data": json.dumps(about, allow_nan=False).replace("<", "\\u003c"),
        "script": _network(reader.network) + "\n".join(_bare(_text(name)) for name in _SCRIPTS),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _text("page.html"))


def _text(name: str) -> str:
    return resources.files("samenet.export.demo").joinpath(name).read_text("utf-8")


def _bare(script: str) -> str:
    """A module without imports and exports, to join all in one script: a page opened from a disk cannot import."""
    return re.sub(r"^export ", "", re.sub(r"^import .*\n", "", script, flags=re.M), flags=re.M)


def _network(network: Network) -> str:
    """The exported network as one object with its layers, so that the page can show and change them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digits.mjs"
        to_js(network, path)
        exported = path.read_text("utf-8")
    return f"const network = (() => {{\n{_bare(exported)}return {{ inputs, outputs, layers, predict }};\n}})();\n"


def _samples(reader: Reader) -> list[dict[str, Any]]:
    """For each digit, the first of the test set: its 28x28 grey values, one byte each."""
    found = []
    for digit in range(10):
        k = int(np.flatnonzero(reader.y == digit)[0])
        grey = np.round(255 * reader.X[k]).astype(np.uint8)
        found.append({"digit": digit, "grey": base64.b64encode(grey.tobytes()).decode("ascii")})
    return found


def learners() -> list[dict[str, Any]]:
    """The small networks that learn on the page: their samples, and initial parameters drawn by samenet."""
    scores, xor = data.scores(), data.xor()
    scaled = scores.X / scores.X.max(axis=0), scores.Y / 100
    asked = "hours of sleep and of study, divided by the largest; the score, by 100"
    without = {"sizes": [2, 3, 1], "bias": False, "init": "normal_in_out"}
    return [
        _learner("2-3-1: a test score", asked, scaled, 1.0, without),
        _learner("2-2-1: exclusive or", "y is 1 where one input is 1, but not both", xor, 10.0, {"sizes": [2, 2, 1]}),
    ]


def _learner(name: str, about: str, samples: Any, alpha: float, how: dict[str, Any]) -> dict[str, Any]:
    networks = [samenet.backend("numpy").Network(**({"init": "normal"} | how), seed=seed) for seed in range(_STARTS)]
    starts = [{"W": [W.tolist() for W in n.weights], "b": [b.tolist() for b in n.biases]} for n in networks]
    X, Y = (array.tolist() for array in samples)
    return {"name": name, "about": about, "X": X, "Y": Y, "alpha": alpha, "starts": starts}
