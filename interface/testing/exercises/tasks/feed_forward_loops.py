"""Feed-forward with loops, for one sample: from the input to the activations of every layer.

A network of L layers has L - 1 matrices W and L - 1 vectors b:

    h1 = x
    z_i = sum over j of W[i][j] h_j, plus b[i]        for every node i of the next layer
    h_i = f(z_i)                                      f is the sigmoid, which is written below

Write `feed_forward(weights, biases, x)`:

    weights  a list of matrices, each a list of rows: weights[l][i][j] leads to node i of layer l + 1 from node j of
             layer l
    biases   a list of lists of numbers: biases[l][i] is that of node i of layer l + 1; an empty list for a network
             without biases
    x        a list of numbers, the input

It returns a list of lists: [x, h2, ..., hL]. For example,

    feed_forward([[[0.5, -0.5]]], [[0.25]], [1.0, 1.0])  is  [[1.0, 1.0], [0.5621765008857981]]
"""

import math


def sigmoid(z):
    return 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))


def feed_forward(weights, biases, x):
    raise NotImplementedError
