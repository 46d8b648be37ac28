"""Tutorial 000, section 5: a 64-30-10 network learns to read digits, as the tutorial sets it up."""

import numpy as np

from samenet import data
from samenet.fast.numba import Network


def main() -> None:
    """Train for 3000 epochs; print the average cost as the tutorial plots it, and the accuracy."""
    digits = data.digits()
    X = data.standard_scaler(digits.X).transform(digits.X)  # on all rows, the test part included, as the tutorial does
    X_train, X_test, y_train, y_test = data.split(X, digits.y, test_size=0.4, seed=0)
    Y_train = data.one_hot(y_train, 10)

    net = Network([64, 30, 10], init="uniform", seed=np.random.RandomState(0))
    history = net.train(X_train, Y_train, alpha=0.25, epochs=3000, monitors=["mean_norm"], record_every=500)

    for epoch, norm in zip(history.epochs, history["mean_norm"], strict=True):
        print(f"epoch {epoch:4}: average J {norm:.4f}")
    print(f"test accuracy {100 * (net.classify(X_test) == y_test).mean():.1f} %")
