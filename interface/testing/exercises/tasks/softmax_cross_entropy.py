"""Softmax with the cross-entropy, for several classes.

The outputs are h = softmax(z), h_i = exp(z_i) / (sum over k of exp(z_k)), and the cost of one sample is

    J = - (sum over i of y_i ln h_i)

Arrays have a row for each of m samples and a column for each class.

    softmax(Z)   (m, n); subtract the largest z of each row first, so that exp does not overflow
    cost(Y, Z)   the sum of J over all samples, a float. If h is rounded to 0, ln h is infinite; so compute it from z:
                 ln h_i = z_i - ln(sum over k of exp(z_k)), with the largest z of the row subtracted before exp, and
                 added again after ln
    delta(Y, H)  dJ/dz, (m, n). The slope of softmax cancels in it: delta_i = h_i (sum over k of y_k) - y_i, which is
                 h_i - y_i where the targets of a sample sum to 1. Here they need not.
"""

import numpy as np


def softmax(Z):
    raise NotImplementedError


def cost(Y, Z):
    raise NotImplementedError


def delta(Y, H):
    raise NotImplementedError
