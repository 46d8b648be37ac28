"""Mistakes of a backend that only large networks, many samples or many updates show."""

from samenet.testing.mutation import Mutant

_PRODUCT = "h = z = np.dot(layer_inputs[-1], W.T, out=out[layer])"
_SLOPE = "np.dot(delta.T, layer_inputs[layer], out=g.weights[layer])"
MUTANTS = (
    # large networks
    Mutant(
        "inputs of a block alone",
        _PRODUCT,
        "h = z = np.dot(layer_inputs[-1][..., :1024], W.T[:1024], out=out[layer])",
        "large networks",
        "nodes of a layer beyond a certain number are not read by the next layer",
    ),
    Mutant(
        "nodes of a block alone",
        _PRODUCT,
        f"{_PRODUCT}; z[..., 1024:] = 0",
        "large networks",
        "nodes of a layer beyond a certain number are not computed",
    ),
    Mutant(
        "samples of a block alone",
        _PRODUCT,
        f"{_PRODUCT}; z[1024:] = z[1024:] if z.ndim == 1 else 0",
        "large networks",
        "samples beyond a certain number are not computed",
    ),
    Mutant(
        "layers of a block alone",
        "for layer, W in enumerate(weights or model.weights):",
        "for layer, W in enumerate((*(weights or model.weights)[:16], *[0 * W for W in model.weights[16:]])):",
        "large networks",
        "layers beyond a certain number are left out",
    ),
    # large gradients
    Mutant(
        "slope of a block of samples alone",
        _SLOPE,
        "np.dot(delta[:1024].T, layer_inputs[layer][:1024], out=g.weights[layer])",
        "large gradients",
        "samples beyond a certain number do not count in the gradient",
    ),
    Mutant(
        "slope of a block of inputs alone",
        _SLOPE,
        f"{_SLOPE}; g.weights[layer][:, 1024:] = 0",
        "large gradients",
        "weights of inputs beyond a certain number have no gradient",
    ),
    Mutant(
        "slope of a block of nodes alone",
        _SLOPE,
        f"{_SLOPE}; g.weights[layer][1024:] = 0",
        "large gradients",
        "weights of nodes beyond a certain number have no gradient",
    ),
    # late updates
    Mutant(
        "number of updates in a byte",
        "_STEPS[rule.name](theta, g, alpha, rule, state.t, *state.values)",
        "_STEPS[rule.name](theta, g, alpha, rule, state.t % 256 or 1, *state.values)",
        "late updates",
        "the number of updates is not kept beyond a certain one, or begins again",
    ),
    Mutant(
        "epochs of a block alone",
        "alphas = np.broadcast_to(alpha, epochs).tolist()",
        "epochs = min(epochs, 128); alphas = np.broadcast_to(alpha, epochs).tolist()",
        "late updates",
        "epochs of a call beyond a certain number are left out",
    ),
)
