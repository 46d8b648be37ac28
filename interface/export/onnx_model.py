"""A network as an ONNX model; `pip install "samenet[export]"` installs onnx."""

import os
from typing import Any

import numpy as np

from samenet import __version__
from samenet.export.bound import Errors
from samenet.export.layers import Exported, exported
from samenet.output import files

OPSET = 13  # the first opset whose Softmax is over one axis; every runtime supports it
_IR_VERSION = 8
_LARGEST = 1 << 31  # the largest size of a model in bytes
_OPERATORS = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "Relu", "softmax": "Softmax"}


def to_onnx(network: Any, path: str | os.PathLike[str], *, within: float = 1.0) -> Errors:
    """Write a network as an ONNX model, from "x" (m, n_in) to "h" (m, n_out), in its dtype; opset 13.

    within  the largest magnitude of an input, for the error bound that the model states and that is returned. It is for
            runtimes whose functions are as accurate as the bound takes them to be. onnxruntime's are: its sigmoid and
            tanh of float32 are approximations, but within 8 u and 16 u

    Raises ValueError or TypeError, naming the argument, for anything else, and for parameters that are not finite;
    ImportError, which says how to install it, without the package onnx.
    """
    made = exported(network, path, within)
    if made.model.parameters.nbytes >= _LARGEST:
        raise ValueError(
            f"network: expected less than {_LARGEST} bytes of parameters, got {made.model.parameters.nbytes}"
        )
    data = _model(made)
    files.write(made.path, lambda temporary: temporary.write_bytes(data))
    return made.errors


def _model(made: Exported) -> bytes:
    try:
        import onnx
        from onnx import TensorProto, helper, numpy_helper
    except ImportError as error:
        raise ImportError('ONNX models need onnx; install it with: pip install "samenet[export]"') from error
    kind = TensorProto.FLOAT if made.model.dtype == np.float32 else TensorProto.DOUBLE
    nodes, numbers, below = [], [], "x"
    for i, (W, b, activation) in enumerate(made.layers, 1):
        given = {f"W{i}": W} | ({} if b is None else {f"b{i}": b})
        numbers += [numpy_helper.from_array(np.ascontiguousarray(array), name) for name, array in given.items()]
        above = "h" if i == len(made.layers) else f"h{i}"
        z = above if activation == "identity" else f"z{i}"
        nodes.append(helper.make_node("Gemm", [below, *given], [z], transB=1))
        if activation != "identity":
            nodes.append(helper.make_node(_OPERATORS[activation], [z], [above]))
        below = above
    ends = [
        helper.make_tensor_value_info(name, kind, ["m", n])
        for name, n in (("x", made.model.sizes[0]), ("h", made.model.sizes[-1]))
    ]
    model = helper.make_model(
        helper.make_graph(nodes, made.name, ends[:1], ends[1:], numbers),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=_IR_VERSION,
        producer_name="samenet",
        producer_version=__version__,
        doc_string=" ".join(made.says),
    )
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
