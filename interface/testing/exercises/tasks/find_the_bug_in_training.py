"""Find the bug in this training.

`run_updates` makes many updates in one call: it goes `epochs` times through the samples, in the order of `order[epoch]`
or in their own order, `batch_size` at a time, by plain descent or with momentum. It returns the cost before each
update. The state of momentum, the velocity v = state.values[0], persists between calls, because training is divided
into several calls; state.t counts the updates. If no state is given, `rule.state(model.theta)` creates one. `alpha` is
a number, or one number for each epoch. Two lines are wrong: check the file, and fix them.
"""

import numpy as np


def sigmoid(z):
    return np.exp(-np.logaddexp(0, -z))


def feed_forward(model, x):
    if set(model.activations) != {"sigmoid"}:
        raise NotImplementedError("the sigmoid alone")
    h = [x]
    for l, W in enumerate(model.weights):
        z = h[-1] @ W.T
        if model.bias:
            z = z + model.biases[l]
        h.append(sigmoid(z))
    return h


def gradient(model, X, Y, reduction="mean"):
    if model.cost_function != "squared_error" or model.l1 or model.l2:
        raise NotImplementedError("the squared error alone")
    share = 1 / len(X) if reduction == "mean" else 1
    h, g = feed_forward(model, X), model.theta.empty_like()
    delta = share * (h[-1] - Y) * h[-1] * (1 - h[-1])
    for l in reversed(range(len(model.weights))):
        g.weights[l][:] = delta.T @ h[l]
        if model.bias:
            g.biases[l][:] = delta.sum(axis=0)
        if l > 0:
            delta = (delta @ model.weights[l]) * h[l] * (1 - h[l])
    return 0.5 * share * float(((Y - h[-1]) ** 2).sum()), g


def run_updates(model, X, Y, rule, *, alpha, batch_size, order=None, epochs=1, reduction="mean", state=None):
    if rule.name not in ("descent", "momentum"):
        raise NotImplementedError("descent and momentum alone")
    state = rule.state(model.theta)
    orders = [np.arange(len(X))] * epochs if order is None else order
    alphas = np.broadcast_to(alpha, len(orders))
    costs = []
    for epoch, rows in enumerate(orders):
        for start in range(0, len(rows), batch_size):
            batch = rows[start : start + batch_size]
            cost, g = gradient(model, X[batch], Y[batch], reduction)
            costs.append(cost)
            state.t += 1
            step = alphas[0] * g.flat
            if rule.name == "momentum":
                v = state.values[0]
                v[:] = rule.beta * v - step
                model.theta.flat[:] += v
            else:
                model.theta.flat[:] -= step
    return costs
