"""The gradient of weights and biases, from the deltas.

A weight W[i][j] leads from node j, with activation h_j, to node i, with error delta_i. For one sample

    dJ/dW[i][j] = delta_i h_j        dJ/db[i] = delta_i

and over m samples these are summed.

Write `weight_gradient(delta, H)`: delta is (m, n_out), H, the activations of the layer before, (m, n_in). It
returns a pair (dW, db), of shapes (n_out, n_in) and (n_out,), the sums over the samples. (For the mean, the caller has
already divided delta by m: do not divide again.)
"""


def weight_gradient(delta, H):
    raise NotImplementedError
