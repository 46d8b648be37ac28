"""`samenet demo`."""

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from samenet.cli import replacing, values


def _page(text: str) -> Path:
    if not text.lower().endswith((".html", ".htm")):
        raise values.expected("a name that ends in .html", text)
    return values.writable(text)


def demo(
    output: Annotated[
        Path | None,
        typer.Option(parser=_page, metavar="FILE", help="The file to write.  [default: ./samenet-demo.html]"),
    ] = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open the page in a browser.")] = False,
    force: replacing.Force = False,
) -> int:
    """Write a web page to play with, and open it.

    Draw a digit and watch a network read it; change a weight; watch small networks learn. The network is trained first,
    which takes seconds: on MNIST if SAMENET_DATA names a folder with its files, else on scikit-learn's digits. The page
    is one file, and works offline.
    """
    path = output or _page("samenet-demo.html")
    replacing.check_new("--output", path, force)
    from rich.console import Console

    from samenet.export.demo import page, training
    from samenet.output.formats import digits

    try:
        with Console(stderr=True).status("training"):
            reader = training.trained()
    except ValueError as error:  # damaged files
        raise OSError(str(error)) from error
    page.write(reader, path)
    share = digits(100 * reader.right / len(reader.y))
    print(
        f"trained on {reader.learned_from}: {reader.right} of {len(reader.y)} test digits classified correctly, "
        f"{share} %"
    )
    print(f"{path}: {path.stat().st_size} bytes")
    if not no_open and not webbrowser.open(path.resolve().as_uri()):
        print("there is no browser to open it with")
    return 0
