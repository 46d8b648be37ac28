"""`samenet check`: the suite on a backend, for the command line."""

from collections.abc import Sequence

from rich.console import Console

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
    as_json: bool = False,
) -> int:
    """Check a backend, a file or a name, and print the report, or as JSON; returns the status, 1 if anything failed.

    Raises ValueError for a backend or a part that does not exist.
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
    if as_json:
        print(report.to_json())
        return 0 if report.ok else 1
    console.print(str(report), markup=False)
    if report.failed and shrinks and not shrink.is_installed():
        console.print("Smaller networks are shown with Hypothesis: pip install 'samenet[testing]'", style="dim")
    return 0 if report.ok else 1
