"""The treatment of existing files, the same in every command."""

from pathlib import Path
from typing import Annotated, Any

import typer

from samenet.cli import values

Force = Annotated[bool, typer.Option("--force", help="Replace files that exist.")]


def check_new(option: str, path: Path, force: bool, *others: Any) -> None:
    """Refuse to replace a file without --force, or any of the others, which are read."""
    if any(Path(str(other)).exists() and path.resolve() == Path(str(other)).resolve() for other in others):
        raise values.refusal(f"{option}: expected a file other than those being read, got {values.shown(str(path))}")
    if path.exists() and not force:
        raise values.refusal(f"{option}: {values.shown(str(path))} exists; --force replaces it")
