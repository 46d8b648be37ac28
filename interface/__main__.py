"""The command line: `samenet compare`, or `python -m samenet compare`."""

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path

from samenet import __version__, backends
from samenet.backends import missing
from samenet.compare import environment
from samenet.output import files
from samenet.testing import arguments


def _shown(text: str) -> str:
    """An argument as messages show it: its repr, cut to one short line."""
    shown = repr(text)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _whole(text: str) -> int:
    """A whole number; -1 for any other text, and for more digits than Python reads."""
    return int(text) if text.isdecimal() and len(text) <= 1000 else -1


def _layers(text: str) -> list[int]:
    sizes = list(map(_whole, text.split("-")))
    if len(sizes) < 2 or min(sizes) < 1:
        raise argparse.ArgumentTypeError(f"expected layer sizes such as 784-30-10, got {_shown(text)}")
    return sizes


def _positive(text: str) -> int:
    if _whole(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {_shown(text)}")
    return int(text)


def _count(text: str) -> int:
    if _whole(text) < 0:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 0, got {_shown(text)}")
    return int(text)


def _seed(text: str) -> int:
    if not 0 <= _whole(text) < 2**32:
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 to {2**32 - 1}, got {_shown(text)}")
    return int(text)


def _backend(text: str) -> str:
    if text not in backends():
        from samenet.validation.names import nearest

        near = nearest(text, backends())
        hint = f"; did you mean {near!r}?" if near else ""
        known = ", ".join(map(repr, backends()))
        raise argparse.ArgumentTypeError(f"invalid choice: {_shown(text)} (choose from {known}){hint}")
    return text


def _folder(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:  # the home folder of an unknown user
        raise argparse.ArgumentTypeError(f"expected a folder, got {_shown(text)}: {error}") from None


def _file(text: str) -> Path:
    """A file that can be written, checked before anything takes time."""
    try:
        path = Path(text).expanduser()
        files.check_writable(path)
    except (OSError, RuntimeError, ValueError) as error:  # an unknown home folder, a character that no name may have
        why = getattr(error, "strerror", None) or error
        raise argparse.ArgumentTypeError(f"expected a file that can be written, got {_shown(text)}: {why}") from None
    return path


def _within(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {_shown(text)}")
    return number


def _plot_file(text: str) -> Path:
    if not text.lower().endswith((".png", ".svg", ".pdf")):
        raise argparse.ArgumentTypeError(f"expected a name that ends in .png, .svg or .pdf, got {_shown(text)}")
    return _file(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="samenet", description="One small neural network, three backends.")
    parser.add_argument("--version", action="version", version=f"samenet {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    compare = commands.add_parser(
        "compare",
        help="check every backend against the reference, then time them side by side",
        description="Check every backend against the reference, then time them side by side: the three networks of "
        "the tutorial, one gradient, and training on the digits. Exits with 1 if a check fails.",
    )
    compare.add_argument(
        "--sizes", type=_layers, nargs="+", metavar="N-N", help="these networks instead, such as 784-30-10; no digits"
    )
    compare.add_argument(
        "--batch", type=_positive, nargs="+", metavar="M", help="with --sizes: batch sizes; default: 1"
    )
    compare.add_argument("--backends", nargs="+", type=_backend, metavar="NAME", help=", ".join(backends()))
    compare.add_argument("--threads", type=_positive, metavar="N", help="for NumPy's BLAS; default: 1")
    compare.add_argument("--epochs", type=_count, metavar="N", help="of the full training on the digits; default: 3000")
    compare.add_argument("--json", type=_file, metavar="FILE", help="write all measurements")
    compare.add_argument("--plot", type=_plot_file, metavar="FILE", help="draw a bar chart (png, svg or pdf)")
    examples = commands.add_parser("examples", help="run the tutorials' experiments; without a name, list them")
    examples.add_argument("name", nargs="?", help="which one to run")
    examples.add_argument(
        "--backend",
        type=_backend,
        metavar="NAME",
        help=f"{', '.join(backends())}; default: numba, if it can be imported",
    )
    examples.add_argument("--quick", action="store_true", help="a short run, to see that it works")
    examples.add_argument("--seed", type=_seed, metavar="N", help="seed of the random numbers; default: the tutorial's")
    examples.add_argument(
        "--rounding", action="store_true", help="run it twice, and show which numbers depend on how sums are rounded"
    )
    examples.add_argument(
        "--json", action="store_true", help="print the numbers, or the list, as JSON and nothing else"
    )
    examples.add_argument("--plot", type=_plot_file, metavar="FILE", help="draw the example's figure (png, svg or pdf)")
    examples.add_argument(
        "--gallery", type=_folder, metavar="FOLDER", help="run all, and write their tables and figures there"
    )
    export = commands.add_parser(
        "export",
        help="a saved network as a C header, an ONNX model or a JavaScript module",
        description="Write a network that net.save saved as a program of its own, and say how far its outputs may be "
        "from the exact ones.",
    )
    export.add_argument("network", type=Path, metavar="FILE", help="the network, .npz or .safetensors")
    export.add_argument("--to", choices=("c", "onnx", "js"), required=True, help="what to write")
    export.add_argument(
        "--output", type=_file, metavar="FILE", help="default: FILE's name with .h, .onnx or .mjs, here"
    )
    export.add_argument("--name", metavar="NAME", help="with c: the prefix of its names; default: from the file's name")
    export.add_argument(
        "--dtype", choices=("float64", "float32"), help="with c: double or float; default: the network's"
    )
    export.add_argument(
        "--within",
        type=_within,
        default=1.0,
        metavar="R",
        help="inputs are from -R to R in the error bound; default: 1",
    )
    arguments.add(commands, _within, _file)
    return parser


def _chosen(name: str | None) -> str:
    """The chosen backend, or the fastest that can be imported."""
    if name is not None:
        return name
    left_out = missing(["numba"])
    backend = "numpy" if left_out else "numba"
    for reason in left_out.values():
        print(f"samenet: {reason}; this is {backend}", file=sys.stderr)
    return backend


def _examples(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    from rich.console import Console

    from samenet import examples
    from samenet.output import figures
    from samenet.output.console import console as standard_output

    console = standard_output()
    known = examples.examples()
    if options.gallery is not None:
        alone = ("name", "--json", "--plot", "--seed", "--rounding")
        if given := _given(options, *alone):
            parser.error(f"{given}: --gallery runs every example with its own seed, and goes with --backend, --quick")
        from samenet.examples import gallery

        gallery.write(options.gallery, _chosen(options.backend), options.quick)
        return 0
    if options.name is None:
        if given := _given(options, "--backend", "--quick", "--seed", "--plot", "--rounding"):
            parser.error(f"{given} goes with the name of an example")
        if options.json:
            print(json.dumps([example.about() for example in known.values()], indent=1))
        for example in [] if options.json else known.values():
            console.print(f"[bold]{example.name:{max(map(len, known))}}[/]  {example.shows}")
        return 0
    try:
        example = examples.find(options.name)
    except ValueError as error:
        parser.error(str(error))
    if options.plot:
        figures.load_matplotlib()  # so that a missing one is reported before the wait
        if not example.has_figure:
            parser.error(f"--plot: {example.name} has no figure")
    backend, seed = _chosen(options.backend), example.seed if options.seed is None else options.seed
    with Console(stderr=True).status(example.name):
        report = example.run(backend, options.quick, seed)
        if options.rounding:
            report.beside(example.run(backend, options.quick, seed, moved=True))
    if options.plot:
        example.draw(report, options.plot)
    if options.json:
        about = example.about() | {"backend": backend, "quick": options.quick, "seed": seed}
        print(json.dumps(about | report.as_json(), indent=1, allow_nan=False))
    else:
        console.print(example.shows, markup=False)
        report.print(console)
    return 0


def _export(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    from samenet.export import command

    if options.to != "c" and (given := _given(options, "--name", "--dtype")):
        parser.error(f"{given} goes with --to c")
    try:
        return command.run(options)
    except ValueError as error:
        parser.error(str(error))


def _given(options: argparse.Namespace, *names: str) -> str:
    """The options among these that were given, for an error message."""
    values = {name: getattr(options, name.removeprefix("--")) for name in names}
    return ", ".join(name for name, value in values.items() if value is not None and value is not False)


def _check_compare(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Reject options that do not go together."""
    if options.batch and not options.sizes:
        parser.error("--batch goes with --sizes")
    if options.sizes and options.epochs is not None:
        parser.error("--epochs is of the training on the digits, which --sizes leaves out")
    if options.threads is not None and options.backends and "numpy" not in options.backends:
        parser.error("--threads is for NumPy's BLAS, and numpy is not among the --backends")
    if options.json and options.plot and options.json.resolve() == options.plot.resolve():
        parser.error("--json and --plot: expected two files, got the same one")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    parser = _parser()
    options = parser.parse_args(argv)
    if options.command == "compare":
        _check_compare(parser, options)
    # Before anything imports NumPy. With one thread, the examples' sums do not depend on the number of cores.
    environment.set_threads((options.threads or 1) if options.command == "compare" else 1)
    try:
        if options.command == "examples":
            return _examples(parser, options)
        if options.command == "export":
            return _export(parser, options)
        if options.command in ("check", "exercises"):
            return arguments.run(parser, options)
        from samenet.compare import command as compare

        return compare.run(
            sizes=options.sizes,
            batches=options.batch or [1],
            names=options.backends or list(backends()),
            epochs=3000 if options.epochs is None else options.epochs,
            json_file=options.json,
            plot_file=options.plot,
        )
    except (ImportError, OSError, MemoryError) as error:  # no matplotlib for a figure, no data file, no memory
        print(f"samenet: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
