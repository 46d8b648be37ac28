"""Mistakes of a backend with unusual numbers, with memory, and in repeated calls."""

from samenet.testing.mutation import Mutant

MUTANTS = (
    # saturation
    Mutant(
        "exponential without bound",
        "np.reciprocal(z, out=z)",
        "np.divide(z - 1, z, out=z)",
        "saturation",
        "exp(z) overflows: exp(z) / (1 + exp(z)) is NaN for large z; use 1 / (1 + exp(-z))",
        (("np.negative(z, out=z)", "pass"),),
    ),
    Mutant(
        "softmax without its largest",
        "z -= z.max(axis=-1, keepdims=True)",
        "pass",
        "saturation",
        "exp overflows in softmax: subtract the largest z first",
    ),
    Mutant(
        "softmax without the largest of each",
        "z -= z.max(axis=-1, keepdims=True)",
        "z -= z.max()",
        "saturation",
        "softmax subtracts the largest z of all samples: subtract that of each sample",
    ),
    Mutant(
        "binary cross-entropy from h",
        "np.maximum(z, 0) - Y * z + np.log1p(np.exp(-np.abs(z)))",
        "-Y * np.log(1 / (1 + np.exp(-z))) - (1 - Y) * np.log(1 - 1 / (1 + np.exp(-z)))",
        "saturation",
        "ln h is of a rounded h: compute the binary cross-entropy from z",
    ),
    Mutant(
        "cross-entropy from h",
        "(logarithm - z)",
        "-np.log(np.exp(z - logarithm))",
        "saturation",
        "ln h is of a rounded h: compute the cross-entropy from z",
    ),
    Mutant(
        "sigmoid without small numbers",
        "np.reciprocal(z, out=z)",
        "np.reciprocal(z, out=z); z[z < 1e-16] = 0",
        "saturation",
        "a sigmoid that is nearly 0 has no digits: 1 - 1 / (1 + exp(z)), or an exp that is cut off",
    ),
    Mutant(
        "warns of overflow",
        'with np.errstate(all="ignore"):\n        for layer, W',
        "with np.errstate():\n        for layer, W",
        "saturation",
        "NumPy warns of overflow: use np.errstate, or exp of negative numbers only",
    ),
    # NaN and infinity
    Mutant(
        "relu of NaN", "np.maximum(z, 0, out=z)", "np.fmax(z, 0, out=z)", "NaN and infinity", "relu turns NaN into 0"
    ),
    Mutant(
        "NaN made 0",
        "layers.append(h)",
        "layers.append(np.nan_to_num(h, copy=False))",
        "NaN and infinity",
        "NaN and infinity are replaced by numbers",
    ),
    Mutant(
        "zeros skipped",
        "np.dot(layer_inputs[-1], W.T,",
        "np.dot(layer_inputs[-1], np.where(np.isfinite(W), W, 0).T,",
        "NaN and infinity",
        "weights that are not finite are skipped",
    ),
    # inputs
    Mutant(
        "memory order",
        "and x.flags.carray",
        "",
        "inputs",
        "an array in another memory order is read as if it were C-contiguous",
        (("        h = x\n", "        h = np.ravel(x, 'K').reshape(x.shape)\n"),),
    ),
    # float32
    Mutant(
        "float64 for all",
        "np.empty((*shape, len(W)), W.dtype)",
        "np.empty((*shape, len(W)), np.float64)",
        "float32",
        "float64 memory for a float32 network: use the dtype of the weights",
    ),
    Mutant(
        "float64 predictions",
        "return feed_forward(model, x)[-1]",
        "return feed_forward(model, x)[-1].astype(np.float64)",
        "float32",
        "the output is float64 for a float32 network",
    ),
    # threads
    Mutant(
        "memory kept between calls",
        "[np.empty((*shape, len(W)), W.dtype) for W in model.weights]",
        "model.prepared.setdefault(shape, [np.empty((*shape, len(W)), W.dtype) for W in model.weights])",
        "threads",
        "memory is shared between calls: threads write over each other's",
    ),
    # repeatability
    Mutant(
        "weights remembered",
        "enumerate(weights or model.weights)",
        "enumerate(weights or model.prepared.setdefault('W', [W.copy() for W in model.weights]))",
        "repeatability",
        "weights are remembered from an earlier call: they may have changed since",
    ),
    Mutant(
        "random numbers",
        "return feed_forward(model, x)[-1]",
        "h = feed_forward(model, x)[-1]\n    return h * (1 + 1e-15 * np.random.random(h.shape))",
        "repeatability",
        "something is random: the same call must give the same bits",
    ),
    # bad input
    Mutant(
        "finite without a look", "and (one or all_finite(x))", "", "bad input", "the fast path takes NaN and infinity"
    ),
    Mutant(
        "width without a look",
        "x.shape == sample or (not one and x.ndim == 2 and x.shape[1] == n_in)",
        "x.ndim > 0 and n_in > 0 and sample",
        "bad input",
        "the fast path takes arrays of a wrong width",
    ),
    # side effects
    Mutant(
        "gradient kept between calls",
        "g, H = model.theta.empty_like(), _workspace(model, len(X))",
        "g, H = model.prepared.setdefault('g', model.theta.empty_like()), _workspace(model, len(X))",
        "side effects",
        "what is returned is memory that the next call writes over",
    ),
    Mutant(
        "input changed",
        "layers, layer_inputs, z, start = [x], [x], x, 0",
        "x *= x.dtype.type(1.0000001); layers, layer_inputs, z, start = [x], [x], x, 0",
        "side effects",
        "the input is changed",
    ),
    Mutant(
        "weights changed",
        "layers, layer_inputs, z, start = [x], [x], x, 0",
        "model.theta.flat[:1] *= 2; layers, layer_inputs, z, start = [x], [x], x, 0",
        "side effects",
        "the weights are changed by a function that should not",
    ),
)
