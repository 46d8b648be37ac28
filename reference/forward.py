"""Feed-forward: from an input to the activations of every layer."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from samenet.reference.activations import ACTIVATIONS
from samenet.reference.normalization import Statistics, normalize, scale_and_shift


def weighted_sums(W: Sequence[Any], b: Sequence[float] | None, h: Sequence[float]) -> list[float]:
    """z_i = sum_j W[i][j] h_j + b[i], from one layer to the next.

    W: (n_out, n_in); b: (n_out,) or None; h: (n_in,). Lists and arrays alike.
    Source: tutorial 000 (docs/sources.md), section 3.

    >>> weighted_sums([[0.5, -0.5]], [1.0], [2.0, 3.0])
    [0.5]
    """
    sums = []
    for i in range(len(W)):
        z = 0.0
        for j in range(len(h)):
            z += W[i][j] * h[j]
        if b is not None:
            z += b[i]
        sums.append(z)
    return sums


class Pass(NamedTuple):
    """What backpropagation needs from feed-forward.

    h             the activations of every layer, [h1, ..., hL]
    layer_inputs  the input of every layer after the first: [h1, ..., h(L-1)], with dropout masks applied
    z             the weighted sums of the output layer
    """

    h: list[Sequence[float]]
    layer_inputs: list[Sequence[float]]
    z: Sequence[float]


def forward_pass(
    weights: Sequence[Any],
    biases: Sequence[Any],
    x: Sequence[float],
    activations: Sequence[str] | None = None,
    masks: Sequence[Any] | None = None,
    normalization: Sequence[Any] | None = None,
) -> Pass:
    """h1 = x and, for every layer after it, z = W h + b and h = f(z).

    activations: the name of f for each layer after the first; all sigmoids if None.
    masks: for dropout, (n,) factors for each hidden layer: the next layer's input is m_i h_i instead of h_i.
    normalization: for each layer after the first, gamma and its running statistics, or None where it is not normalized;
    where it is, z is that of `samenet.reference.normalization`.
    """
    h, layer_inputs, z = [x], [x], x
    for l in range(len(weights)):
        b, normal = biases[l] if biases else None, None if normalization is None else normalization[l]
        z = weighted_sums(weights[l], b if normal is None else None, layer_inputs[l])
        if normal is not None:
            gamma, statistics = normal
            z = scale_and_shift(normalize(z, statistics), gamma, b)
        f = ACTIVATIONS[activations[l] if activations else "sigmoid"]
        h.append(f.activate(z))
        if l < len(weights) - 1:
            layer_inputs.append(h[-1] if masks is None else apply_mask(masks[l], h[-1]))
    return Pass(h, layer_inputs, z)


def apply_mask(mask: Sequence[float], values: Sequence[float]) -> list[float]:
    """m_i v_i: a dropout mask applied to a layer's activations, or to the errors propagated back to it."""
    return [mask[i] * values[i] for i in range(len(values))]


def running_normalization(model: Any) -> list[Any] | None:
    """What `forward_pass` takes of a model, from its `gammas` and `running` statistics; None if it has no gammas."""
    if len(getattr(model, "gammas", ())) == 0:
        return None
    layers = zip(model.gammas, model.running, strict=True)
    return [(as_lists(g), Statistics(*as_lists(running))) if len(g) > 0 else None for g, running in layers]


def forward_sample(
    weights: Sequence[Any],
    biases: Sequence[Any],
    x: Sequence[float],
    activations: Sequence[str] | None = None,
    normalization: Sequence[Any] | None = None,
) -> list[Sequence[float]]:
    """The activations [h1, ..., hL] of one sample.

    weights: an (n_out, n_in) matrix for each layer after the first; biases: an (n_out,) vector for each, or an empty
    list for a network without biases; x: (n_in,). Lists and arrays alike. Equation: `forward_pass`.
    Source: tutorial 000 (docs/sources.md), section 3, `simple_looped_nn_calc`.

    >>> forward_sample([[[0.5, -0.5]]], [[0.0]], [1.0, 1.0])
    [[1.0, 1.0], [0.5]]
    """
    return forward_pass(weights, biases, x, activations, None, normalization).h


def as_lists(values: Any) -> Any:
    """An array as nested lists, which plain loops index several times faster; anything else as it is."""
    return values.tolist() if hasattr(values, "tolist") else values


def feed_forward(model: Any, x: Any) -> list[Any]:
    """The activations of every layer, [h1, ..., hL], for one sample or for a batch.

    model: anything with `weights` and `biases`, `activations` if they are not all sigmoids, and `gammas` and `running`
    if layers are normalized; x: (n_in,), or (m, n_in) with one sample per row.
    Returns (n,) or (m, n) for each layer. Equation and source: `forward_sample`.
    """
    weights, biases = [as_lists(W) for W in model.weights], [as_lists(b) for b in model.biases]
    x, activations, normalization = as_lists(x), getattr(model, "activations", None), running_normalization(model)
    if len(x) > 0 and not hasattr(x[0], "__len__"):
        return forward_sample(weights, biases, x, activations, normalization)
    samples = [forward_sample(weights, biases, row, activations, normalization) for row in x]
    return [[h[l] for h in samples] for l in range(len(weights) + 1)]


def predict(model: Any, x: Any) -> Any:
    """The activations of the output layer, hL: (n_out,) for one sample, (m, n_out) for a batch."""
    return feed_forward(model, x)[-1]
