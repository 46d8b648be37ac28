"""`samenet export`: a saved network as a program."""

from pathlib import Path
from typing import Any

from samenet.export import to_c, to_js, to_onnx
from samenet.export.bound import Errors
from samenet.model import Model

SUFFIXES = {"c": ".h", "onnx": ".onnx", "js": ".mjs"}


def run(model: Model, to: str, path: Path, *, name: str | None, dtype: Any, within: float) -> Errors:
    """Export to a file, and return the error bounds; raises ValueError for a model that cannot be exported."""
    if to == "c":
        return to_c(model, path, name=name, dtype=dtype, within=within)
    return {"onnx": to_onnx, "js": to_js}[to](model, path, within=within)
