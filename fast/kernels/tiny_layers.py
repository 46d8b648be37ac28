"""The layers of a network so small that each fits into a few vector registers: forward, backward, parameters."""

from numba import boolean, float64, int64

from samenet.fast.kernels.activations import BINARY_CROSS_ENTROPY, CROSS_ENTROPY, RELU, SIGMOID, SOFTMAX, TANH, activate
from samenet.fast.kernels.codegen.arithmetic import where
from samenet.fast.kernels.codegen.compiling import external, kernel
from samenet.fast.kernels.codegen.registers import broadcast, first, lanewise, load, products, store
from samenet.fast.kernels.elementary import sigmoid, tanh
from samenet.fast.kernels.penalties import add_penalties

_sigmoid, _tanh = lanewise(sigmoid), lanewise(tanh)
_relu = lanewise(lambda z: where(z, "<", 0.0, 0.0, z))
multiply_add = lanewise(lambda a, b, c: a * b + c)
less = lanewise(lambda a, b: a - b)
times = lanewise(lambda a, b: a * b)
plus = lanewise(lambda a, b: a + b)
_through_sigmoid = lanewise(lambda h, e: e * (h * (1.0 - h)))
_through_tanh = lanewise(lambda h, e: e * ((1.0 - h) * (1.0 + h)))
_through_relu = lanewise(lambda h, e: e * where(h, ">", 0.0, 1.0, 0.0))
through_softmax = lanewise(lambda h, e, mean: h * (e - mean))
through_softmax_and_cost = lanewise(lambda h, y, total, factor: h * total - factor * y)


@kernel(inlined=True)
def _activate(code, z):
    if code == SIGMOID:
        return _sigmoid(z)
    if code == TANH:
        return _tanh(z)
    if code == RELU:
        return _relu(z)
    return z


@kernel(inlined=True)
def back_through(code, h, e):
    """dJ/dz, from e = dJ/dh and the layer's output h."""
    if code == SIGMOID:
        return _through_sigmoid(h, e)
    if code == TANH:
        return _through_tanh(h, e)
    if code == RELU:
        return _through_relu(h, e)
    return e


@kernel()
def back_through_softmax(width, H, q, e, k):
    """e := dJ/dz in place of e = dJ/dh, from the k outputs of a softmax, which begin in H at q."""
    mean = 0.0
    for i in range(k):
        mean += e[i] * H[q + i]
    for v in range(0, k, len(width)):
        store(e, v, first(through_softmax(load(width, H, q + v), load(width, e, v), mean), k - v))


@kernel(inlined=True)
def row_of(width, several, k):
    """The length of a row of k numbers in whole registers; one register unless `several`."""
    return len(width) if len(several) == 1 else -(-k // len(width)) * len(width)


@kernel()
def row_length(lanes, several, k):
    """The same for a number of lanes, where it need not be known to the compiler."""
    return -(-k // lanes) * lanes if several else lanes


@external(lambda f: (int64, boolean, f[::1], int64[::1], boolean, boolean, f[::1]))
def pack(lanes, several, theta, sizes, bias, back, P):
    """P := theta with W^T for W, and rows and biases in whole registers; or, with `back`, theta := P."""
    p = q = 0
    for layer in range(sizes.size - 1):
        n, k = sizes[layer], sizes[layer + 1]
        row = row_length(lanes, several, k)
        for j in range(n + bias):
            for i in range(k):
                place = p + i * n + j if j < n else p + n * k + i
                if back:
                    theta[place] = P[q + j * row + i]
                else:
                    P[q + j * row + i] = theta[place]
        p += k * (n + bias)
        q += (n + 1) * row


@kernel(inlined=True)
def add_to(width, a, i, b, c):
    """a += b c for one register."""
    store(a, i, multiply_add(b, c, load(width, a, i)))


@kernel(inlined=True)
def forward(width, several, P, sizes, codes, cost, H, D, masks, Z):
    """The activations of all layers, in whole registers, from the input at the start of D; returns the index of the
    last.

    masks: None, or with dropout the factors of the hidden nodes, laid out like H; D then receives the masked
    activations. Without dropout, D is H. Z receives the `z` of `activations.value`.
    """
    lanes, layers = len(width), sizes.size - 1
    p, q, out = 0, 0, row_of(width, (0, 0), sizes[0])
    for layer in range(layers):
        n, k = sizes[layer], sizes[layer + 1]
        row = row_of(width, several, k)
        for v in range(0, row, lanes):
            z = load(width, P, p + n * row + v)
            for j in range(n):
                z = multiply_add(broadcast(width, D, q + j), load(width, P, p + j * row + v), z)
            if cost == BINARY_CROSS_ENTROPY and layer == layers - 1:
                store(Z, v, z)
            store(H, out + v, first(_activate(codes[layer + 1], z), k - v))  # infinite inputs make NaN in padding
        if codes[layer + 1] == SOFTMAX and (cost != CROSS_ENTROPY or layer < layers - 1):
            activate(SOFTMAX, H[out : out + k], k)
        if masks is not None and layer < layers - 1:
            for v in range(0, row if masks.size else 0, lanes):
                store(D, out + v, times(load(width, H, out + v), load(width, masks, out + v)))
        p += (n + 1) * row
        q, out = out, out + row
    return q


@kernel(inlined=True)
def add_gradient(width, several, P, G, sizes, codes, at_once, factor, H, D, masks, q, delta, below):
    """G += the gradient for one sample; or, `at_once`, P += factor times it.

    delta: dJ/dz of the output layer, which begins in H at q. below: memory as long as delta. D, masks: see `forward`.
    """
    lanes, p, bias = len(width), P.size, codes[0] == 1
    for layer in range(sizes.size - 2, -1, -1):
        n, k = sizes[layer], sizes[layer + 1]
        row = row_of(width, several, k)
        p -= (n + 1) * row
        q = q - row_of(width, several, n) if layer else 0
        if layer:
            for j in range(0, row_of(width, several, n), lanes):
                errors = products(P, p + j * row, row, n - j, load(width, delta, 0))
                for v in range(lanes, row, lanes):
                    errors = plus(errors, products(P, p + j * row + v, row, n - j, load(width, delta, v)))
                if masks is not None and masks.size:
                    errors = times(errors, load(width, masks, q + j))
                store(below, j, back_through(codes[layer], load(width, H, q + j), errors))
            if codes[layer] == SOFTMAX:
                back_through_softmax(width, H, q, below, n)
        for v in range(0, row, lanes):
            d = load(width, delta, v)
            if at_once:
                for j in range(n):
                    add_to(width, P, p + j * row + v, times(broadcast(width, D, q + j), d), factor)
                if bias:
                    add_to(width, P, p + n * row + v, d, factor)
            else:
                for j in range(n):
                    add_to(width, G, p + j * row + v, broadcast(width, D, q + j), d)
                if bias:
                    store(G, p + n * row + v, plus(load(width, G, p + n * row + v), d))
        delta, below = below, delta


@external(lambda f: (int64, boolean, f[::1], f[::1], int64[::1], float64, float64), returns=float64)
def penalty(lanes, several, P, G, sizes, l1, l2):
    """G += the gradient of the penalties on weights; returns the penalties."""
    p, total = 0, 0.0
    for layer in range(sizes.size - 1):
        row = row_length(lanes, several, sizes[layer + 1])
        end = p + sizes[layer] * row
        total += add_penalties(G[p:end], P[p:end], l1, l2)
        p = end + row
    return total
