"""matplotlib figures as files; `pip install "samenet[plot]"` installs matplotlib."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from samenet.output import files

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def load_matplotlib() -> Any:
    """matplotlib, or an ImportError that says how to install it."""
    try:
        import matplotlib.figure
    except ImportError as error:
        raise ImportError('pictures need matplotlib; install it with: pip install "samenet[plot]"') from error
    return matplotlib


def save(figure: "Figure", path: Path, dpi: float | str = "figure") -> None:
    """Write a figure as png, svg or pdf, by the file's suffix; the same figure gives the same svg."""
    with load_matplotlib().rc_context({"svg.hashsalt": "samenet"}):  # without changing the user's settings
        files.write(path, lambda temporary: figure.savefig(temporary, dpi=dpi))
