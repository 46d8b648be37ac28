"""Plots of the error over one or two parameters, and the path of a descent on it."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import RegularGridInterpolator

from samenet.study.downhill import Path
from samenet.study.error_surface import Surface
from samenet.study.plot.style import COLOURS, canvas, check_axes
from samenet.validation import arrays, checks


def error_surface(surface: Surface, path: Path | ArrayLike | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw a result of `samenet.error_surface`: a curve over one parameter, contours over two; returns the axes.

    path  the points of a descent, (k,) or (k, 1) over one parameter, (k, 2) over two, or a result of
          `samenet.downhill`: drawn as a line with a dot for each point, from a circle to a cross
    ax    on axes with projection="3d", a surface is drawn instead of contours

    A star marks the lowest point. Numbers that are not finite are left out.
    """
    check_axes(ax)
    if not isinstance(surface, Surface):
        kind = type(surface).__name__
        raise TypeError(f"surface: expected what samenet.error_surface returns, got {checks.short(surface)} ({kind})")
    n = len(surface.grids)
    if n > 2 or min(surface.values.shape) < 2:
        raise ValueError(
            f"surface: expected one or two parameters, of at least two values each, got {surface.values.shape}"
        )
    if any((np.diff(np.sort(grid)) == 0).any() for grid in surface.grids):
        raise ValueError("surface: expected different values of each parameter, got one twice")
    orders = [np.argsort(grid) for grid in surface.grids]
    grids = [grid[order] for grid, order in zip(surface.grids, orders, strict=True)]
    values = surface.values[np.ix_(*orders)]
    values = np.where(np.isfinite(values), values, np.nan)
    if np.isnan(values).all():
        raise ValueError("surface: expected finite values, got none")
    points = None if path is None else _points(path, n)
    made = canvas(ax, 5.6, 4.2)
    axes: Any = made.axes
    names = [f"parameter {place}" for place in surface.places]
    lowest: tuple[float, ...] = (*surface.best,)
    if n == 1:
        axes.plot(grids[0], values, color=COLOURS[0])
        made.label(names[0], "error")
    elif hasattr(axes, "plot_surface"):
        meshes = np.meshgrid(*grids, indexing="ij")
        axes.computed_zorder = False  # so that the path is drawn on top of the surface
        axes.plot_surface(*meshes, values, cmap="cividis", rcount=40, ccount=40)
        made.label(*names)
        axes.set_zlabel("error", fontsize=made.font)
    else:
        filled = axes.contourf(*grids, values.T, levels=15, cmap="cividis")
        axes.contour(*grids, values.T, levels=filled.levels, colors="black", linewidths=0.4, alpha=0.6)
        made.bar(filled, "error")
        made.label(*names)
    in_space = n == 1 or hasattr(axes, "plot_surface")

    def heights(at: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """The coordinates of points on the surface, in as many dimensions as are drawn."""
        on_grid = RegularGridInterpolator(tuple(grids), values, bounds_error=False)
        return (*at.T, on_grid(at)) if in_space else tuple(at.T)

    edge: dict[str, Any] = {"markeredgecolor": "white", "clip_on": hasattr(axes, "plot_surface")}  # not cut at the edge
    if points is not None:
        line = heights(points)
        axes.plot(*line, "-", color="white", linewidth=3)
        axes.plot(*line, ".-", color="black", linewidth=1.2, markersize=6, label="path")
        for k, marker, name in ((0, "o", "start"), (-1, "X", "end")):
            one = [part[k : k + 1] if k == 0 else part[-1:] for part in line]
            axes.plot(*one, marker, color="black", markersize=10, label=name, linestyle="", **edge)
    star = heights(np.array([lowest]))
    axes.plot(*star, "*", color=COLOURS[1], markersize=14, label="lowest", linestyle="", **edge)
    axes.legend(fontsize=made.font, loc="upper right", framealpha=0.85)
    return made.axes


def _points(path: Any, n: int) -> NDArray[np.float64]:
    """The points of a path over n parameters, (k, n)."""
    given = path.points if isinstance(path, Path) else path
    points = arrays.finite("path", arrays.array("path", given, np.dtype(np.float64)))
    if n == 1 and points.ndim == 1:
        points = points.reshape(-1, 1)
    if points.ndim != 2 or points.shape[1] != n or len(points) == 0:
        expected = "(k,) or (k, 1)" if n == 1 else "(k, 2)"
        raise ValueError(f"path: expected points {expected}, k >= 1, got shape {points.shape}")
    return points
