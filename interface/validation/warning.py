"""Warnings, attributed to the user's own line."""

import sys
import warnings

_BETWEEN = "samenet", "functools"  # packages whose lines are not the user's


def warn(text: str, category: type[Warning]) -> None:
    """Warn, attributed to the line outside samenet that led here, through a property too."""
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _BETWEEN:
        frame, level = frame.f_back, level + 1
    warnings.warn(text, category, stacklevel=level)
