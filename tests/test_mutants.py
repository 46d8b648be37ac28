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
from agreement import Descent
from inputs import Case

import samenet
from samenet.network import Network as Interface


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
        Mutant("bias dropped", "z += biases[l][i]", "z += 0.0"),
        Mutant("W transposed", "z += weights[l][i][j] *", "z += sum(weights[l], [])[j * len(weights[l]) + i] *"),
        Mutant("wrong sign of delta", "delta.append(-", "delta.append("),
        Mutant("no slope in the output layer", " * sigmoid_slope(h[-1][i])", ""),
        Mutant("no slope in a hidden layer", "error * sigmoid_slope(h[l][j])", "error"),
        Mutant("slope at another node", "error * sigmoid_slope(h[l][j])", "error * sigmoid_slope(h[l][0])"),
        Mutant("cost without 1/2", "cost += 0.5 * ", "cost += "),
        Mutant("cost of the last sample alone", "cost += sample_gradient", "cost = sample_gradient"),
        Mutant("gradient not averaged", "total.weights[l][i][j] /= m", "total.weights[l][i][j] /= 1"),
        Mutant("bias gradient not averaged", "total.biases[l][i] /= m", "total.biases[l][i] /= 1"),
        Mutant("step uphill", "network.weights[l][i][j] -= alpha", "network.weights[l][i][j] += alpha"),
        Mutant("biases stay", "network.biases[l][i] -= alpha", "network.biases[l][i] -= 0 * alpha"),
        Mutant("partial batch dropped", "range(0, len(rows), ", "range(0, len(rows) - batch_size + 1, "),
        Mutant("first order for every pass", "else order[visit]", "else order[0]"),
    ],
    "numpy": [
        Mutant("bias dropped", "z += network.biases[layer]", "z += 0"),
        Mutant("W transposed", "np.dot(h, W.T,", "np.dot(h, W.reshape(W.T.shape),"),
        Mutant("wrong sign of delta", "error = h - Y", "error = Y - h"),
        Mutant("slope without h", "delta *= h\n", "delta *= 1\n"),
        Mutant("slope without 1 - h", "delta *= np.subtract(1, h, out=h)", "delta *= 1"),
        Mutant("delta through other weights", "delta @ network.weights[layer]", "delta @ network.weights[layer][::-1]"),
        Mutant("bias gradient of a mean", "np.sum(delta, axis=0", "np.mean(delta, axis=0"),
        Mutant("cost without 1/2", "cost = 0.5 * scale", "cost = 1.0 * scale"),
        Mutant("gradient not averaged", "delta *= scale", "delta *= 1"),
        Mutant("step uphill", "theta -= g.flat", "theta += g.flat"),
        Mutant("partial batch dropped", "range(0, m, batch_size)", "range(0, m - batch_size + 1, batch_size)"),
        Mutant("first order for every pass", "batch = order[visit, batch]", "batch = order[0, batch]"),
    ],
    "numba": [
        Mutant("bias dropped", "row[i] += b[i]", "row[i] += 0 * b[i]"),
        Mutant("W transposed", "theta[p : p + k * n].reshape(k, n), h", "theta[p : p + k * n].reshape(n, k).T, h"),
        Mutant("exp without the low part of ln 2", "_LN2_LOW = 1.9", "_LN2_LOW = 0.0"),
        Mutant("remaining samples all the first", "x0, z0 = X[s], Z[s]\n", "x0, z0 = X[tiled], Z[s]\n"),
        Mutant("remaining nodes off by one", "w0 = W[i]\n            a0 = b0", "w0 = W[i - 1]\n            a0 = b0"),
        Mutant("wrong sign of delta", "factor * (h[i] - target[i])", "factor * (target[i] - h[i])"),
        Mutant("no slope in the output layer", "(h[i] - target[i]) * h[i] * (one - h[i])", "(h[i] - target[i])"),
        Mutant("no slope in a hidden layer", "back[i] *= h[i] * (one - h[i])", "back[i] *= one"),
        Mutant("gradient of the last block alone", "whole[i] += into[i]", "whole[i] = into[i]"),
        Mutant("cost without 1/2", "return 0.5 * scale", "return scale"),
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
    ],
}
SOURCES = {
    "reference": [f"samenet.reference.{name}" for name in ("sigmoid", "forward", "backward", "descent")],
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
