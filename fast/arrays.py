"""The network on arrays of a library with the Python array API, such as PyTorch's or JAX's: pure functions.

They compute the same as the NumPy backend, without in-place operations, so that JAX can compile them; `xp` is the
library's namespace. Equations and sources: `samenet.reference`; the array API: data-apis.org/array-api.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from samenet.model import Model
from samenet.model.functions import EPSILON, MOMENTUM

Array = Any  # an array of the library


class Description(NamedTuple):
    """The static properties of a model, which do not change between calls."""

    sizes: tuple[int, ...]
    bias: bool
    activations: tuple[str, ...]
    cost: str
    l1: float
    l2: float
    normalized: tuple[bool, ...]
    reduction: str

    @classmethod
    def of(cls, model: Model, reduction: str = "mean") -> "Description":
        """The description of a model."""
        theta = model.theta
        settings = model.activations, model.cost_function, model.l1, model.l2
        return cls(theta.sizes, theta.bias, *settings, theta.normalized, reduction)

    @property
    def nodes(self) -> int:
        """The number of hidden nodes."""
        return sum(self.sizes[1:-1])

    @property
    def weights(self) -> int:
        """The number of weights, without biases."""
        return sum(n_in * n_out for n_in, n_out in pairwise(self.sizes))

    @property
    def parameters(self) -> int:
        """The number of parameters."""
        shifts = sum(self.sizes[1:]) if self.bias else 0
        return self.weights + shifts + sum(n for n, flag in zip(self.sizes[1:], self.normalized, strict=False) if flag)

    def scale(self, rows: int, c: Array | None) -> float:
        """The factor of a sum over this many samples: 1 if they have factors c of their own."""
        return 1 / rows if self.reduction == "mean" and c is None else 1.0


class Layer(NamedTuple):
    """W (n_out, n_in), b (n_out,) or None; with batch normalization gamma (n_out,) and the running statistics."""

    W: Array
    b: Array | None
    gamma: Array | None
    running: Array | None  # means and variances, (2, n_out)


class Batch(NamedTuple):
    """A layer's normalized z (m, n), and the statistics of z: means, variances, 1 / sqrt(variances + EPSILON)."""

    N: Array
    means: Array
    variances: Array
    inverse: Array


class Pass(NamedTuple):
    """The activations of all layers, before and after masks; the output's z; and the batch statistics."""

    h: list[Array]
    layer_inputs: list[Array]
    z: Array
    batches: list[Batch | None]


def layers(d: Description, everything: Array) -> list[Layer]:
    """The layers in the vector of `samenet.model.parameters.Parameters.everything`, or in its `flat`."""
    parts: list[list[Array | None]] = []
    end = 0
    for layer, (n_in, n_out) in enumerate(pairwise(d.sizes)):
        start, end = end, end + n_out * n_in
        part: list[Array | None] = [everything[start:end].reshape((n_out, n_in)), None, None, None]
        if d.bias:
            part[1], end = everything[end : end + n_out], end + n_out
        if d.normalized and d.normalized[layer]:
            part[2], end = everything[end : end + n_out], end + n_out
        parts.append(part)
    for part, n in zip(parts, d.sizes[1:], strict=True):
        if part[2] is not None and end < everything.shape[0]:
            part[3], end = everything[end : end + 2 * n].reshape((2, n)), end + 2 * n
    return [Layer(*part) for part in parts]


def activate(xp: Any, name: str, z: Array) -> Array:
    """h = f(z)."""
    match name:
        case "sigmoid":
            return 1 / (1 + xp.exp(-z))
        case "tanh":
            return xp.tanh(z)
        case "relu":
            return xp.maximum(z, xp.zeros_like(z))  # of NaN, NaN
        case "softmax":
            e = xp.exp(z - xp.max(z, axis=-1, keepdims=True))
            return e / xp.sum(e, axis=-1, keepdims=True)
    return z


def backward(xp: Any, name: str, h: Array, e: Array) -> Array:
    """dJ/dz, from e = dJ/dh."""
    match name:
        case "sigmoid":
            return e * h * (1 - h)
        case "tanh":
            return e * (1 - h) * (1 + h)
        case "relu":
            return xp.where(h > 0, e, 0 * e)  # not e * (h > 0), which XLA rewrites so that NaN becomes 0
        case "softmax":
            return (e - xp.sum(e * h, axis=-1, keepdims=True)) * h
    return e


def forward(
    xp: Any,
    d: Description,
    parts: Sequence[Layer],
    x: Array,
    masks: Array | None = None,
    weights: Sequence[Array] | None = None,
    by_batch: bool = False,
) -> Pass:
    """One sample (n_in,) or a batch (m, n_in). by_batch: use the batch's statistics instead of the running ones."""
    h, layer_inputs, batches, z, start = [x], [x], list[Batch | None](), x, 0
    for layer, part in enumerate(parts):
        W = part.W if weights is None else weights[layer]
        z = layer_inputs[-1] @ W.T
        batch = None
        if part.gamma is not None and by_batch:
            means = xp.mean(z, axis=0)
            n = z - means
            variances = xp.mean(n * n, axis=0)
            inverse = 1 / xp.sqrt(variances + EPSILON)
            batch = Batch(n * inverse, means, variances, inverse)
            z = batch.N * part.gamma
        elif part.gamma is not None and part.running is not None:
            z = (z - part.running[0]) * (part.gamma / xp.sqrt(part.running[1] + EPSILON))
        batches.append(batch)
        if part.b is not None:
            z = z + part.b
        h.append(activate(xp, d.activations[layer], z))
        if layer < len(parts) - 1:
            n_out = d.sizes[layer + 1]
            layer_inputs.append(h[-1] if masks is None else h[-1] * masks[:, start : start + n_out])
            start += n_out
    return Pass(h, layer_inputs, z, batches)


def _factors(xp: Any, d: Description, sample_weight: Array | None, dtype: Any) -> Array | None:
    """The factors c of a batch's samples, (m, 1), if they have weights; see `samenet.reference.sample_weight`."""
    if sample_weight is None:
        return None
    c, total = sample_weight, xp.sum(sample_weight)
    if d.reduction == "mean":
        c = xp.where(total > 0, c / total, c)
    return xp.asarray(c.reshape((-1, 1)), dtype=dtype)


def _weighed(xp: Any, values: Array, c: Array | None) -> Array:
    """c times the values of each row; zeros where c is 0, also if values are not finite there."""
    return values if c is None else xp.where(c != 0, values * c, xp.zeros_like(values))


def _value(xp: Any, d: Description, Y: Array, h: Array, z: Array, c: Array | None) -> Array:
    """The sum of the cost over the samples."""
    if d.cost in ("squared_error", "sum_of_squares"):
        values = (h - Y) * (h - Y)
    elif d.cost == "binary_cross_entropy":
        values = xp.maximum(z, xp.zeros_like(z)) - Y * z + xp.log1p(xp.exp(-xp.abs(z)))
    else:
        largest = xp.max(z, axis=-1, keepdims=True)
        values = Y * (largest + xp.log(xp.sum(xp.exp(z - largest), axis=-1, keepdims=True)) - z)
    total = xp.sum(_weighed(xp, values, c), dtype=xp.float64)
    return 0.5 * total if d.cost == "squared_error" else total


def _delta(xp: Any, d: Description, Y: Array, h: Array) -> Array:
    """dJ/dz of the output layer, of the sum over the samples."""
    if d.cost == "binary_cross_entropy":
        return h - Y
    if d.cost == "cross_entropy":
        return h * xp.sum(Y, axis=-1, keepdims=True) - Y
    delta = backward(xp, d.activations[-1], h, h - Y)
    return 2 * delta if d.cost == "sum_of_squares" else delta


def _cost(xp: Any, d: Description, parts: Sequence[Layer], Y: Array, h: Array, z: Array, c: Array | None) -> Array:
    """The cost, with penalties; Y, h and z: (m, n_out)."""
    total = d.scale(Y.shape[0], c) * _value(xp, d, Y, h, z, c)
    for part in parts:
        if d.l1:
            total = total + d.l1 * xp.sum(xp.abs(part.W), dtype=xp.float64)
        if d.l2:
            total = total + 0.5 * d.l2 * xp.sum(part.W * part.W, dtype=xp.float64)
    return total


def evaluate(
    xp: Any, d: Description, everything: Array, X: Array, Y: Array, sample_weight: Array | None
) -> tuple[Array, Array]:
    """The cost over the rows of X, and the output."""
    parts = layers(d, everything)
    h, _, z, _ = forward(xp, d, parts, X)
    return _cost(xp, d, parts, Y, h[-1], z, _factors(xp, d, sample_weight, X.dtype)), h[-1]


def gradient(
    xp: Any,
    d: Description,
    everything: Array,
    X: Array,
    Y: Array,
    masks: Array | None = None,
    weight_masks: Sequence[Array] | None = None,
    sample_weight: Array | None = None,
) -> tuple[Array, Array, list[Batch | None]]:
    """The cost over the rows of X, its gradient as one vector, and the batch statistics of normalized layers."""
    parts = layers(d, everything)
    used = [part.W if weight_masks is None else part.W * weight_masks[i] for i, part in enumerate(parts)]
    c = _factors(xp, d, sample_weight, X.dtype)
    if c is not None and not any(d.normalized):  # numbers of a sample of weight 0 must not reach others
        X = xp.where(c != 0, X, xp.zeros_like(X))
    h, layer_inputs, z, batches = forward(xp, d, parts, X, masks, used, by_batch=True)
    delta = d.scale(X.shape[0], c) * _weighed(xp, _delta(xp, d, Y, h[-1]), c)
    slopes: list[list[Array]] = []
    end = d.nodes
    for layer in range(len(parts) - 1, -1, -1):
        part, batch, others = parts[layer], batches[layer], list[Array]()
        if batch is not None:
            m, total, product = X.shape[0], xp.sum(delta, axis=0), xp.sum(delta * batch.N, axis=0)
            others = [total, product] if d.bias else [product]
            delta = (delta - total / m - batch.N * (product / m)) * (part.gamma * batch.inverse)
        elif d.bias:
            others = [xp.sum(delta, axis=0)]
        slope = delta.T @ layer_inputs[layer]
        slope = slope if weight_masks is None else slope * weight_masks[layer]
        slope = slope + d.l2 * part.W if d.l2 else slope
        slope = slope + d.l1 * xp.sign(part.W) if d.l1 else slope
        slopes.insert(0, [slope.reshape((-1,)), *others])
        if layer > 0:
            delta, n = delta @ used[layer], d.sizes[layer]
            delta = delta if masks is None else delta * masks[:, end - n : end]
            end -= n
            delta = backward(xp, d.activations[layer - 1], h[layer], delta)
    J = _cost(xp, d, parts, Y, h[-1], z, c)
    return J, xp.concat([s for layer in slopes for s in layer]), batches


def moved(xp: Any, d: Description, everything: Array, batches: Sequence[Batch | None]) -> Array:
    """The running statistics after a batch, in the order in which they follow the parameters."""
    found = []
    for part, batch in zip(layers(d, everything), batches, strict=True):
        if batch is not None and part.running is not None:
            m = batch.N.shape[0]
            statistics = xp.concat([batch.means, batch.variances * (m / (m - 1))])
            found.append((1 - MOMENTUM) * part.running.reshape((-1,)) + MOMENTUM * statistics)
    return xp.concat(found)
