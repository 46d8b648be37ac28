"""Mistakes of a backend with unusual numbers, with memory, and in repeated calls."""

from samenet.testing.mutation import Mutant

MUTANTS = (
    # saturation
    Mutant(
        "exponential without bound",
        "return 1 / h",
        "return (h - 1) / h",
        "saturation",
        "exp(z) overflows: exp(z) / (1 + exp(z)) is NaN for large z; use 1 / (1 + exp(-z))",
        (("xp.exp(-z)", "xp.exp(z)"),),
    ),
    Mutant(
        "softmax without its largest",
        "z - xp.max(z, axis=-1, keepdims=True)",
        "z",
        "saturation",
        "exp overflows in softmax: subtract the largest z first",
    ),
    Mutant(
        "softmax without the largest of each",
        "z - xp.max(z, axis=-1, keepdims=True)",
        "z - xp.max(z)",
        "saturation",
        "softmax subtracts the largest z of all samples: subtract that of each sample",
    ),
    Mutant(
        "binary cross-entropy from h",
        "z.clip(0) - Y * z + xp.log1p(xp.exp(-xp.abs(z)))",
        "-Y * xp.log(1 / (1 + xp.exp(-z))) - (1 - Y) * xp.log(1 - 1 / (1 + xp.exp(-z)))",
        "saturation",
        "ln h is of a rounded h: compute the binary cross-entropy from z",
    ),
    Mutant(
        "cross-entropy from h",
        "(logarithm - z)",
        "-xp.log(xp.exp(z - logarithm))",
        "saturation",
        "ln h is of a rounded h: compute the cross-entropy from z",
    ),
    Mutant(
        "sigmoid without small numbers",
        "return 1 / h",
        "return xp.where(1 / h < 1e-16, 0, 1 / h)",
        "saturation",
        "a sigmoid that is nearly 0 has no digits: 1 - 1 / (1 + exp(z)), or an exp that is cut off",
    ),
    Mutant(
        "warns of overflow",
        '_quiet = np.errstate(all="ignore")',
        "_quiet = np.errstate()",
        "saturation",
        "NumPy warns of overflow: use np.errstate, or exp of negative numbers only",
    ),
    # NaN and infinity
    Mutant(
        "relu of NaN",
        "np.maximum(z, 0)",
        "np.fmax(z, 0)",
        "NaN and infinity",
        "relu turns NaN into 0",
    ),
    Mutant(
        "NaN made 0",
        "ACTIVATIONS[of.activations[layer]].activate(xp, z)",
        "xp.nan_to_num(ACTIVATIONS[of.activations[layer]].activate(xp, z))",
        "NaN and infinity",
        "NaN and infinity are replaced by numbers",
    ),
    Mutant(
        "zeros skipped",
        "_product(xp, layer_inputs[-1], W.T)",
        "_product(xp, layer_inputs[-1], xp.where(xp.isfinite(W), W, 0).T)",
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
        "_product(xp, layer_inputs[-1], W.T)",
        "_product(xp, layer_inputs[-1], W.T).astype(xp.float64)",
        "float32",
        "float64 memory for a float32 network: use the dtype of the weights",
    ),
    Mutant(
        "float64 predictions",
        "return self.feed_forward(model, x)[-1]",
        "return self.feed_forward(model, x)[-1].astype(np.float64)",
        "float32",
        "the output is float64 for a float32 network",
    ),
    # threads
    Mutant(
        "memory kept between calls",
        "ACTIVATIONS[of.activations[layer]].activate(xp, z)",
        "ACTIVATIONS[of.activations[layer]].activate(xp, z))\n"
        "        memory = globals().setdefault((layer, z.shape), xp.empty_like(z))\n"
        "        memory[:] = h.pop()\n"
        "        h.append(memory",
        "threads",
        "memory is shared between calls: threads write over each other's",
    ),
    # repeatability
    Mutant(
        "weights remembered",
        "self._put(theta.everything, device)",
        "model.prepared.setdefault('W', theta.everything.copy())",
        "repeatability",
        "weights are remembered from an earlier call: they may have changed since",
    ),
    Mutant(
        "random numbers",
        "return self.feed_forward(model, x)[-1]",
        "h = self.feed_forward(model, x)[-1]\n        return h * (1 + 1e-15 * np.random.random(h.shape))",
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
        "g = model.theta.like(self._get(flat))",
        "g = model.prepared.setdefault('g', model.theta.empty_like())\n        g.flat[:] = self._get(flat)",
        "side effects",
        "what is returned is memory that the next call writes over",
    ),
    Mutant(
        "input changed",
        "h, layer_inputs, z, start = [x], [x], x, 0",
        "x *= x.dtype.type(1.0000001); h, layer_inputs, z, start = [x], [x], x, 0",
        "side effects",
        "the input is changed",
    ),
    Mutant(
        "weights changed",
        "h, layer_inputs, z, start = [x], [x], x, 0",
        "theta.flat[:1] *= 2; h, layer_inputs, z, start = [x], [x], x, 0",
        "side effects",
        "the weights are changed by a function that should not",
    ),
)
