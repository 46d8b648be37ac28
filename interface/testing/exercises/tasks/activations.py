"""Other activation functions, on arrays.

Z is an array of any shape, with the nodes of a layer along its last axis; each function returns a new array of its
shape and dtype.

    tanh(Z)      the hyperbolic tangent of each number: NumPy has it
    relu(Z)      max(0, z) for each number z; NaN stays NaN
    softmax(Z)   exp(z_i) / (sum over the nodes k of exp(z_k)): the results of one sample are positive, and sum to 1.
                 exp(1000) is infinite, and infinity / infinity is NaN: subtract the largest z of each sample first,
                 which changes nothing. (`keepdims=True` keeps an axis of length 1 that can be subtracted.)
"""

import numpy as np


def tanh(Z):
    raise NotImplementedError


def relu(Z):
    raise NotImplementedError


def softmax(Z):
    raise NotImplementedError
