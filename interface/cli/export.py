"""`samenet export`."""

import json as as_json
import math
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from samenet.cli import replacing, values


def export(
    network: Annotated[Path, typer.Argument(metavar="FILE", help="The network, .npz or .safetensors.")],
    to: Annotated[
        str,
        typer.Option(
            parser=partial(values.one_of, known=("c", "onnx", "js")), metavar="c|onnx|js", help="What to write."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            parser=values.writable,
            metavar="FILE",
            help="The file to write.  [default: ./ and FILE's name with .h, .onnx or .mjs]",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="With c: the prefix of all names.  [default: from the file's name]"),
    ] = None,
    dtype: Annotated[
        str | None,
        typer.Option(
            parser=partial(values.one_of, known=("float64", "float32")),
            metavar="float64|float32",
            help="With c: double or float.  [default: the network's]",
        ),
    ] = None,
    within: Annotated[
        float | None,
        typer.Option(
            parser=values.above_0, metavar="R", help="The error bound is for inputs from -R to R.  [default: 1]"
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print a description as JSON and nothing else.")] = False,
    force: replacing.Force = False,
) -> int:
    """Write a saved network as C, as ONNX or as JavaScript.

    Writes a C99 header, an ONNX model, or a JavaScript module. It states bounds on how far the program's outputs, and
    the network's own, may be from the exact ones.
    """
    if to != "c" and (given := values.given({"--name": name, "--dtype": dtype})):
        raise values.refusal(f"{given} is only for --to c")
    from samenet.cli.tabular import files
    from samenet.cli.tabular.errors import TableError
    from samenet.export import command

    path = output or values.writable(network.stem + command.SUFFIXES[to])
    replacing.check_new("--output", path, force, network)
    model = files.read(network)[0]
    try:
        errors = command.run(model, to, path, name=name, dtype=dtype, within=1.0 if within is None else within)
    except ValueError as error:
        argument, _, message = str(error).partition(": ")
        if argument == "name":
            raise values.refusal(f"--name: {message}") from None
        place = network.name if argument == "network" else f"{network.name}, {argument}"
        raise TableError(f"{place}: {message}") from None
    if json:
        bound = {key: value if math.isfinite(value) else None for key, value in errors._asdict().items()}
        said = {"file": str(path), "sizes": list(model.sizes), "bytes": path.stat().st_size, "bound": bound}
        print(as_json.dumps(said, indent=1, allow_nan=False))
    else:
        print(f"{path}: {'-'.join(map(str, model.sizes))}, {path.stat().st_size} bytes\n{errors}")
    return 0
