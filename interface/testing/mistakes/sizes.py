"""Mistakes of a backend that only large networks, many samples or many updates show."""

from samenet.testing.mutation import Mutant

_PRODUCT = "z = _product(xp, layer_inputs[-1], W.T)"
_SLOPE = "slope = _product(xp, delta.T, layer_inputs[layer], into and into.weights[layer])"
MUTANTS = (
    # large networks
    Mutant(
        "inputs of a block alone",
        _PRODUCT,
        "z = _product(xp, layer_inputs[-1][..., :1024], W.T[:1024])",
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
        "enumerate(weights or theta.weights)",
        "enumerate((*(weights or theta.weights)[:16], *[0 * W for W in theta.weights[16:]]))",
        "large networks",
        "layers beyond a certain number are left out",
    ),
    # large gradients
    Mutant(
        "slope of a block of samples alone",
        _SLOPE,
        _SLOPE.replace("delta.T, layer_inputs[layer]", "delta[:1024].T, layer_inputs[layer][:1024]"),
        "large gradients",
        "samples beyond a certain number do not count in the gradient",
    ),
    Mutant(
        "slope of a block of inputs alone",
        _SLOPE,
        f"{_SLOPE}; slope[:, 1024:] = 0",
        "large gradients",
        "weights of inputs beyond a certain number have no gradient",
    ),
    Mutant(
        "slope of a block of nodes alone",
        _SLOPE,
        f"{_SLOPE}; slope[1024:] = 0",
        "large gradients",
        "weights of nodes beyond a certain number have no gradient",
    ),
    # late updates
    Mutant(
        "number of updates in a byte",
        "scales(run.rule, alphas[i // batches], t + i + 1)",
        "scales(run.rule, alphas[i // batches], (t + i + 1) % 256 or 1)",
        "late updates",
        "the number of updates is not kept beyond a certain one, or begins again",
    ),
    Mutant(
        "epochs of a block alone",
        "_factors(run, alpha, epochs, state.t)",
        "_factors(run, alpha[:128] if np.ndim(alpha) else alpha, min(epochs, 128), state.t)",
        "late updates",
        "epochs of a call beyond a certain number are left out",
    ),
)
