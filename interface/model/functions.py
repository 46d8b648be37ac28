"""The activation functions and costs that every backend has, by name; the equations are in `samenet.reference`.

Compiled backends identify them by their position in these tuples. The names are also types, for type checkers.
"""

from typing import Literal, get_args

Activation = Literal["sigmoid", "tanh", "relu", "identity", "softmax"]
Cost = Literal["squared_error", "sum_of_squares", "binary_cross_entropy", "cross_entropy"]
Reduction = Literal["mean", "sum"]

ACTIVATIONS: tuple[Activation, ...] = get_args(Activation)
COSTS: tuple[Cost, ...] = get_args(Cost)
REDUCTIONS: tuple[Reduction, ...] = get_args(Reduction)

EPSILON, MOMENTUM = 1e-5, 0.1  # for batch normalization, see `samenet.backends.normalization`

# Costs whose gradient is derived jointly with one output activation, so that it stays finite and does not vanish where
# the activation saturates. Their targets are probabilities.
MADE_FOR = {"binary_cross_entropy": "sigmoid", "cross_entropy": "softmax"}
