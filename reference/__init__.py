"""The reference: the network as nested loops over layers, nodes and weights, one sample at a time.

Only the standard library is imported. The loops index their arguments as `weights[l][i][j]`, so nested lists and
arrays both work; `samenet.model.parameters` and the fast backends use NumPy, this package does not.

Read it in this order: `sigmoid`, `forward` (tutorial 000, section 3), `backward` (section 4), `objective`, `descent`,
`optimizers`; then the other activation functions, `activations`, the costs, `costs`, the masks, `dropout`, rows drawn
by importance, `sampling`, weights of samples, `sample_weight`, and batch normalization, `normalization` and
`layerwise`.

=========  ==============================================================================================
x, y       one sample and its target; X, Y: many of them, one per row
h          activations of one layer; h[0] = x is the input, h[-1] the output
z          weighted sum of one node, to which the activation f is applied
W, b       weights[l][i][j]: to node i of layer l + 1 from node j of layer l; biases[l][i]: of node i of layer l + 1
gamma      the factors of a layer with batch normalization, gammas[l][i]; n, its normalized weighted sums
delta      dJ/dz, the error of a node
alpha      the learning rate
=========  ==============================================================================================
"""

from typing import TYPE_CHECKING, Any

from samenet.reference.activations import ACTIVATIONS
from samenet.reference.backward import Gradient, batch_gradient, sample_gradient
from samenet.reference.costs import COSTS, penalty
from samenet.reference.descent import run_updates
from samenet.reference.dropout import mask, weight_masks
from samenet.reference.forward import feed_forward, forward_sample, predict
from samenet.reference.objective import evaluate, gradient
from samenet.reference.optimizers import RULES
from samenet.reference.sigmoid import sigmoid, sigmoid_slope

if TYPE_CHECKING:
    from samenet.reference.network import Network

__all__ = [
    "ACTIVATIONS",
    "COSTS",
    "RULES",
    "Gradient",
    "Network",
    "batch_gradient",
    "evaluate",
    "feed_forward",
    "forward_sample",
    "gradient",
    "mask",
    "penalty",
    "predict",
    "run_updates",
    "sample_gradient",
    "sigmoid",
    "sigmoid_slope",
    "weight_masks",
]


NORMALIZES = WEIGHS = True  # see `samenet.backends.generic`


def __getattr__(name: str) -> Any:
    if name == "Network":  # the user's class needs NumPy; the loops do not
        from samenet.reference import network

        return network.Network
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
