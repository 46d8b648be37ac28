"""scikit-learn: `MLPClassifier` and `MLPRegressor` unchanged, starting from given weights.

The output layer has sigmoids in the multilabel case, trained with binary cross-entropy; a softmax is trained with
cross-entropy, the identity with squared error. `fit` checks its input and computes the loss of every epoch. The penalty
l2 is divided by the rows of a batch, and Adam adds epsilon before the bias correction.
"""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.contenders import Peer, Way
from benchmarks.problem import SEED, Array, Call, Descent, Forward, flat
from samenet.network import Network

_TRAINED = {"identity": "squared_error", "sigmoid": "binary_cross_entropy", "softmax": "cross_entropy"}
_NAMES = {"sigmoid": "logistic"}
REASON = "its sigmoid outputs are trained by cross-entropy, its squared error goes with identity outputs"
_HIDDEN, _FEW_CLASSES = "its hidden layers are all alike", "its softmax has three outputs or more"
_CLASSES = "it fits rows that have every class"


def _cannot(network: Network) -> str:
    """The reason why it has no such network, "" if it has."""
    *hidden, last = network.model.activations
    if not network.bias:
        return "each of its nodes has a bias"
    if len(set(hidden)) > 1 or "softmax" in hidden:
        return _HIDDEN
    if last not in _TRAINED:
        return last
    return _FEW_CLASSES if last == "softmax" and network.sizes[-1] < 3 else ""


def _made(network: Network, Y: Array, **settings: Any) -> tuple[Any, Array]:
    """A model with the network's numbers, and its targets: as labels where they are classes."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    warnings.filterwarnings("ignore", module="sklearn")  # it did not converge
    hidden, last = (network.activations[0] if len(network.sizes) > 2 else "relu"), network.activations[-1]
    cls = MLPRegressor if last == "identity" else MLPClassifier
    model = cls(hidden_layer_sizes=network.sizes[1:-1], activation=_NAMES.get(hidden, hidden), **settings)
    targets = Y.argmax(axis=1) if last == "softmax" else Y.ravel() if Y.shape[1] == 1 else Y
    targets = targets if last == "identity" else targets.astype(int)
    return model, targets


def _set(model: Any, network: Network) -> None:
    """Set the model's parameters to the network's."""
    model.coefs_ = [W.T.copy(order="C") for W in network.weights]  # copies, as it changes them in place
    model.intercepts_ = [b.copy() for b in network.biases]


def _labels(network: Network) -> Array:
    """Rows with every class, or with every label absent and present: fitting them creates the layers."""
    n = network.sizes[-1]
    return np.eye(n) if network.activations[-1] == "softmax" else np.repeat([[0.0], [1.0]], n, axis=1)


def _fitted(network: Network, **settings: Any) -> Any:
    Y = _labels(network)
    model, targets = _made(network, Y, **settings)
    epochs = model.max_iter
    model.max_iter = 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it did not converge
        model.fit(np.zeros((len(Y), network.sizes[0]), network.dtype), targets)
    model.max_iter = epochs
    _set(model, network)
    return model


def _forward(task: Forward) -> Call | str:
    network, n = task.network, task.network.sizes[-1]
    if reason := _cannot(network):
        return reason
    model = _fitted(network, solver="sgd", max_iter=1)
    call: Callable[[Array], Any] = model.predict if network.activations[-1] == "identity" else model.predict_proba
    # For a single label, it also returns the probability of absence.
    outputs = slice(1, 2) if n == 1 and network.activations[-1] == "sigmoid" else slice(None)
    return Call(
        partial(call, task.rows), lambda h: h.reshape(len(task.rows), -1)[:, outputs].reshape(*task.x.shape[:-1], n)
    )


def _descent(task: Descent) -> Call | str:
    network, m = task.network, task.batch_size
    if reason := _cannot(network):
        return reason
    if network.model.cost_function != _TRAINED[network.activations[-1]]:
        return REASON
    if task.reduction != "mean":
        return "its gradient is a mean"
    given = {"learning_rate_init": task.alpha, "alpha": network.model.l2 * m, "batch_size": m, "max_iter": task.passes}
    given |= {"momentum": 0.0 if task.rule == "descent" else 0.9, "nesterovs_momentum": task.rule == "nesterov"}
    given |= {"solver": "adam" if task.rule == "adam" else "sgd", "shuffle": task.shuffle and task.passes > 1}
    model = _fitted(network, warm_start=True, n_iter_no_change=np.inf, random_state=SEED, **given)
    # A single pass has the same order as for the others. For several, it draws its own orders, at the same cost.
    rows = task.orders().ravel() if task.shuffle and task.passes == 1 else slice(None)
    X, targets = task.X[rows], _made(network, task.Y[rows])[1]
    if targets.ndim == 1 and len(np.unique(targets)) < len(getattr(model, "classes_", ())):
        return _CLASSES

    def run() -> Any:
        _set(model, network)
        return model.fit(X, targets)

    def read(model: Any) -> Array:
        return flat(network, [W.T for W in model.coefs_], model.intercepts_)

    return Call(run, read, *((_OFF * task.alpha, f"epsilon; looser: {_OFF} alpha") if task.rule == "adam" else ()))


_OFF = 0.01  # in units of Adam's steps, about alpha each: the effect of another epsilon on a parameter in a few updates
NAME = "scikit-learn"
_TAKES = {"momentum", "nesterov", "adam", "l2", "shuffle", *_TRAINED.values(), "tanh", "relu", "identity", "softmax"}
PEER = Peer(
    NAME,
    {NAME: Way(_forward, _descent, "#F0E442", "D", takes=frozenset(_TAKES))},
    module="sklearn.neural_network",
    requires=("scikit-learn>=1.5",),
    distributions=("scikit-learn",),
)
