"""A learner's backend, complete and correct, and the mistakes that learners make, each with the cause to be reported.

The mistakes are mutants of the backends, and mistakes that readers of the tutorials make.
"""

from types import ModuleType
from typing import NamedTuple

LATER = "samenet has it, and the learner not yet"
SOURCE = """
import math
import numpy as np

def sigmoid(z):
    return np.exp(-np.logaddexp(0, -z))

def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)

F = {"sigmoid": sigmoid, "tanh": np.tanh, "relu": lambda z: np.maximum(z, 0), "identity": np.array, "softmax": softmax}
SLOPES = {
    "sigmoid": lambda h, e: e * h * (1 - h),
    "tanh": lambda h, e: e * (1 - h) * (1 + h),
    "relu": lambda h, e: e * (h > 0),
    "identity": lambda h, e: e,
    "softmax": lambda h, e: h * (e - (e * h).sum(axis=-1, keepdims=True)),
}

COSTS = "squared_error", "sum_of_squares", "binary_cross_entropy", "cross_entropy"

def forward(model, x):
    if not {*model.activations} <= F.keys() or model.cost_function not in COSTS:
        raise NotImplementedError("samenet has it, and the learner not yet")
    h, z = [x], x
    for l, W in enumerate(model.weights):
        z = h[-1] @ W.T
        if model.bias:
            z = z + model.biases[l]
        h.append(F[model.activations[l]](z))
    return h, z

def feed_forward(model, x):
    return forward(model, x)[0]

def predict(model, x):
    return feed_forward(model, x)[-1]

def value(model, Y, h, z):
    if model.cost_function == "squared_error":
        return 0.5 * ((Y - h) ** 2).sum()
    if model.cost_function == "sum_of_squares":
        return ((Y - h) ** 2).sum()
    if model.cost_function == "binary_cross_entropy":
        return (np.logaddexp(0, z) - Y * z).sum()
    top = z.max(axis=-1, keepdims=True)
    return (Y * (top + np.log(np.exp(z - top).sum(axis=-1, keepdims=True)) - z)).sum()

def error(model, Y, h):
    slope = SLOPES[model.activations[-1]]
    if model.cost_function == "squared_error":
        return slope(h, h - Y)
    if model.cost_function == "sum_of_squares":
        return slope(h, 2 * (h - Y))
    if model.cost_function == "binary_cross_entropy":
        return h - Y
    return h * Y.sum(axis=-1, keepdims=True) - Y

def penalty(model):
    if not (model.l1 or model.l2):
        return 0.0
    return sum(model.l1 * np.abs(W).sum() + 0.5 * model.l2 * (W**2).sum() for W in model.weights)

def share(X, reduction):
    return 1 / len(X) if reduction == "mean" else 1.0

def evaluate(model, X, Y, reduction="mean"):
    h, z = forward(model, X)
    return float(share(X, reduction) * value(model, Y, h[-1], z) + penalty(model)), h[-1]

def gradient(model, X, Y, reduction="mean"):
    h, z = forward(model, X)
    g = model.theta.empty_like()
    delta = error(model, Y, h[-1]) * model.dtype.type(share(X, reduction))
    for l in range(len(model.weights) - 1, -1, -1):
        W = model.weights[l]
        g.weights[l][:] = delta.T @ h[l]
        if model.l1 or model.l2:  # 0 * infinity would be NaN
            g.weights[l][:] += model.l1 * np.sign(W) + model.l2 * W
        if model.bias:
            g.biases[l][:] = delta.sum(axis=0)
        if l > 0:
            delta = SLOPES[model.activations[l - 1]](h[l], delta @ W)
    return float(share(X, reduction) * value(model, Y, h[-1], z) + penalty(model)), g

def step(theta, g, alpha, rule, state):
    state.t += 1
    if rule.name == "descent":
        theta -= alpha * g
    elif rule.name == "momentum":
        v = state.values[0]
        v[:] = rule.beta * v - alpha * g
        theta += v
    elif rule.name == "nesterov":
        v = state.values[0]
        v[:] = rule.beta * v - alpha * g
        theta += rule.beta * v - alpha * g
    elif rule.name == "rmsprop":
        s = state.values[0]
        s[:] = rule.decay * s + (1 - rule.decay) * g**2
        theta -= alpha * g / (np.sqrt(s) + rule.epsilon)
    elif rule.name != "adam":
        raise NotImplementedError("samenet has it, and the learner not yet")
    else:
        m, v = state.values
        m[:] = rule.beta1 * m + (1 - rule.beta1) * g
        v[:] = rule.beta2 * v + (1 - rule.beta2) * g**2
        mean, square = m / (1 - rule.beta1**state.t), v / (1 - rule.beta2**state.t)
        theta -= alpha * mean / (np.sqrt(square) + rule.epsilon)

def run_updates(model, X, Y, rule, *, alpha, batch_size, order=None, epochs=1, reduction="mean", state=None,
                clip_value=math.inf, clip_norm=math.inf):
    state = rule.state(model.theta) if state is None else state
    orders = [np.arange(len(X))] * epochs if order is None else order
    alphas = np.broadcast_to(alpha, len(orders))
    costs = []
    for epoch, rows in enumerate(orders):
        for start in range(0, len(rows), batch_size):
            batch = rows[start : start + batch_size]
            cost, g = gradient(model, X[batch], Y[batch], reduction)
            flat = np.clip(g.flat, -clip_value, clip_value)
            length = np.linalg.norm(flat)
            if length > clip_norm:
                flat = flat * (clip_norm / length)
            step(model.theta.flat, flat, float(alphas[epoch]), rule, state)
            costs.append(cost)
    return np.array(costs)
"""


class Bug(NamedTuple):
    """A mistake, the part that shows it, and words of the cause to be reported; empty if it cannot be identified."""

    name: str
    old: str
    new: str
    part: str
    cause: str


BUGS = [
    Bug("W not transposed", "h[-1] @ W.T", "h[-1] @ W", "feed_forward", "transposed W"),
    Bug("W in the wrong order", "h[-1] @ W.T", "h[-1] @ W.reshape(W.T.shape)", "feed_forward", "transposed"),
    Bug("no bias", "z = z + model.biases[l]", "pass", "feed_forward", "bias is left out"),
    Bug("bias subtracted", "z = z + model.biases[l]", "z = z - model.biases[l]", "feed_forward", "bias is subtracted"),
    Bug(
        "sigmoid of the wrong sign",
        "np.exp(-np.logaddexp(0, -z))",
        "np.exp(-np.logaddexp(0, z))",
        "feed_forward",
        "wrong sign",
    ),
    Bug(
        "tanh for the sigmoid",
        "np.exp(-np.logaddexp(0, -z))",
        "np.tanh(z)",
        "feed_forward",
        "tanh in place of the sigmoid",
    ),
    Bug(
        "sigmoid for all", "F[model.activations[l]](z)", "sigmoid(z)", "activations", "sigmoid is used for every layer"
    ),
    Bug(
        "activation of the first layer",
        "F[model.activations[l]]",
        "F[model.activations[0]]",
        "activations",
        "activations[0]",
    ),
    Bug(
        "activation of the last layer",
        "F[model.activations[l]]",
        "F[model.activations[-1]]",
        "activations",
        "activations[-1]",
    ),
    Bug(
        "no activation of the output",
        "F[model.activations[l]](z)",
        "F[model.activations[l]](z) if l < len(model.weights) - 1 else z",
        "feed_forward",
        "activation of the output layer is left out",
    ),
    Bug("relu that leaks", "np.maximum(z, 0)", "np.maximum(z, 0.01 * z)", "activations", "relu leaks"),
    Bug(
        "softmax over the samples",
        "e / e.sum(axis=-1, keepdims=True)",
        "e / e.sum(axis=0, keepdims=True)",
        "activations",
        "samples",
    ),
    Bug(
        "softmax not divided",
        "return e / e.sum(axis=-1, keepdims=True)",
        "return e",
        "activations",
        "not divided by its sum",
    ),
    Bug("the layer before the output", "feed_forward(model, x)[-1]", "feed_forward(model, x)[-2]", "predict", ""),
    Bug("no 1/2", "return 0.5 * ((Y - h) ** 2).sum()", "return ((Y - h) ** 2).sum()", "evaluate", "1/2"),
    Bug(
        "the sum for the mean",
        'return 1 / len(X) if reduction == "mean" else 1.0',
        "return 1.0",
        "evaluate",
        "sum for the mean",
    ),
    Bug(
        "the mean for the sum",
        'return 1 / len(X) if reduction == "mean" else 1.0',
        "return 1 / len(X)",
        "evaluate",
        "mean for",
    ),
    Bug("y exchanged", "(np.logaddexp(0, z) - Y * z)", "(np.logaddexp(0, z) - (1 - Y) * z)", "evaluate", "y and 1 - y"),
    Bug("l2 without 1/2", "0.5 * model.l2 *", "model.l2 *", "evaluate", "1/2 of the l2 penalty"),
    Bug("wrong sign of the error", "slope(h, h - Y)", "slope(h, Y - h)", "gradient", "wrong sign"),
    Bug("no slope in the output layer", "slope(h, h - Y)", "h - Y", "gradient", "output layer without the slope"),
    Bug(
        "no slope in hidden layers",
        "SLOPES[model.activations[l - 1]](h[l], delta @ W)",
        "delta @ W",
        "gradient",
        "hidden layers without the slope",
    ),
    Bug(
        "h for z in the slope",
        "e * h * (1 - h)",
        "e * sigmoid(h) * (1 - sigmoid(h))",
        "gradient",
        "h instead of z in the slope",
    ),
    Bug("slope without h", "e * h * (1 - h)", "e * (1 - h)", "gradient", "slope of the sigmoid is h (1 - h)"),
    Bug("slope without 1 - h", "e * h * (1 - h)", "e * h", "gradient", "slope of the sigmoid is h (1 - h)"),
    Bug(
        "a factor of 2",
        "delta = error(model, Y, h[-1]) *",
        "delta = 2 * error(model, Y, h[-1]) *",
        "gradient",
        "factor of 2",
    ),
    Bug(
        "averaged twice",
        "g.biases[l][:] = delta.sum(axis=0)",
        "g.biases[l][:] = delta.mean(axis=0)",
        "gradient",
        "averaged twice",
    ),
    Bug(
        "no gradient of biases",
        "g.biases[l][:] = delta.sum(axis=0)",
        "g.biases[l][:] = 0",
        "gradient",
        "biases is left out",
    ),
    Bug("delta through the wrong weights", "delta @ W)", "delta @ W[::-1])", "gradient", "wrong weights"),
    Bug(
        "slope of tanh", "e * (1 - h) * (1 + h)", "e * (1 - np.tanh(h) ** 2)", "activations and costs", "slope of tanh"
    ),
    Bug("slope of relu", "e * (h > 0)", "e", "activations and costs", "slope of relu"),
    Bug(
        "softmax node by node",
        "h * (e - (e * h).sum(axis=-1, keepdims=True))",
        "h * (1 - h) * e",
        "activations and costs",
        "node by node",
    ),
    Bug(
        "slope of another activation",
        "SLOPES[model.activations[l - 1]]",
        'SLOPES["sigmoid"]',
        "activations and costs",
        "",
    ),
    Bug(
        "a slope that cancels",
        "        return h - Y\n    return h *",
        "        return slope(h, h - Y)\n    return h *",
        "activations and costs",
        "cancel",
    ),
    Bug("no slope of l2", " + model.l2 * W", "", "penalties", "l2 W, is left out"),
    Bug("no slope of l1", "model.l1 * np.sign(W) + ", "", "penalties", "l1 sign(W), is left out"),
    Bug("uphill", "theta -= alpha * g\n", "theta += alpha * g\n", "descent", "downhill"),
    Bug("alpha left out", "theta -= alpha * g\n", "theta -= g\n", "descent", "alpha is left out"),
    Bug(
        "velocity not kept",
        "        v[:] = rule.beta * v - alpha * g\n        theta += v\n",
        "        theta += rule.beta * v - alpha * g\n",
        "momentum",
        "velocity is not kept",
    ),
    Bug(
        "momentum as a mean",
        "v[:] = rule.beta * v - alpha * g\n        theta += v\n",
        "v[:] = rule.beta * v - (1 - rule.beta) * alpha * g\n        theta += v\n",
        "momentum",
        "(1 - beta) g",
    ),
    Bug(
        "alpha outside the velocity",
        "v[:] = rule.beta * v - alpha * g\n        theta += v\n",
        "v[:] = rule.beta * v - g\n        theta += alpha * v\n",
        "momentum",
        "alpha outside",
    ),
    Bug(
        "momentum for Nesterov",
        "theta += rule.beta * v - alpha * g\n    elif",
        "theta += v\n    elif",
        "nesterov",
        "plain momentum",
    ),
    Bug(
        "epsilon inside the root",
        "(np.sqrt(s) + rule.epsilon)",
        "np.sqrt(s + rule.epsilon)",
        "rmsprop",
        "inside the root",
    ),
    Bug(
        "no bias correction",
        "mean, square = m / (1 - rule.beta1**state.t),",
        "mean, square = m,",
        "adam",
        "correction of m",
    ),
    Bug("updates not counted", "state.t += 1", "state.t = 1", "adam", "not counted"),
    Bug(
        "state begins anew",
        "rule.state(model.theta) if state is None else state",
        "rule.state(model.theta)",
        "descent",
        "persists",
    ),
    Bug("order not used", "if order is None else order", "if True else order", "epochs", "order is not used"),
    Bug(
        "clip_value not used",
        "np.clip(g.flat, -clip_value, clip_value)",
        "g.flat.copy()",
        "clipping",
        "clip_value is not used",
    ),
    Bug(
        "partial batch left out",
        "range(0, len(rows), batch_size)",
        "range(0, len(rows) - batch_size + 1, batch_size)",
        "epochs",
        "partial",
    ),
    Bug("exp overflows", "np.exp(-np.logaddexp(0, -z))", "1 / (1 + np.exp(-z))", "saturation", "overflow"),
    Bug("relu of NaN", "np.maximum(z, 0)", "np.where(z > 0, z, 0.0).astype(z.dtype)", "NaN and infinity", "NaN"),
    Bug("float64 for all", "z = h[-1] @ W.T", "z = h[-1].astype(float) @ W.T", "saturation", "dtype"),
    Bug("input changed", "h, z = [x], x\n", "x *= 1.5\n    h, z = [x], x\n", "side effects", "not its own"),
    Bug("a print left in", "h, z = [x], x\n", "print(x)\n    h, z = [x], x\n", "side effects", "print"),
    Bug(
        "only the output",
        "return forward(model, x)[0]",
        "return forward(model, x)[0][-1]",
        "feed_forward",
        "only the output",
    ),
    Bug(
        "the input left out",
        "return forward(model, x)[0]",
        "return forward(model, x)[0][1:]",
        "feed_forward",
        "input layer is left out",
    ),
    Bug("one sample alone", "e * h * (1 - h)", "e * h[:1] * (1 - h)", "gradient", ""),
    Bug(
        "sys.exit",
        "h, z = [x], x\n",
        "h, z = [x], x\n    if len(x) == 3: raise SystemExit(1)\n",
        "feed_forward",
        "sys.exit",
    ),
    Bug(
        "NaN returned",
        "return forward(model, x)[0]",
        "return [x, *(h * np.nan for h in forward(model, x)[0][1:])]",
        "feed_forward",
        "",
    ),
    Bug("transposed where square", "h[-1] @ W.T", "h[-1] @ (W if len(W) == W.shape[1] else W.T)", "feed_forward", ""),
    Bug(
        "back through W transposed where square",
        "delta @ W)",
        "delta @ (W.T if len(W) == W.shape[1] else W))",
        "gradient",
        "",
    ),
    Bug(
        "slopes transposed where square",
        "= delta.T @ h[l]",
        "= h[l].T @ delta if len(W) == W.shape[1] else delta.T @ h[l]",
        "gradient",
        "",
    ),
]


def learner(bug: Bug | None = None) -> ModuleType:
    """The backend as a module, with a mistake or without."""
    text = SOURCE
    if bug is not None:
        assert text.count(bug.old) >= 1, bug.name
        text = text.replace(bug.old, bug.new, 1)
    module = ModuleType("learner")
    exec(compile(text, "learner.py", "exec"), vars(module))
    return module
