"""`check_gradient` on random networks: no right gradient is reported as wrong, and no wrong one passes.

    python tests/hardening/gradient_check.py [--calls N] [--seed S] [--backend NAME]

Networks of every activation, cost and penalty, with and without biases, in both dtypes; weights from 1e-9 to 30, rows
of zeros, inputs from 1e-3 to 1e3, integers, zeros; steps from 1e-8 to 1e-2. Each right gradient is first compared with
a complex-step derivative: Im J(t + i h) / h is the slope of J, free of cancellation. Prints the seed of each failure;
exit status 1 if there was one.
"""

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import samenet
from samenet.model.functions import ACTIVATIONS, COSTS, MADE_FOR

Array = Any


def problem(seed: int) -> tuple[dict[str, Any], Array, Array, dict[str, Any]]:
    """The arguments of a network, samples, targets, and the arguments of a check."""
    random = np.random.default_rng(seed)
    depth = random.integers(1, 5)
    sizes = [int(n) for n in random.integers(1, 7, depth + 1)]
    if random.random() < 0.05:
        sizes[random.integers(0, depth + 1)] = 40
    cost = str(random.choice(COSTS))
    activation = [str(random.choice(ACTIVATIONS)) for _ in range(depth)]
    if random.random() < 0.4:
        activation = ["relu"] * depth
    activation[-1] = MADE_FOR.get(cost, activation[-1])
    for layer, name in enumerate(activation, 1):
        if name == "softmax":  # one of a single node is refused
            sizes[layer] = max(2, sizes[layer])
    penalties = {name: float(random.choice([0, 0, 1e-3, 0.3])) for name in ("l1", "l2")}
    bias, dtype = bool(random.random() < 0.7), str(random.choice(["float64", "float64", "float32"]))
    size = float(random.choice([1e-9, 1e-3, 0.03, 1, 1, 1, 1, 5, 30]))
    shapes = list(zip(sizes[1:], sizes, strict=False))
    weights = [size * random.normal(0, 1.5 / np.sqrt(n), (k, n)) for k, n in shapes]
    biases = [random.normal(0, size, k) * (random.random() < 0.6) for k, _ in shapes]
    if random.random() < 0.15:  # whole numbers, so that weighted sums come to 0 exactly
        weights, biases = [np.round(2 * W / size) for W in weights], [np.round(b / size) for b in biases]
    if random.random() < 0.2:
        layer = random.integers(0, depth)
        row = random.integers(0, sizes[layer + 1])
        weights[layer][row], biases[layer][row] = 0, 0
    m = int(random.integers(1, 30))
    scale = float(random.choice([1e-3, 1, 1, 1, 1, 30, 1e3]))
    X = scale * random.normal(size=(m, sizes[0]))
    if random.random() < 0.2:
        X = np.round(X)
    if random.random() < 0.05:
        X[:] = 0
    Y = random.random((m, sizes[-1]))
    if random.random() < 0.5:
        Y = np.round(Y)
    net = {"sizes": sizes, "activation": activation, "cost": cost, "bias": bias, "dtype": dtype, "weights": weights}
    net |= penalties | ({"biases": biases} if bias else {})
    step = 1e-5 if random.random() < 0.5 else float(10 ** random.uniform(-8, -2))
    return net, X, Y, {"step": step, "reduction": str(random.choice(["mean", "sum"]))}


def _sigmoid(z: Array) -> Array:
    t = np.exp(np.where(z.real < 0, z, -z))
    return np.where(z.real < 0, t / (1 + t), 1 / (1 + t))


def _tanh(z: Array) -> Array:
    t = np.exp(np.where(z.real < 0, 2 * z, -2 * z))
    return np.where(z.real < 0, -1, 1) * (1 - t) / (1 + t)


def _softmax(z: Array) -> Array:
    e = np.exp(z - z.real.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def _binary_cross_entropy(Y: Array, h: Array, z: Array) -> Array:
    return np.where(z.real > 0, z, 0) - Y * z + np.log(1 + np.exp(np.where(z.real > 0, -z, z)))


def _cross_entropy(Y: Array, h: Array, z: Array) -> Array:
    top = z.real.max(axis=1, keepdims=True)
    return Y * (top + np.log(np.exp(z - top).sum(axis=1, keepdims=True)) - z)


# Of complex numbers; relu, the one with a kink, is in `by_complex_step`.
SMOOTH: dict[str, Callable[[Array], Array]] = {
    **{"sigmoid": _sigmoid, "tanh": _tanh, "identity": lambda z: z, "softmax": _softmax}
}
EACH: dict[str, Callable[[Array, Array, Array], Array]] = {
    "squared_error": lambda Y, h, z: (Y - h) ** 2 / 2,
    "sum_of_squares": lambda Y, h, z: (Y - h) ** 2,
    "binary_cross_entropy": _binary_cross_entropy,
    "cross_entropy": _cross_entropy,
}


def by_complex_step(net: Any, X: Array, Y: Array, reduction: str, on_above: float = 0.0) -> Array:
    """The gradient in complex numbers, from the equations of the cost written out again, without samenet's code.

    on_above: a relu node is on if z is above this, as a share of the terms of the sum z.
    """
    h_step, theta = 1e-30, net.parameters.astype(float)
    result = np.empty(theta.size)

    def cost(flat: Array) -> complex:
        h, start = X.astype(complex), 0
        penalty = 0.0
        for n_in, n_out, name in zip(net.sizes, net.sizes[1:], net.activations, strict=False):
            W = flat[start : start + n_in * n_out].reshape(n_out, n_in)
            start += n_in * n_out
            penalty += net.l1 * (np.sign(W.real) * W).sum() + 0.5 * net.l2 * (W * W).sum()
            z, size = h @ W.T, abs(h.real) @ abs(W.real.T)
            if net.bias:
                b = flat[start : start + n_out]
                z, size, start = z + b, size + abs(b.real), start + n_out
            # h_step^2, to which the real part of a zero may change, is 0.
            kink = on_above * size + (-1e-50 if on_above < 0 else 1e-50)
            h = np.where(z.real > kink, z, 0) if name == "relu" else SMOOTH[name](z)
        return complex(EACH[net.cost_function](Y, h, z).sum() / (len(X) if reduction == "mean" else 1.0) + penalty)

    for i in range(theta.size):
        moved = theta.astype(complex)
        moved[i] += 1j * h_step
        result[i] = cost(moved).imag / h_step
    return result


def mutants(g: Any, net: Any, random: np.random.Generator) -> dict[str, Callable[[Any], None]]:
    """Ways to make a gradient wrong, by name."""
    layer, at = int(random.integers(0, len(g.weights))), int(np.argmax(random.random(g.flat.size) * (g.flat != 0)))

    def entry(factor: float) -> Callable[[Any], None]:
        def change(slope: Any) -> None:
            slope.flat[at] *= factor

        return change

    def transposed(slope: Any) -> None:
        slope.weights[layer][:] = slope.weights[layer].T.copy().reshape(slope.weights[layer].shape)

    def scaled(factor: float) -> Callable[[Any], None]:
        return lambda slope: np.multiply(slope.weights[layer], factor, out=slope.weights[layer])

    def all_scaled(factor: float) -> Callable[[Any], None]:
        return lambda slope: np.multiply(slope.flat, factor, out=slope.flat)

    def shifted(slope: Any) -> None:
        slope.flat[:] = np.roll(slope.flat, 1)

    def no_bias(slope: Any) -> None:
        for b in slope.biases:
            b[:] = 0

    def without(name: str) -> Callable[[Any], None]:
        def change(slope: Any) -> None:
            for W, w in zip(slope.weights, net.weights, strict=True):
                W -= net.l1 * np.sign(w) if name == "l1" else net.l2 * w.astype(float)

        return change

    return {
        "entry 1.01": entry(1.01),
        "entry 0": entry(0.0),
        "entry -1": entry(-1.0),
        "transposed": transposed,
        "layer 2": scaled(2.0),
        "layer 1/2": scaled(0.5),
        "layer -1": scaled(-1.0),
        "layer 0": scaled(0.0),
        "all 2": all_scaled(2.0),
        "all 1/2": all_scaled(0.5),
        "shifted": shifted,
        "no bias": no_bias,
        "no l1": without("l1"),
        "no l2": without("l2"),
    }


def run(seed: int, backend: str) -> tuple[list[str], int, int]:
    """The failures for one seed, the number of mutants tried, and the number of entries at a kink."""
    settings, X, Y, how = problem(seed)
    cls = samenet.backend(backend).Network
    net = cls(**settings)
    failures = []
    _, right = net.gradient(X, Y, reduction=how["reduction"])
    if not np.isfinite(right.flat).all():
        return [], 0, 0
    wide = samenet.backend("numpy").Network(
        **settings
        | {"dtype": "float64", "weights": list(net.weights)}
        | ({"biases": list(net.biases)} if net.bias else {})
    )
    J, right = wide.gradient(X, Y, reduction=how["reduction"])
    exact = by_complex_step(wide, X, Y, how["reduction"])
    # Once off and once on where rounding decides: an entry for which this makes a difference is at a kink.
    off, on = (by_complex_step(wide, X, Y, how["reduction"], share) for share in (1e-12, -1e-12))
    smooth = abs(on - off) <= 1e-6 * abs(on)
    if wide.l1:
        smooth &= wide.parameters != 0
    sure = abs(exact - right.flat) <= 1e-9 * abs(exact) + 1e-13 * max(1.0, abs(J), np.abs(exact).max())
    if not (sure | ~smooth).all():
        failures.append(f"the gradient itself is {abs(exact - right.flat).max()} off")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = samenet.check_gradient(net, X, Y, **how)
    if report.wrong.flat.any():
        failures.append(f"{report.wrong.flat.sum()} of {report.wrong.flat.size} entries called wrong: {report.worst}")
    tried = 0
    # A wrong entry must be found if its change is not lost in the rounding of the cost over the largest step, and if it
    # is not itself at a kink, where any slope between the two sides is right. Kinks nearby, within the step, are no
    # excuse.
    lost = 1e-11 * (max(1.0, abs(J)) if how["reduction"] == "mean" else len(X) + abs(J))
    for name, change in mutants(right, wide, np.random.default_rng(seed)).items():

        class Changed(cls):  # type: ignore[misc, valid-type]
            def gradient(self, X: Any, Y: Any, *args: Any, **settings: Any) -> Any:
                cost, slope = super().gradient(X, Y, *args, **settings)
                change(slope)  # noqa: B023
                return cost, slope

        wrong = right.empty_like()
        wrong.flat[:] = right.flat
        change(wrong)
        moved = abs(wrong.flat - right.flat)
        seen = (moved > 1e-3 * abs(right.flat)) & (moved > lost) & smooth
        if not seen.any():
            continue
        tried += 1
        found = samenet.check_gradient(Changed(**settings), X, Y, **how)
        missed = seen & ~found.wrong.flat
        if missed.any():
            i = int(np.argmax(missed * moved))
            failures.append(
                f"{name!r} missed in {missed.sum()} of {seen.sum()}: {right.flat[i]:g} as {wrong.flat[i]:g}"
                f" (numeric {found.numeric.flat[i]:g}, {how}, J {J:g})"
            )
    return failures, tried, int(report.kinks.flat.sum())


def main() -> int:
    """Run the seeds and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=1000, help="how many networks, 1000 unless given")
    parser.add_argument("--seed", type=int, default=0, help="of the first network; each next one has the next seed")
    parser.add_argument("--backend", default="numpy", choices=samenet.backends())
    options = parser.parse_args()
    failed = tried = kinked = 0
    begun = time.perf_counter()
    for seed in range(options.seed, options.seed + options.calls):
        failures, mutants, kinks = run(seed, options.backend)
        tried, kinked, failed = tried + mutants, kinked + (kinks > 0), failed + bool(failures)
        for failure in failures:
            print(f"--calls 1 --seed {seed}: {failure}")
    print(
        f"{options.calls} networks, {kinked} of them with kinks within the step, {tried} wrong gradients; "
        f"{failed} networks failed; {time.perf_counter() - begun:.0f} s"
    )
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
