"""`samenet compare`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from samenet.backends import backends, known_backends
from samenet.cli import replacing, values
from samenet.compare import environment

_NAMES = ", ".join(known_backends())


def compare(
    sizes: Annotated[
        list[Any] | None,
        typer.Option(parser=values.sizes, metavar="N-N", help="Compare these networks instead, such as 784-30-10."),
    ] = None,
    batch: Annotated[
        list[Any] | None,
        typer.Option(parser=values.positive, metavar="M", help="With --sizes: batch sizes.  [default: 1]"),
    ] = None,
    names: Annotated[
        list[Any] | None,
        typer.Option(
            "--backends",
            parser=values.backend,
            metavar="NAME",
            help=f"Among {_NAMES}.  [default: {', '.join(backends())}]",
        ),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(parser=values.positive, metavar="N", help="Threads of NumPy's BLAS.  [default: 1]")
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            parser=values.count, metavar="N", help="Epochs of the full training on the digits.  [default: 3000]"
        ),
    ] = None,
    json: Annotated[
        Path | None, typer.Option(parser=values.writable, metavar="FILE", help="Write all measurements.")
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(parser=values.picture, metavar="FILE", help="Draw a bar chart (png, svg or pdf)."),
    ] = None,
    force: replacing.Force = False,
) -> int:
    """Check every backend against the reference, then time them.

    By default, measures the three networks of the tutorial, one gradient, and training on the digits. Exits with 1 if a
    check fails. --sizes, --batch and --backends take one value or several.
    """
    if batch and not sizes:
        raise values.refusal("--batch needs --sizes")
    if sizes and epochs is not None:
        raise values.refusal("--epochs is for the training on the digits, which --sizes leaves out")
    if threads is not None and names and "numpy" not in names:
        raise values.refusal("--threads is for NumPy's BLAS, and numpy is not among the --backends")
    if json and plot and json.resolve() == plot.resolve():
        raise values.refusal("--json and --plot: expected two files, got the same one")
    if force and not (json or plot):
        raise values.refusal("--force needs --json or --plot")
    for option, file in (("--json", json), ("--plot", plot)):
        if file is not None:
            replacing.check_new(option, file, force)
    environment.set_threads(threads or 1)
    from samenet.compare import command

    return command.run(
        sizes=sizes,
        batches=batch or [1],
        names=names or list(backends()),
        epochs=3000 if epochs is None else epochs,
        json_file=json,
        plot_file=plot,
    )
