"""Momentum: descent with a velocity, which keeps a fraction of the last step.

    v := beta v - alpha g
    theta := theta + v

theta, v and g are vectors of the same length; alpha, the learning rate, and beta, from 0 to 1, are numbers. v is
initially 0.

Write `momentum(theta, v, g, alpha, beta)`: it returns the pair (theta, v) after the update, as new arrays.
"""


def momentum(theta, v, g, alpha, beta):
    raise NotImplementedError
