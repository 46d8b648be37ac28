"""A network as one C99 header, which allocates no memory and needs only math.h."""

import os
import textwrap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.export.bound import Errors
from samenet.export.layers import Exported, exported
from samenet.validation import checks

# In these templates, REAL is double or float, F is empty or f, and NAME is the prefix of all names in the header.
_AFFINE = """\
/* z = W x + b; W has n_out rows of n_in numbers. */
static inline void NAME_affine(int n_out, int n_in, const REAL *W, const REAL *b, const REAL *x, REAL *z)
{
    for (int i = 0; i < n_out; i++) {
        REAL sum = 0;
        for (int j = 0; j < n_in; j++)
            sum += W[i * n_in + j] * x[j];
        z[i] = sum + b[i];
    }
}
"""
_FUNCTIONS = {
    "sigmoid": """\
static inline void NAME_sigmoid(int n, REAL *z)
{
    for (int i = 0; i < n; i++) {
        REAL t = expF(-fabsF(z[i])); /* at most 1: it cannot overflow */
        z[i] = (z[i] < 0 ? t : 1) / (1 + t);
    }
}
""",
    "tanh": """\
static inline void NAME_tanh(int n, REAL *z)
{
    for (int i = 0; i < n; i++)
        z[i] = tanhF(z[i]);
}
""",
    "relu": """\
static inline void NAME_relu(int n, REAL *z)
{
    for (int i = 0; i < n; i++)
        z[i] = z[i] <= 0 ? 0 : z[i]; /* a NaN stays one */
}
""",
    "softmax": """\
static inline void NAME_softmax(int n, REAL *z)
{
    REAL largest = z[0], sum = 0;
    for (int i = 1; i < n; i++)
        largest = z[i] > largest ? z[i] : largest;
    for (int i = 0; i < n; i++)
        sum += z[i] = expF(z[i] - largest);
    for (int i = 0; i < n; i++)
        z[i] /= sum;
}
""",
}


def to_c(
    network: Any,
    path: str | os.PathLike[str],
    *,
    name: str | None = None,
    dtype: checks.DType | None = None,
    within: float = 1.0,
) -> Errors:
    """Write a network as a C header with one function, `void NAME_predict(const double x[n_in], double h[n_out])`.

    name    the prefix of all names in it, an identifier; made from the file's name if None
    dtype   numpy.float64 for double, numpy.float32 for float; the network's if None
    within  the largest magnitude of an input, for the error bound that the header states and that is returned

    Raises ValueError or TypeError, naming the argument, for anything else, and for parameters that are not finite in
    this dtype.
    """
    kind = None if dtype is None else checks.dtype(dtype)
    made = exported(network, path, within, kind, kind)
    prefix = made.name if name is None else _identifier(name)
    made.write(_text(made, prefix, made.model.dtype if kind is None else kind))
    return made.errors


def _identifier(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"name: expected text, got {checks.short(name)} ({type(name).__name__})")
    if not (name.isascii() and name.isidentifier() and name[0] != "_" and len(name) <= 40):
        raise ValueError(f"name: expected an identifier of C, of at most 40 letters, got {checks.short(name)}")
    return str.__str__(name)  # a plain str, even for a subclass


def _text(made: Exported, name: str, dtype: np.dtype[Any]) -> str:
    sizes, layers = made.model.sizes, made.layers
    real, suffix = ("float", "f") if dtype == np.float32 else ("double", "")
    functions = [_AFFINE if made.model.bias else _AFFINE.replace(", const REAL *b", "").replace(" + b[i]", "")]
    functions += [_FUNCTIONS[a] for a in dict.fromkeys(layer.activation for layer in layers) if a != "identity"]
    numbers, calls, below = [], [], "x"
    for i, (layer, n_in, n_out) in enumerate(zip(layers, sizes, sizes[1:], strict=False), 1):
        above = "h" if i == len(layers) else f"h{i % 2}"
        given = [f"{name}_W{i}"]
        numbers.append(_array(f"{name}_W{i}", layer.W, real, suffix))
        if layer.b is not None:
            given.append(f"{name}_b{i}")
            numbers.append(_array(f"{name}_b{i}", layer.b, real, suffix))
        calls.append(f"    {name}_affine({n_out}, {n_in}, {', '.join(given)}, {below}, {above});\n")
        if layer.activation != "identity":
            calls.append(f"    {name}_{layer.activation}({n_out}, {above});\n")
        below = above
    hidden = {f"h{i % 2}": max(sizes[i:-1:2]) for i in (2, 1) if sizes[i:-1:2]}
    buffers = [f"    {real} {buffer}[{n}];\n" for buffer, n in sorted(hidden.items())]
    code = "\n".join(functions).replace("REAL", real)
    for function in ("exp", "fabs", "tanh"):
        code = code.replace(f"{function}F(", f"{function}{suffix}(")
    code = code.replace("NAME", name)  # last, as it may be any text
    constants = sum(array.size for layer in layers for array in (layer.W, layer.b) if array is not None)
    says = [
        *made.says,
        f"{name}_predict(x, h) takes {sizes[0]} inputs x, and writes {sizes[-1]} outputs h, which must not overlap x.",
        f"It allocates nothing: {constants} numbers are constants, and {sum(hidden.values())} more are on the stack. "
        "C99; link with -lm.",
    ]
    comment = "\n".join(line for text in says for line in textwrap.wrap(text, 114))
    return (
        f"/*\n{textwrap.indent(comment, '   ')}\n*/\n"
        f"#ifndef {name.upper()}_H\n#define {name.upper()}_H\n\n#include <math.h>\n\n"
        f"#define {name.upper()}_INPUTS {sizes[0]}\n#define {name.upper()}_OUTPUTS {sizes[-1]}\n\n"
        f"{''.join(numbers)}\n{code}\n"
        f"static inline void {name}_predict(const {real} x[{sizes[0]}], {real} h[{sizes[-1]}])\n"
        f"{{\n{''.join(buffers)}{''.join(calls)}}}\n\n#endif\n"
    )


def _array(name: str, values: NDArray[Any], real: str, suffix: str) -> str:
    """A constant array; numbers in hexadecimal are exact."""
    numbers = ", ".join(f"{value.hex()}{suffix}" for value in values.astype(np.float64).ravel().tolist())
    lines = textwrap.wrap(numbers, 114, break_long_words=False, break_on_hyphens=False)
    return f"static const {real} {name}[{values.size}] = {{\n" + textwrap.indent("\n".join(lines), "    ") + "\n};\n"
