"""Input for type checkers: every call here is right, or is marked as one that a checker has to reject.

`make types` runs mypy on it. A marked line that is not rejected is an error, too: "unused type: ignore". pyright checks
the same: `pyright` in an environment with samenet installed, with reportUnnecessaryTypeIgnoreComment. Nothing runs it.
"""

from typing import assert_type

import numpy as np

import samenet
from samenet import MLPClassifier, MLPRegressor, data, optimizers
from samenet.fast.numpy import Network
from samenet.network import Network as AnyNetwork

table = data.xor()
X, Y = table.X, table.Y

# The backends by name; other packages may add more.
assert_type(samenet.backend("numba").Network, type[AnyNetwork])
net = samenet.backend("numpy").Network([3, 2], activation="relu")
assert_type(net, AnyNetwork)
net.on("reference")
net.trian(X, Y)  # type: ignore[attr-defined]

# A network.
Network([3, 4, 2], activation=["tanh", "softmax"], cost="cross_entropy", init="glorot", dtype=np.float32)
Network([3, 2], activation=("sigmoid",), dtype="float64")
Network([3, 2], activation=net.activations, dtype=net.dtype, cost=net.cost_function)
Network([3, 2], activation="rleu")  # type: ignore[arg-type]
Network([3, 4, 2], activation=["tanh", "sofmax"])  # type: ignore[list-item]
Network([3, 2], cost="mse")  # type: ignore[arg-type]
Network([3, 2], init="xavier")  # type: ignore[arg-type]
Network([3, 2], dtype=np.float16)  # type: ignore[arg-type]
Network([3, 2], dtype="int8")  # type: ignore[arg-type]

# Its answers.
net.cost(X, Y, "sum_of_squares", reduction="sum")
net.gradient(X, Y, reduction="mean")
net.classify(X, labels="several")
net.cost(X, Y, reduction="average")  # type: ignore[arg-type]
net.cost(X, Y, cost="mae")  # type: ignore[arg-type]
net.gradient(X, Y, reduction="max")  # type: ignore[arg-type]
net.classify(X, labels="all")  # type: ignore[arg-type]

# Training.
net.train(X, Y, alpha=0.1, epochs=1, monitors=["accuracy", "mean_norm"], optimizer="adam", sampling="adaptive")
net.train(X, Y, alpha=0.1, epochs=1, monitors="accuracy", optimizer=optimizers.Adam(), reduction="sum")
net.train(X, Y, alpha=0.1, epochs=1, optimizer="sgd")  # type: ignore[arg-type]
net.train(X, Y, alpha=0.1, epochs=1, monitors=["acuracy"])  # type: ignore[list-item]
net.train(X, Y, alpha=0.1, epochs=1, sampling="adaptve")  # type: ignore[arg-type]
net.train(X, Y, alpha=0.1, epochs=1, cost="mse")  # type: ignore[arg-type]
net.train(X, Y, alpha=0.1, epochs=1, reduction="avg")  # type: ignore[arg-type]
optimizers.MultiStart(3, "bfgs", init="normal")
optimizers.MultiStart(3, init="nromal")  # type: ignore[arg-type]

# The rest.
samenet.load("net.npz", "numpy")
samenet.downhill(lambda x: x, 1.0, alpha=0.1, rule="sing")  # type: ignore[arg-type]
samenet.error_surface(net, X, Y, [0], [1.0], measure="costs")  # type: ignore[arg-type]
samenet.check_gradient(net, X, Y, reduction="sums")  # type: ignore[arg-type]
samenet.train_many(net, X, Y, init="golrot")  # type: ignore[arg-type]
samenet.export.to_c(net, "net.h", dtype=np.int32)  # type: ignore[arg-type]
MLPClassifier((30,), activation="logistic", solver="sgd", learning_rate="adaptive", batch_size="auto", backend="numpy")
MLPRegressor((30, 10), activation=["tanh", "relu"])
MLPClassifier(activation="rleu")  # type: ignore[arg-type]
MLPRegressor(solver="adm")  # type: ignore[arg-type]
MLPRegressor(learning_rate="adaptiv")  # type: ignore[arg-type]
MLPRegressor(batch_size="all")  # type: ignore[arg-type]
MLPClassifier(dtype="float32", threads=2, dropout=[0.5], class_weight="balanced", callbacks=print)
MLPClassifier(class_weight={"red": 2})
MLPClassifier(solver="adm")  # type: ignore[arg-type]
MLPClassifier(learning_rate="adaptiv")  # type: ignore[arg-type]
MLPClassifier(early_stopping="yes")  # type: ignore[arg-type]
MLPClassifier(class_weight="balancd")  # type: ignore[arg-type]
MLPClassifier(max_itr=10)  # type: ignore[call-arg]
MLPRegressor(class_weight="balanced")  # type: ignore[call-arg]
assert_type(MLPRegressor().fit(X, Y), MLPRegressor)
assert_type(MLPClassifier().partial_fit(X, Y, classes=[0, 1]), MLPClassifier)
MLPClassifier().partial_fit(X, Y, clases=[0, 1])  # type: ignore[call-arg]
