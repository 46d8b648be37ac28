"""`samenet check`: the suite on a backend, for the command line."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from samenet.output import files
from samenet.output.console import console as standard_output
from samenet.testing import shrink
from samenet.testing.suite import check_backend


def check(
    backend: str,
    *,
    level: str = "standard",
    parts: Sequence[str] | None = None,
    time_limit: float | None = None,
    shrinks: bool = True,
    json_file: Path | None = None,
) -> int:
    """Check a backend, a file or a name, and print the report; returns the exit status, 1 if anything failed.

    Raises ValueError for a backend or a part that is not there.
    """
    console = standard_output()
    with Console(stderr=True).status("loading") as status:
        report = check_backend(
            backend,
            level=level,
            parts=parts,
            time_limit=time_limit,
            shrink=shrinks,
            progress=lambda name: status.update(name),
        )
    console.print(str(report), markup=False)
    if report.failed and shrinks and not shrink.is_installed():
        console.print("Smaller networks are shown with Hypothesis: pip install 'samenet[testing]'", style="dim")
    if json_file is not None:
        files.write_text(json_file, report.to_json() + "\n")
    return 0 if report.ok else 1
