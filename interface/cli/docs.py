"""`samenet docs`."""

from typing import Annotated

import typer

from samenet.cli import values


def docs(
    page: Annotated[
        str | None,
        typer.Argument(metavar="PAGE", help="The page to read, such as learn/node.  [default: list all pages]"),
    ] = None,
) -> int:
    """Read the documentation in the terminal."""
    from samenet.output import manual

    try:
        return manual.show(page)
    except ValueError as error:
        raise values.refusal(str(error)) from None
