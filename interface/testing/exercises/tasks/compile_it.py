"""The loops again, compiled with Numba: as readable, and fast.

    from numba import njit

compiles a function to machine code when it is called for the first time, if it is decorated with @njit. Inside, plain
loops over the numbers of arrays are fast.

Write `layer(W, b, h)`, compiled: W is an array (n_out, n_in), b (n_out,), h (n_in,). It returns a new array
(n_out,) with

    z_i = b[i] + sum over j of W[i, j] h[j],        h_i = 1 / (1 + exp(-z_i))

by loops over i and j. (exp(1000) is infinity in compiled code, without an error, and 1 / infinity is 0.) `math.exp`
and `np.empty_like(b)` can be used in compiled code. Compiled code does not check that an index lies within its array: a
wrong one reads whatever stands there in memory.
"""

import math

import numpy as np
from numba import njit


def layer(W, b, h):
    raise NotImplementedError
