"""The error of the output layer, with which backpropagation begins.

The cost of one sample is J = 1/2 ||y - h||^2 = 1/2 (sum over i of (y_i - h_i)^2), where h = f(z) is the output, and
f is the sigmoid. Its derivative with respect to z_i, by the chain rule, is called delta:

    delta_i = dJ/dz_i = dJ/dh_i f'(z_i)

The derivative of the sigmoid is f'(z) = f(z) (1 - f(z)), and f(z) is h: z itself is not needed.

Write `output_delta(Y, H)`: Y and H are arrays (m, n), a row for each sample; it returns the deltas, (m, n).
"""


def output_delta(Y, H):
    raise NotImplementedError
