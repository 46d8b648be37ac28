"""The proof can fail: a backend with one line changed does not pass the comparisons of `test_agreement`.

A backend's source is read, one fragment replaced, and the result run as a module of its own: Numba's kernels as plain
Python, so that no mutant is compiled. The unchanged source goes the same way, and must pass.
"""

import importlib
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

import agreement
import numba
import pytest
from agreement import Descent, Rule
from inputs import Case, Functions

import samenet
from samenet.network import Network as Interface

pytestmark = pytest.mark.compiled  # which nothing here is: the second run would be the same again


@dataclass(frozen=True)
class Mutant:
    """What is wrong, and the replacement that makes it so; `old` stands in the sources of the backend exactly once."""

    name: str
    old: str
    new: str

    def __str__(self) -> str:
        return self.name.replace(" ", "_")


MUTANTS = {
    "reference": [
        Mutant("bias dropped", "z += b[i]", "z += 0.0"),
        Mutant("W transposed", "z += W[i][j] *", "z += sum(W, [])[j * len(W) + i] *"),
        Mutant("wrong sign of delta", "[-(y[i] - h[i])", "[(y[i] - h[i])"),
        Mutant("no slope in the output layer", "return backward(h, [-(y[i]", "return list([-(y[i]"),
        Mutant("no slope in a hidden layer", "functions[l - 1].backward(h[l], errors)", "errors"),
        Mutant("slope at another node", "e[i] * slope(h[i])", "e[i] * slope(h[0])"),
        Mutant("cost without 1/2", "total += 0.5 * error", "total += error"),
        Mutant("cost of the last sample alone", "value += sample_gradient", "value = sample_gradient"),
        Mutant("gradient not averaged", "total.weights[l][i][j] /= m", "total.weights[l][i][j] /= 1"),
        Mutant("bias gradient not averaged", "total.biases[l][i] /= m", "total.biases[l][i] /= 1"),
        Mutant("step uphill", "network.weights[l][i][j] += move", "network.weights[l][i][j] -= move"),
        Mutant("biases stay", "network.biases[l][i] += move", "network.biases[l][i] += 0 * move"),
        Mutant("partial batch dropped", "range(0, len(rows), ", "range(0, len(rows) - batch_size + 1, "),
        Mutant("first order for every pass", "else order[visit]", "else order[0]"),
        Mutant("tanh without its slope", "return (1.0 - h) * (1.0 + h)", "return 1.0"),
        Mutant("relu of the wrong sign", "return 0.0 if z <= 0.0 else z", "return z if z <= 0.0 else 0.0"),
        Mutant("relu's slope everywhere", "return 1.0 if h > 0.0 else 0.0", "return 1.0"),
        Mutant("softmax that sums to another number", "power / total for", "power / (total + 1) for"),
        Mutant("softmax node by node", "h[i] * (e[i] - mean)", "h[i] * (1 - h[i]) * e[i]"),
        Mutant("factor of the sum of squares", "-2.0 * (y[i]", "-1.0 * (y[i]"),
        Mutant("binary cross-entropy of the other class", "above - y[i] * z[i]", "above - (1 - y[i]) * z[i]"),
        Mutant("cross-entropy without its sum", "h[i] * total - y[i]", "h[i] - y[i]"),
        Mutant("cross-entropy of z alone", "y[i] * (logarithm - z[i])", "y[i] * (largest - z[i])"),
        Mutant("penalty of twice the size", "0.5 * l2 * w * w", "l2 * w * w"),
        Mutant("no slope of l1", "l1 * sign + l2 * w", "l2 * w"),
        Mutant("velocity that is not kept", "velocity.weights[l][i][j] = v = momentum", "v = momentum"),
        Mutant(
            "Nesterov's step without the gradient",
            "* v + move if nesterov else v\n                network.weights",
            "* v if nesterov else v\n                network.weights",
        ),
        Mutant("clipping above alone", "row[i] = -value", "row[i] = row[i]"),
        Mutant("norm not clipped", "row[i] *= norm / length", "row[i] *= 1"),
        Mutant("dropout forward alone", "errors = through(masks[l - 1], errors)", "pass"),
        Mutant("dropout backward alone", "else through(masks[l], h[-1])", "else h[-1]"),
        Mutant("one mask for all samples", "else masks[s]", "else masks[0]"),
    ],
    "numpy": [
        Mutant("bias dropped", "z += network.biases[layer]", "z += 0"),
        Mutant("W transposed", "np.dot(seen[-1], W.T,", "np.dot(seen[-1], W.reshape(W.T.shape),"),
        Mutant("wrong sign of delta", "delta: Array = h - Y", "delta: Array = Y - h"),
        Mutant("slope without h", "e *= h\n    e *= 1 - h\n", "e *= 1 - h\n"),
        Mutant("slope without 1 - h", "e *= h\n    e *= 1 - h\n", "e *= h\n"),
        Mutant("delta through other weights", "delta @ W", "delta @ W[::-1]"),
        Mutant("bias gradient of a mean", "np.sum(delta, axis=0", "np.mean(delta, axis=0"),
        Mutant("cost without 1/2", "0.5 * _squares(", "1.0 * _squares("),
        Mutant("gradient not averaged", "delta *= scale", "delta *= 1"),
        Mutant("step uphill", "theta -= g.flat", "theta += g.flat"),
        Mutant("partial batch dropped", "range(0, m, batch_size)", "range(0, m - batch_size + 1, batch_size)"),
        Mutant("first order for every pass", "batch = order[visit, batch]", "batch = order[0, batch]"),
        Mutant("tanh without its slope", "e *= 1 - h\n    e *= 1 + h\n", "e *= 1 - h\n"),
        Mutant("relu's slope everywhere", "np.multiply(e, h > 0, out=e)", "e"),
        Mutant("softmax node by node", "e -= (e * h).sum(axis=-1, keepdims=True)", "e *= 1 - h"),
        Mutant("softmax over the samples", "z /= z.sum(axis=-1, keepdims=True)", "z /= z.sum(axis=0, keepdims=True)"),
        Mutant("factor of the sum of squares", "2 * _squares_delta", "1 * _squares_delta"),
        Mutant("binary cross-entropy of the other class", "- Y * z +", "- (1 - Y) * z +"),
        Mutant("cross-entropy without its sum", "h * Y.sum(axis=1, keepdims=True) - Y", "h - Y"),
        Mutant("penalty of twice the size", "0.5 * network.l2 *", "network.l2 *"),
        Mutant("no slope of l1", "np.sign(W)", "0"),
        Mutant("no slope of l2", "+= network.l2 * W", "+= 0 * W"),
        Mutant("velocity that grows", "v *= momentum", "v *= 1"),
        Mutant("Nesterov's step without the gradient", "velocity is None or nesterov", "velocity is None"),
        Mutant("norm not clipped", "g *= norm / length", "g *= 1"),
        Mutant("dropout forward alone", "delta *= masks[:, end - W.shape[1] : end]", "pass"),
        Mutant("masks of another layer", "h * masks[:, start : start + len(W)]", "h * masks[:, : len(W)]"),
    ],
    "numba": [
        Mutant("bias dropped", "row[i] += b[i]", "row[i] += 0 * b[i]"),
        Mutant(
            "W transposed", "theta[p : p + k * n].reshape(k, n), seen", "theta[p : p + k * n].reshape(n, k).T, seen"
        ),
        Mutant("exp without the low part of ln 2", "_LN2_LOW = 1.9", "_LN2_LOW = 0.0"),
        Mutant("remaining samples all the first", "x0, z0 = X[s], Z[s]\n", "x0, z0 = X[tiled], Z[s]\n"),
        Mutant("remaining nodes off by one", "w0 = W[i]\n            a0 = b0", "w0 = W[i - 1]\n            a0 = b0"),
        Mutant("wrong sign of delta", "factor * (h[i] - y[i])", "factor * (y[i] - h[i])"),
        Mutant("no slope in the output layer", "_back_through(code, h, delta[: y.size], width)", "pass"),
        Mutant("no slope in a hidden layer", "_back_through(codes[layer], h, back[: rows * n], n)", "pass"),
        Mutant("gradient of the last block alone", "whole[i] += into[i]", "whole[i] = into[i]"),
        Mutant("cost without 1/2", "else 0.5 * total", "else total"),
        Mutant("gradient not averaged", "1.0 / len(X) if", "1.0 if"),
        Mutant("update not averaged", "1.0 / rows if", "1.0 if"),
        Mutant("partial batch averaged as a full one", "1.0 / rows if", "1.0 / batch_size if"),
        Mutant("partial batch dropped", "-(-rows // batch_size)", "rows // batch_size"),
        Mutant("step uphill", "theta[i] -= step", "theta[i] += step"),
        Mutant(
            "samples in order, targets shuffled",
            "target = X[order[visit, start + s]], Y[order",
            "target = X[start + s], Y[order",
        ),
        Mutant("tanh without the low power", "(power - 1.0)", "(power - 1.5)"),
        Mutant("tanh without its slope", "(one - h[i]) * (one + h[i])", "(one - h[i])"),
        Mutant("relu's slope everywhere", "one if h[i] > zero else zero", "one"),
        Mutant("softmax node by node", "row[i] * (error[i] - mean)", "row[i] * (one - row[i]) * error[i]"),
        Mutant("softmax not divided", "row[i] /= total", "row[i] /= 2"),
        Mutant("factor of the sum of squares", "2.0 * scale if", "scale if"),
        Mutant("binary cross-entropy of the other class", "- y[i] * z[i]", "- (1 - y[i]) * z[i]"),
        Mutant("cross-entropy without its sum", "h[i] * total - factor", "h[i] * factor - factor"),
        Mutant("cross-entropy of z alone", "logarithm += math.log(power)", "pass"),
        Mutant("penalty of twice the size", "0.5 * l2 * squares", "l2 * squares"),
        Mutant("no slope of l1", "g[i] += l1 * sign", "g[i] += 0 * sign"),
        Mutant(
            "penalty on biases",
            "        _add_penalty(theta, sizes, bias, l1, l2, g)",
            "        _add_penalty(theta, sizes, False, l1, l2, g)",
        ),
        Mutant("velocity that grows", "factor * velocity[i] - move\n        if", "velocity[i] - move\n        if"),
        Mutant(
            "Nesterov's step without the gradient",
            "theta[i] += factor * velocity[i] - move",
            "theta[i] += factor * velocity[i]",
        ),
        Mutant("clipping above alone", "g[i] = -clip_value", "g[i] = g[i]"),
        Mutant("norm not clipped", "theta.dtype.type(clip_norm / length)", "theta.dtype.type(1)"),
        Mutant("dropout forward alone", "_through(mask, column, back, errors)", "pass"),
        Mutant("masks of another layer", "column += k", "column += 0"),
        Mutant(
            "masks of the first pass",
            "masks[visit * m + start : visit * m + start + rows]",
            "masks[start : start + rows]",
        ),
    ],
}
REFERENCE = ("sigmoid", "activations", "costs", "forward", "backward", "objective", "descent")
SOURCES = {
    "reference": [f"samenet.reference.{name}" for name in REFERENCE],
    "numpy": ["samenet.fast.numpy"],
    "numba": ["samenet.fast.numba"],
}


def _source(backend: str) -> str:
    texts = [inspect.getsource(importlib.import_module(name)) for name in SOURCES[backend]]
    # The reference's modules become one: what they import from one another then stands above.
    lines = "\n".join(texts).splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("from samenet.reference."))


def _load(backend: str, source: str, monkeypatch: pytest.MonkeyPatch) -> type[Interface]:
    """The Network of a backend made from this source."""
    module = ModuleType(f"mutated_{backend}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    exec(compile(source, module.__name__, "exec"), module.__dict__)
    if backend == "reference":
        return type("Network", (Interface,), {"backend": module})
    return module.Network  # type: ignore[no-any-return]


RULED = [
    (Functions("tanh", "softmax", "cross_entropy", l1=0.2, l2=0.1), Rule(momentum=0.9, dropout=True)),
    (Functions("relu", "sigmoid", "binary_cross_entropy"), Rule(momentum=0.5, nesterov=True, clip_value=0.02)),
    (Functions("softmax", "identity", "sum_of_squares"), Rule(clip_norm=0.05)),
    (Functions("relu", "softmax"), Rule(momentum=0.9, nesterov=True)),
]


def _compare(cls: type[Interface]) -> Iterator[tuple[str, agreement.Comparison]]:
    """What `test_agreement` compares, on a few cases: remainders of 4 in samples and nodes, and more than one block."""
    trusted = samenet.backend("reference").Network
    small, no_bias, blocks = Case((5, 7, 3, 2), 7), Case((9, 8, 5, 4, 3), 3, bias=False), Case((4, 3, 2), 300)
    for case in (small, no_bias, blocks):
        networks = case.network(cls), case.network(trusted)
        yield from agreement.forward(*networks, case.X)
        yield from agreement.gradient(*networks, case.X, case.Y)
    networks = small.network(cls), small.network(trusted)
    for descent in (Descent(7, passes=2), Descent(3, passes=2, shuffled=True), Descent(5, reduction="sum")):
        yield from agreement.lockstep(*networks, small.X, small.Y, descent)
        yield from agreement.free_run(*networks, small.X, small.Y, descent)
    for functions, rule in RULED:
        case = Case((4, 5, 3, 2), 7, functions=functions)
        networks = case.network(cls), case.network(trusted)
        yield from agreement.forward(*networks, case.X)
        yield from agreement.gradient(*networks, case.X, case.Y)
        yield from agreement.gradient(*networks, case.X, case.Y, case.masks(1)[0])
        yield from agreement.ruled(*networks, case.X, case.Y, Descent(4, passes=2, rule=rule), case.masks(2))
        yield from agreement.ruled_at_once(*networks, case.X, case.Y, Descent(4, passes=2, rule=rule), case.masks(2))


@pytest.mark.parametrize("backend", samenet.backends())
def test_the_unchanged_source_passes(backend, monkeypatch):
    failed = [f"{name}: {c}" for name, c in _compare(_load(backend, _source(backend), monkeypatch)) if not c.ok]
    assert not failed


@pytest.mark.parametrize(
    ("backend", "mutant"),
    [pytest.param(backend, mutant, id=f"{backend}-{mutant}") for backend in MUTANTS for mutant in MUTANTS[backend]],
)
def test_mutant_fails(backend, mutant, monkeypatch):
    source = _source(backend)
    assert source.count(mutant.old) == 1, f"{mutant.old!r} is not in the source of {backend} exactly once"
    mutated = _load(backend, source.replace(mutant.old, mutant.new), monkeypatch)
    assert any(not comparison.ok for _, comparison in _compare(mutated)), "the comparison passed a wrong backend"


def test_every_backend_has_mutants():
    assert set(MUTANTS) == set(SOURCES) == set(samenet.backends())
    assert all(len(mutants) >= 6 for mutants in MUTANTS.values())
