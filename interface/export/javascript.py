"""A network as a JavaScript module without dependencies; JavaScript's numbers are float64."""

import json
import os
import textwrap
from typing import Any

import numpy as np

from samenet.export.bound import Errors
from samenet.export.layers import Exported, exported

_FUNCTIONS = {
    "sigmoid": """\
const sigmoid = (z) => z.map((v) => {
  const t = Math.exp(-Math.abs(v)); // at most 1: it cannot overflow
  return (v < 0 ? t : 1) / (1 + t);
});
""",
    "tanh": "const tanh = (z) => z.map(Math.tanh);\n",
    "relu": "const relu = (z) => z.map((v) => (v <= 0 ? 0 : v)); // a NaN stays one\n",
    "identity": "const identity = (z) => z;\n",
    "softmax": """\
const softmax = (z) => {
  const largest = z.reduce((a, b) => Math.max(a, b));
  const powers = z.map((v) => Math.exp(v - largest));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((p) => p / sum);
};
""",
}
_PREDICT = """\
// The outputs, an array of numbers, for an array of inputs.
export function predict(x) {
  if (x.length !== inputs) throw new RangeError(`x: expected ${inputs} numbers, got ${x.length}`);
  let h = x;
  for (const { W, b, activate } of layers) {
    const below = h;
    h = activate(W.map((row, i) => row.reduce((sum, w, j) => sum + w * below[j], 0) + b[i]));
  }
  return h;
}
"""


def to_js(network: Any, path: str | os.PathLike[str], *, within: float = 1.0) -> Errors:
    """Write a network as a JavaScript module that exports `predict(x)`, `inputs` and `outputs`, their numbers.

    path    a name that ends in .mjs is a module in every runtime; other names, only if the project's settings say so
    within  the largest magnitude of an input, for the error bound that the module states and that is returned

    Raises ValueError or TypeError, naming the argument, for anything else, and for parameters that are not finite.
    """
    made = exported(network, path, within, np.float64)
    made.write(_text(made))
    return made.errors


def _text(made: Exported) -> str:
    names = dict.fromkeys(layer.activation for layer in made.layers)
    code = (
        _PREDICT
        if made.model.bias
        else _PREDICT.replace(", b, ", ", ").replace(" + b[i]", "").replace("(row, i)", "row")
    )
    layers = []
    for W, b, activation in made.layers:
        rows = ",\n".join(f"      {_numbers(row)}" for row in W)
        biases = "" if b is None else f"\n    b: {_numbers(b)},"
        layers.append(f"  {{\n    activate: {activation},{biases}\n    W: [\n{rows},\n    ],\n  }},\n")
    says = "\n".join(line for text in made.says for line in textwrap.wrap(text, 114))
    sizes = made.model.sizes
    return (
        f"{textwrap.indent(says, '// ')}\n\nexport const inputs = {sizes[0]};\nexport const outputs = {sizes[-1]};\n\n"
        f"{''.join(_FUNCTIONS[name] for name in names)}\nconst layers = [\n{''.join(layers)}];\n\n{code}"
    )


def _numbers(values: Any) -> str:
    """The shortest decimal numbers that are read back as these; float32 numbers are converted to float64 first."""
    return json.dumps(values.astype(np.float64).tolist())
