"""The sigmoid, the activation function of the first networks.

    f(z) = 1 / (1 + exp(-z))

Write `sigmoid(z)` for one number z (a float); it returns a float. It must be right for every finite z:

    sigmoid(0.0)      is 0.5
    sigmoid(2.0)      is 0.8807970779778823...
    sigmoid(-1000.0)  is 0.0, and sigmoid(1000.0) is 1.0: without an error, though exp(1000) is too large for a float.
                      So call exp with numbers that are not positive only: for a negative z, multiply above and below
                      by exp(z).

Use `math.exp`.
"""

import math


def sigmoid(z):
    raise NotImplementedError
