"""onnxruntime: an ONNX model built in memory, with a Gemm and an activation for each layer. It does not train."""

from functools import partial
from typing import Any

import numpy as np

from benchmarks.contenders import ACTIVATIONS, Peer, Way, needs
from benchmarks.problem import Array, Call, Forward
from samenet.network import Network

_OPERATORS = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "Relu", "identity": "Identity", "softmax": "Softmax"}


def model(network: Network) -> bytes:
    """The network as an ONNX model: "x" (m, n_in) to "h" (m, n_out)."""
    from onnx import TensorProto, helper, numpy_helper

    kind = getattr(TensorProto, {"float64": "DOUBLE", "float32": "FLOAT"}[network.dtype.name])
    nodes, numbers, below = [], [], "x"
    for i, (W, b) in enumerate(zip(network.weights, network.biases, strict=True)):
        numbers += [numpy_helper.from_array(np.array(W), f"W{i}"), numpy_helper.from_array(np.array(b), f"b{i}")]
        above = "h" if i == len(network.weights) - 1 else f"h{i}"
        nodes.append(helper.make_node("Gemm", [below, f"W{i}", f"b{i}"], [f"z{i}"], transB=1))
        nodes.append(helper.make_node(_OPERATORS[network.activations[i]], [f"z{i}"], [above]))
        below = above
    ends = [
        helper.make_tensor_value_info(name, kind, ["m", n])
        for name, n in (("x", network.sizes[0]), ("h", network.sizes[-1]))
    ]
    graph = helper.make_graph(nodes, "network", ends[:1], ends[1:], numbers)
    # Opset 13 has all operators, and any runtime supports it.
    made: Any = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return bytes(made.SerializeToString())


def _forward(task: Forward) -> Call:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = task.threads, 1
    session = onnxruntime.InferenceSession(model(task.network), options, providers=["CPUExecutionProvider"])
    given = {"x": task.rows}

    def read(found: list[Array]) -> Array:
        return found[0].reshape(*task.x.shape[:-1], -1)

    return Call(lambda: session.run(None, given), read)


NAME = "onnxruntime"
PEER = Peer(
    NAME,
    {NAME: Way(_forward, "it does not train", "#56B4E9", "X", takes=ACTIVATIONS)},
    module="onnxruntime",
    requires=("onnx>=1.16", "onnxruntime>=1.18"),
    distributions=("onnxruntime", "onnx"),
    variables={"ORT_LOGGING_LEVEL": "3"},  # errors only
    absent=partial(needs, "onnx", "onnxruntime"),
)
