"""`samenet export`: a saved network as a program of its own."""

import argparse
from pathlib import Path

from samenet.export import to_c, to_js, to_onnx
from samenet.storage.reading import read

SUFFIXES = {"c": ".h", "onnx": ".onnx", "js": ".mjs"}


def run(options: argparse.Namespace) -> int:
    """Export, and print what was written and how far it may be off; raises ValueError for what cannot be exported."""
    model = read(options.network, 1 << 31)
    path = options.output or Path(options.network.stem + SUFFIXES[options.to])
    if options.to == "c":
        errors = to_c(model, path, name=options.name, dtype=options.dtype, within=options.within)
    else:
        errors = {"onnx": to_onnx, "js": to_js}[options.to](model, path, within=options.within)
    print(f"{path}: {'-'.join(map(str, model.sizes))}, {path.stat().st_size} bytes\n{errors}")
    return 0
