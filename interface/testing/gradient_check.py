"""Gradient checking: backpropagation against numeric slopes of the cost.

    from samenet import check_gradient
    print(check_gradient(net, X, Y))

The numeric slope of a parameter t is the central difference (J(t + s) - J(t - s)) / 2s, with a truncation error of
about s^2/6 J''' and the rounding error of J divided by s.
Source: tutorial 003 (docs/sources.md), "numerical gradient checking".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samenet.model.functions import REDUCTIONS, Reduction
from samenet.model.parameters import Parameters
from samenet.testing.differences import Estimate, Slopes
from samenet.testing.probe import Answers, probe
from samenet.validation import arrays, checks
from samenet.validation.overflow import norm

Array = NDArray[Any]

_RELATIVE = 1e-5  # the largest |g - n| / (|g| + |n|) accepted; truncation at the default step leaves far less
_LOST = 3e-4  # if the relative error of a slope is larger, other steps are tried


@dataclass(frozen=True)
class Entry:
    """One entry of the gradient: `str(entry)` begins with its name as a Python expression, such as weights[0][2, 1].

    layer, kind, index   its position: net.weights[layer][index] for kind "weight", net.biases[layer][index] for "bias",
                         net.gammas[layer][index] for "gamma"
    analytic, numeric    its gradient by backpropagation, and by differences of the cost
    relative_error       |g - n| / (|g| + |n|)
    ok                   whether the two agree
    kink                 whether a kink of the cost lies within the step
    """

    layer: int
    kind: str
    index: tuple[int, ...]
    analytic: float
    numeric: float
    relative_error: float
    ok: bool
    kink: bool

    def __str__(self) -> str:
        name = f"{_name(self.kind, self.layer)}[{', '.join(map(str, self.index))}]"
        note = ("" if self.ok else "  WRONG") + ("  (kink)" if self.kink else "")
        return f"{name:20}  {self.analytic:13.6g}  {self.numeric:13.6g}  {self.relative_error:9.1e}{note}"


class GradientCheck:
    """The result of `check_gradient`; `print` it for a table.

    ok               whether every entry agrees, and the comparison proves something
    relative_error   ||g - n|| / ||g + n||, with g the gradient by backpropagation and n the numeric one
    analytic         g, as `Parameters`: `.weights`, `.biases`, `.flat`; numeric is n
    allowed          the allowed difference of each entry, likewise
    wrong            which entries disagree: `Parameters` of True and False
    kinks            likewise, the entries with a kink of the cost within the step, where the difference is not a slope
    worst            the `Entry` that disagrees most, relative to the allowed difference
    nothing          whether every entry is lost in rounding, so that nothing is proved; False if `zero`
    zero             whether every entry is zero at a point where the cost does change on both sides, as at a minimum
    """

    def __init__(
        self, analytic: Parameters, numeric: Parameters, errors: Array, kinks: Array, heading: str, zero: bool = False
    ) -> None:
        self.analytic, self.numeric, self.heading, self.zero = analytic, numeric, heading, zero
        g, n = analytic.flat, numeric.flat
        self.relative_error = 0.0 if zero else _relative_error(g, n)
        self.nothing = not zero and _is_lost(g, n, errors)
        allowed = _RELATIVE * (abs(g) + abs(n)) + errors
        self.allowed = analytic.like(allowed)
        self.wrong = analytic.like(~(abs(g - n) <= allowed))  # a NaN is wrong
        self.kinks = analytic.like(kinks)
        self.ok = not self.wrong.flat.any() and not self.nothing
        with np.errstate(divide="ignore", invalid="ignore"):
            excess = np.where(g == n, 0.0, np.nan_to_num(abs(g - n) / allowed, nan=np.inf))
        self._order = np.argsort(-excess, kind="stable")

    @property
    def worst(self) -> Entry:
        """The entry that disagrees most."""
        return self.entries(1)[0]

    def entries(self, count: int) -> list[Entry]:
        """The entries that disagree most, the worst first."""
        return [self._entry(int(i)) for i in self._order[: checks.integer("count", count, least=1)]]

    def _entry(self, i: int) -> Entry:
        places = self.analytic.like(np.arange(self.analytic.flat.size))
        kind, layer, at = next((k, l, np.argwhere(v == i)[0]) for k, l, v in _arrays(places) if i in v)
        g, n = float(self.analytic.flat[i]), float(self.numeric.flat[i])
        error = _relative_error(np.array([g]), np.array([n]))
        good, kink = not self.wrong.flat[i], bool(self.kinks.flat[i])
        return Entry(layer, kind, tuple(int(k) for k in at), g, n, error, good, kink)

    def __repr__(self) -> str:
        verdict = "ok" if self.ok else "nothing to compare" if self.nothing else "wrong"
        return f"GradientCheck({verdict}, relative error {self.relative_error:.1e})"

    def __str__(self) -> str:
        lines = [self.heading]
        parts = zip(*map(_arrays, (self.analytic, self.numeric, self.wrong)), strict=True)
        for (kind, layer, g), (_, _, n), (_, _, wrong) in parts:
            note = "ok" if self.zero or g.any() else "all zero: proves nothing"
            if wrong.any():
                note = f"WRONG: {wrong.sum()} of {wrong.size} entries{_guess(g, n)}"
            error = 0.0 if self.zero else _relative_error(g, n)
            lines.append(f"{_name(kind, layer):12}{g.shape!s:12}relative error {error:7.1e}  {note}")
        lines.append(f"{'worst entries':20}  {'analytic':>13}  {'numeric':>13}  rel. error")
        lines.extend(map(str, self.entries(3)))
        if self.kinks.flat.any():
            lines.append(f"{self.kinks.flat.sum()} entries at a kink: a kink lies within the step")
        wrong_ones = int(self.wrong.flat.sum())
        verdict = f"OK: all {self.wrong.flat.size} entries {'are zero, as their differences' if self.zero else 'agree'}"
        if wrong_ones:
            verdict = f"WRONG: {wrong_ones} of {self.wrong.flat.size} entries disagree"
        elif self.nothing:
            verdict = "NOTHING COMPARED: every gradient is zero or lost in rounding; try other weights or data"
        lines.append(f"{verdict}; relative error {self.relative_error:.1e}")
        return "\n".join(lines)


def check_gradient(
    net: Answers, X: ArrayLike, Y: ArrayLike, *, step: float = 1e-5, reduction: Reduction = "mean"
) -> GradientCheck:
    """Compare `net.gradient` with central differences of `net.cost`, for every weight and bias.

    X, Y: as for `net.gradient`. step: s. The cost is computed twice for each parameter.
    An entry agrees if |g - n| <= 1e-5 (|g| + |n|) + the rounding error of n. If it does not, or is lost in that
    rounding error, other steps are tried, and the one with the smallest error counts.

    If a kink lies within the step, such as that of relu at z = 0 or of l1 at a weight of 0, the difference is not a
    slope. A kink of relu is recognised by a node that is on at one end of the step and off at the other. The slope of
    such a sample is computed by the chain rule instead; exactly at a kink, any slope between those of the two sides is
    accepted. Such entries are marked as kinks. If a subclass overrides the cost, an entry is also marked as a kink if
    the slopes to the left and to the right stay apart for all steps, however small; again, any slope between the two is
    accepted.

    The network is never changed; a float32 network is checked in float64. Returns a `GradientCheck`. Raises ValueError
    or TypeError, naming the argument.
    """
    trial = probe(net)
    step = checks.number("step", step, positive=True, least=1e-100)
    checks.choice("reduction", reduction, REDUCTIONS)
    X, Y = arrays.labelled(X, Y, net.model.sizes[0], net.model.sizes[-1], trial.dtype)
    _, slope = trial.gradient(X, Y, reduction=reduction)
    analytic, numeric = trial.model.theta.empty_like(), trial.model.theta.empty_like()
    if slope.flat.shape != analytic.flat.shape:
        raise ValueError(f"net: expected a gradient of shape {analytic.flat.shape}, got {slope.flat.shape}")
    analytic.flat[:] = slope.flat
    errors, kinks = np.empty(slope.flat.size), np.zeros(slope.flat.size, bool)
    with np.errstate(all="ignore"):  # non-finite numbers are reported as wrong
        slopes = Slopes(trial, X, Y, reduction)
        may_cross = slopes.kinks.may_cross(step)
        for i, g in enumerate(analytic.flat.tolist()):
            n, errors[i], radius, kinks[i] = _numeric(slopes, i, g, step, may_cross[i])
            numeric.flat[i] = np.clip(g, n - radius, n + radius) if radius > 0 else n  # at a kink, any slope between
        zero = not analytic.flat.any() and _is_lost(analytic.flat, numeric.flat, errors)
        zero = zero and not all(map(slopes.is_level, range(errors.size)))
    heading = (
        f"gradient check of {errors.size} parameters: backpropagation against differences, step {step:g}, {reduction}"
    )
    return GradientCheck(analytic, numeric, errors, kinks, heading, zero)


def _numeric(slopes: Slopes, i: int, g: float, step: float, may_cross: bool) -> Estimate:
    """The numeric slope with which one entry is compared."""
    first = slopes.sides(i, step) if may_cross else slopes.plain(i, step)
    found = Estimate(first.slope, first.error, first.radius, first.kink)
    if (_agree(g, found) and found.error <= _LOST * (abs(g) + abs(found.slope))) or not np.isfinite(g + slopes.J):
        return found
    best = slopes.best(i, step)
    if best.error < found.error or not _agree(g, found):
        found = best
    if not _agree(g, found):
        found = slopes.corner(i) or found
    return found._replace(kink=found.kink or first.kink)


def _is_lost(g: Array, n: Array, errors: Array) -> bool:
    """Whether no slope is larger than its rounding error; False for NaN."""
    return bool((np.maximum(abs(g), abs(n)) <= errors).all())


def _agree(g: float, found: Estimate) -> bool:
    """Whether an entry of the gradient is close enough to a numeric slope."""
    return abs(g - found.slope) <= _RELATIVE * (abs(g) + abs(found.slope)) + found.error + found.radius


def _arrays(theta: Parameters) -> Iterator[tuple[str, int, Array]]:
    """(kind, layer, values) for every matrix and vector, layer by layer."""
    for layer, W in enumerate(theta.weights):
        yield "weight", layer, W
        if theta.bias:
            yield "bias", layer, theta.biases[layer]
        if theta.normalized and theta.normalized[layer]:
            yield "gamma", layer, theta.gammas[layer]


_NAMES = {"weight": "weights", "bias": "biases", "gamma": "gammas"}


def _name(kind: str, layer: int) -> str:
    return f"{_NAMES[kind]}[{layer}]"


def _relative_error(g: Array, n: Array) -> float:
    """||g - n|| / ||g + n||; 0 if g equals n, even for zeros, and infinity if g = -n."""
    if (g == n).all():
        return 0.0
    with np.errstate(all="ignore"):
        return float(norm(g - n) / norm(g + n))


def _guess(g: Array, n: Array) -> str:
    """What may be wrong with a whole matrix: it is transposed, or off by a factor."""
    if g.size < 2 or not n.any():
        return ""
    if g.ndim == 2 and 1 not in g.shape and _relative_error(g.ravel(), n.T.ravel()) < 1e-4:
        return "; looks transposed"
    factor = np.vdot(g, n) / np.vdot(n, n)
    if factor and _relative_error(g, factor * n) < 1e-4:
        return f"; looks like {factor:.4g} times the right one"
    return "" if g.any() else "; all zero where they should not be"
