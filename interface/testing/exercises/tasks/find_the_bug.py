"""Find the bug in this backpropagation.

It is a whole backend: `feed_forward` and `gradient`, for networks of sigmoids and the squared error. The network
learns, though slowly, so nobody noticed that the gradient is wrong. Check this file, read what the report says about
the smallest network that shows the error, and fix it. One line is wrong.
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
            delta = (delta @ model.weights[l]) * sigmoid(h[l]) * (1 - sigmoid(h[l]))
    return 0.5 * share * float(((Y - h[-1]) ** 2).sum()), g
