"""The error of a hidden layer: how backpropagation goes back.

A node j of a hidden layer affects the cost through all nodes i of the next layer:

    delta_j = (sum over i of W[i][j] delta_i) f'(z_j)

where delta_i are the errors of the next layer, and W is the matrix that leads to it, (n_next, n). f is the sigmoid:
f'(z_j) = h_j (1 - h_j), with h the hidden layer's own activations.

Write `hidden_delta(W, delta, H)`: W is (n_next, n), delta (m, n_next), H (m, n), with a row for each of m samples. It
returns the deltas of the hidden layer, (m, n).
"""


def hidden_delta(W, delta, H):
    raise NotImplementedError
