"""A backend in C, compiled on the first import and called through cffi: feed-forward and backpropagation.

samenet check examples/backends/c_by_cffi.py        # needs a C compiler, and pip install cffi
"""

import hashlib
import os
import subprocess
from pathlib import Path

import cffi
import numpy as np

SOURCE = """
#include <math.h>

enum { SIGMOID, TANH, RELU, IDENTITY };

static real activate(int f, real z) {
    if (f == SIGMOID) return z >= 0 ? 1 / (1 + exp(-z)) : exp(z) / (1 + exp(z));
    if (f == TANH) return tanh(z);
    if (f == RELU) return z <= 0 ? 0 : z;      /* NaN stays NaN */
    return z;
}

static real slope(int f, real h) {             /* f'(z), from h = f(z) */
    if (f == SIGMOID) return h * (1 - h);
    if (f == TANH) return (1 - h) * (1 + h);
    if (f == RELU) return h > 0;
    return 1;
}

/* H = f(X W^T + b) for m rows of n numbers, each to k. */
void forward(int m, int n, int k, const real *W, const real *b, const real *X, real *H, int f) {
    for (int s = 0; s < m; s++)
        for (int i = 0; i < k; i++) {
            real z = b ? b[i] : 0;
            for (int j = 0; j < n; j++) z += W[i * n + j] * X[s * n + j];
            H[s * k + i] = activate(f, z);
        }
}

/* From D = dJ/dH of a layer: D f'(Z) in its place; dJ/dW, dJ/db; and dJ/dX. */
void backward(int m, int n, int k, const real *W, const real *X, const real *H, real *D, real *gW, real *gb, real *E,
              int f) {
    for (int s = 0; s < m; s++)
        for (int i = 0; i < k; i++) D[s * k + i] *= slope(f, H[s * k + i]);
    for (int s = 0; s < m; s++)
        for (int i = 0; i < k; i++) {
            real d = D[s * k + i];
            if (gb) gb[i] += d;
            for (int j = 0; j < n; j++) {
                gW[i * n + j] += d * X[s * n + j];
                E[s * n + j] += d * W[i * n + j];
            }
        }
}
"""
FUNCTIONS = ("sigmoid", "tanh", "relu", "identity")
POINTERS = {np.dtype(np.float64): "double", np.dtype(np.float32): "float"}
_ffi = cffi.FFI()


def _library(real):
    """The C code for one type of numbers, compiled once for all processes."""
    folder = Path(__file__).parent / "__pycache__"
    folder.mkdir(exist_ok=True)
    path = folder / f"{hashlib.sha256(SOURCE.encode()).hexdigest()[:16]}-{real}.so"
    if not path.exists():
        own = path.with_suffix(f".{os.getpid()}")
        command = ["cc", "-O2", "-shared", "-fPIC", f"-Dreal={real}", "-x", "c", "-", "-o", str(own), "-lm"]
        subprocess.run(command, input=SOURCE.encode(), check=True)
        own.replace(path)
    heads = [line for line in SOURCE.replace("E,\n              int", "E, int").splitlines() if line.startswith("void")]
    ffi = cffi.FFI()
    ffi.cdef("".join(head.rstrip(" {") + ";" for head in heads).replace("real", real))
    return ffi.dlopen(str(path))


LIBRARIES = {dtype: _library(real) for dtype, real in POINTERS.items()}


def _pointer(array):
    return _ffi.NULL if array is None else _ffi.cast(f"{POINTERS[array.dtype]} *", array.ctypes.data)


def _functions(model):
    if not {*model.activations} <= {*FUNCTIONS}:
        raise NotImplementedError("no softmax")
    return [FUNCTIONS.index(name) for name in model.activations]


def feed_forward(model, x):
    """The activations of every layer, for one sample or for rows of samples."""
    C, h = LIBRARIES[model.dtype], [x]
    for l, (W, f) in enumerate(zip(model.weights, _functions(model), strict=True)):
        out = np.empty((*x.shape[:-1], len(W)), model.dtype)
        b = model.biases[l] if model.bias else None
        m = 1 if x.ndim == 1 else len(x)
        C.forward(m, W.shape[1], len(W), _pointer(W), _pointer(b), _pointer(h[-1]), _pointer(out), f)
        h.append(out)
    return h


def gradient(model, X, Y, reduction="mean"):
    """The cost 1/2 ||y - h||^2 and its gradient, by backpropagation."""
    if model.cost_function != "squared_error" or model.l1 or model.l2:
        raise NotImplementedError("the squared error alone, without penalties")
    C, h, functions, g = LIBRARIES[model.dtype], feed_forward(model, X), _functions(model), model.theta.empty_like()
    g.flat[:] = 0
    share = model.dtype.type(1 / len(X) if reduction == "mean" else 1)
    errors = share * (h[-1] - Y)
    for l in reversed(range(len(model.weights))):
        W, before = model.weights[l], np.zeros_like(h[l])
        gb = g.biases[l] if model.bias else None
        arrays = map(_pointer, (W, h[l], h[l + 1], errors, g.weights[l], gb, before))
        C.backward(len(X), W.shape[1], len(W), *arrays, functions[l])
        errors = before
    return 0.5 * float(share) * float(((Y - h[-1]) ** 2).sum()), g
