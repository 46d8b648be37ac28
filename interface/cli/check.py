"""`samenet check`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from samenet.backends import backends, known_backends
from samenet.cli import values

_NAMES = ", ".join(known_backends())
_NETWORKS = (".npz", ".safetensors")


def check(
    what: Annotated[
        str,
        typer.Argument(
            metavar="MODEL|BACKEND",
            help="A network, .npz or .safetensors; or a backend: its name, a Python file, or a module.",
        ),
    ],
    names: Annotated[
        list[Any] | None,
        typer.Option(
            "--backend",
            parser=values.backend,
            metavar="NAME",
            help=f"For a network: {_NAMES}; may be repeated.  [default: {', '.join(backends())}]",
        ),
    ] = None,
    parts: Annotated[
        list[str] | None,
        typer.Option(metavar="PART", help="For a backend: only these parts, such as feed_forward.  [default: all]"),
    ] = None,
    level: Annotated[
        str | None, typer.Option(metavar="standard|thorough", help="For a backend.  [default: standard]")
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(
            parser=values.above_0, metavar="S", help="For a backend: seconds for a call.  [default: 60 for a file]"
        ),
    ] = None,
    no_shrink: Annotated[
        bool, typer.Option("--no-shrink", help="For a backend: do not look for the smallest network that fails.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON and nothing else.")] = False,
) -> int:
    """Check a saved network, or a backend of your own.

    A network: on random samples, the outputs and the gradient of every backend are compared with the reference's,
    within a derived bound. Unless the network is large, the gradient is also compared with differences of the cost, for
    each parameter.

    A backend: it is run and tested against the reference on the whole contract, from feed_forward on. A failure is
    shown on the smallest network that has it, with the most likely mistake. --parts takes one value or several.

    Exits with 1 if a check fails.
    """
    of_backends = {"--parts": parts or None, "--level": level, "--time-limit": time_limit, "--no-shrink": no_shrink}
    if what.lower().endswith(_NETWORKS):
        if given := values.given(of_backends):
            raise values.refusal(f"{given}: only for a backend, and {values.shown(what)} is a network")
        from samenet.cli import check_network

        return check_network.run(Path(what), names, json)
    if names:
        raise values.refusal(f"--backend: only for a network, and {values.shown(what)} is a backend")
    from samenet.testing import command

    settings: dict[str, Any] = {
        "level": level or "standard",
        "parts": parts or None,
        "time_limit": time_limit,
        "as_json": json,
    }
    try:
        return command.check(what, shrinks=not no_shrink, **settings)
    except ValueError as error:
        text = str(error)
        raise values.refusal(text if text.startswith("backend: ") else f"--{text}") from None
