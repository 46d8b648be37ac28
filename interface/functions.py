"""The activation functions and costs that every backend has, by name; the equations stand in `samenet.reference`.

Compiled backends take them by their place here.
"""

ACTIVATIONS = ("sigmoid", "tanh", "relu", "identity", "softmax")
COSTS = ("squared_error", "sum_of_squares", "binary_cross_entropy", "cross_entropy")
REDUCTIONS = ("mean", "sum")

# A cost whose gradient is worked out together with one activation of the output layer, so that it is finite, and its
# slope not 0, where that saturates. Its targets are probabilities.
MADE_FOR = {"binary_cross_entropy": "sigmoid", "cross_entropy": "softmax"}
