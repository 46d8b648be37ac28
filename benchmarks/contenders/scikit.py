"""scikit-learn: `MLPClassifier.predict_proba`, whose output layer has sigmoids in the multilabel case."""

import warnings
from functools import partial

import numpy as np

from benchmarks.contenders import Peer, Way
from benchmarks.problem import Call, Forward


def _forward(task: Forward) -> Call:
    from sklearn.neural_network import MLPClassifier

    network, n = task.network, task.network.sizes[-1]
    model = MLPClassifier(network.sizes[1:-1], activation="logistic", solver="sgd", max_iter=1)
    # Fitting two rows, with every label absent and present, creates the layers; then the parameters are replaced.
    labels = np.repeat([[0], [1]], n, axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it did not converge
        model.fit(np.zeros((2, network.sizes[0]), network.dtype), labels if n > 1 else labels.ravel())
    model.coefs_ = [np.ascontiguousarray(W.T) for W in network.weights]
    model.intercepts_ = [b.copy() for b in network.biases]
    outputs = slice(None) if n > 1 else slice(1, 2)  # for a single label, it also returns the probability of absence
    return Call(partial(model.predict_proba, task.rows), lambda h: h[:, outputs].reshape(*task.x.shape[:-1], n))


NAME = "scikit-learn"
_REASON = "its sigmoid outputs are trained by cross-entropy, its squared error goes with identity outputs"
PEER = Peer(
    NAME,
    {NAME: Way(_forward, _REASON, "#F0E442", "D")},
    module="sklearn.neural_network",
    requires=("scikit-learn>=1.5",),
    distributions=("scikit-learn",),
)
