"""Suggestions for unknown names, from other spellings and from the names in other libraries."""

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from samenet.validation.not_offered import NOT_OFFERED

# For every name in samenet, its names in scikit-learn, Keras, PyTorch, JAX, SciPy and textbooks, in lowercase letters
# and digits only, as `_plain` returns them.
_ELSEWHERE = {
    # activations
    "sigmoid": "logistic sigm expit sigmoidal logit",
    "tanh": "hyperbolictangent tansig",
    "relu": "rectifier rectified rectifiedlinear rectifiedlinearunit ramp",
    "identity": "linear id none purelin pass passthrough no nothing",
    "softmax": "softargmax softmax2d normalizedexponential multinomial",
    # costs
    "squared_error": "mse mseloss meansquarederror meansquare quadratic l2 l2loss halfmse squarederrorloss "
    "leastsquares regression",
    "sum_of_squares": "sse ssr rss sumofsquarederrors sumsquarederror sumofsquarederror",
    "binary_cross_entropy": "bce bceloss bcewithlogits bcewithlogitsloss binarycrossentropy logloss logisticloss "
    "binarylogloss logistic binary sigmoidcrossentropy sigmoidbinarycrossentropy",
    "cross_entropy": "ce celoss crossentropy crossentropyloss categoricalcrossentropy sparsecategoricalcrossentropy "
    "softmaxcrossentropy nll nllloss negativeloglikelihood categorical multinomial logloss",
    # optimizers
    "descent": "sgd gd bgd gradientdescent stochasticgradientdescent batchgradientdescent batch plain vanilla steepest "
    "steepestdescent backprop backpropagation",
    "momentum": "sgdmomentum sgdm polyak heavyball classicalmomentum",
    "nesterov": "nag nesterovmomentum sgdnesterov accelerated",
    "rmsprop": "rms",
    "bfgs": "quasinewton",
    "lbfgs": "lbfgsb limitedmemorybfgs fminlbfgsb",
    "cg": "conjugategradient conjugategradients fmincg",
    # initialization schemes
    "glorot": "xavier xavieruniform glorotuniform default auto",
    "he_normal": "he kaiming kaimingnormal msra",
    "he_uniform": "kaiminguniform",
    "lecun_normal": "lecun variancescaling efficientbackprop",
    "lecun_uniform": "fanin",
    "uniform": "random rand randomuniform",
    "normal": "randn gaussian gauss randomnormal standardnormal nielsen",
    "small_normal": "small",
    # reductions
    "mean": "average avg batchmean auto sumoverbatchsize",
    "sum": "total add",
    # monitors and measures
    "accuracy": "acc accuracyscore categoricalaccuracy binaryaccuracy sparsecategoricalaccuracy score "
    "valacc valaccuracy validationaccuracy",
    "subset_accuracy": "exactmatch exactmatchratio",
    "label_accuracy": "hamming hammingscore multilabelaccuracy elementwiseaccuracy",
    "mean_absolute_error": "mae l1 l1loss absoluteerror meanabsolute meanerror valmae",
    "mean_norm": "norm meanerrornorm",
    "sum_of_squared_errors": "sse rss squarederror sumofsquares l2",
    "cost": "loss objective error criterion",
    # backends
    "reference": "python py pure purepython loops lists plain standard stdlib cpython ref textbook slow",
    "numpy": "np numpybackend vectorized vectorised blas array cpu",
    "numba": "jit njit llvm compiled nb fast",
    "torch": "pytorch cuda gpu",
    "jax": "xla tpu",
    # classes
    "auto": "default automatic none",
    "one": "argmax single multiclass class",
    "several": "multi multilabel multiple many binary threshold indicator",
    # directions, stop rules
    "slope": "gradient derivative",
    "sign": "direction signum rprop",
    "CostChange": "tol tolerance convergence plateau",
    "GradientNorm": "gtol gradienttolerance gradient",
    "Patience": "earlystopping earlystop early validation es",
    # schedules of the learning rate, ours and those of the estimators
    "StepDecay": "step steplr multisteplr piecewise piecewiseconstant",
    "Exponential": "exponentiallr exponentialdecay exp",
    "InverseTime": "inversetimedecay inverse invscaling timedecay decay",
    "Cosine": "cosineannealing cosineannealinglr cosinedecay cosinelr",
    "constant": "fixed none",
    "invscaling": "inversescaling inversetime inversetimedecay inverse",
    "adaptive": "plateau reducelronplateau reduceonplateau importance importancesampling awsgd",
    # solvers of the estimators
    "sgd": "descent gd gradientdescent stochasticgradientdescent momentum nesterov nag",
    # arguments of `train`
    "alpha": "learningrate lr eta stepsize learningrateinit rate",
    "epochs": "epoch nepochs numepochs maxepochs maxiter niter iterations",
    "batch_size": "batch minibatch minibatchsize batchsizes",
    "shuffle": "shuffled",
    "callback": "callbacks",
    "monitors": "metrics metric monitor scoring",
    "optimizer": "solver method algorithm",
    "stop": "earlystopping patience stopping stoprule",
    "validation": "validationdata validationset valdata valset evalset validationsplit validationfraction",
    "verbose": "verbosity verb",
    "progress": "progressbar tqdm bar",
    "clip_norm": "maxnorm clipnorm gradientclipping gradclip maxgradnorm",
    "clip_value": "clipvalue",
}
_SUFFIXES = ("loss", "cost", "activation", "optimizer", "optimiser", "initializer", "initialiser", "init", "backend")


def _plain(text: str) -> str:
    """Lowercase letters and digits only, without the package path, so that "Cross-Entropy" equals "cross_entropy"."""
    text = text.rpartition(".")[2] if text.startswith("samenet.") else text
    return "".join(c for c in text.casefold() if c.isalnum())


def _typed(value: Any) -> str | None:
    """The name that was given, as `_plain` returns it, or None for other values, such as lists and arrays.

    value: text; or anything with a `__name__`, such as the function `numpy.tanh` for an activation; or None, taken as
    "none"; or another library's object, by the name of its class.
    """
    if not isinstance(value, str):
        if value is not None and type(value).__module__ in ("builtins", "numpy") and not callable(value):
            return None
        try:
            value = "none" if value is None else getattr(value, "__name__", None) or type(value).__name__
        except Exception:  # from a user-defined object
            return None
    return _plain(value) if isinstance(value, str) else None


def _forms(typed: str) -> tuple[str, ...]:
    """A word, and the word without a suffix such as "loss"."""
    bare = (typed.removesuffix(end) for end in _SUFFIXES if typed.endswith(end) and typed != end)
    return (typed, *list(bare)[:1])


def _spellings(known: Iterable[str], others: Mapping[str, str] | None) -> dict[str, str]:
    """A mapping from possible spellings of the known names, and of their aliases, to the known names."""
    meant = {name: name for name in known}
    meant |= {other: name for other, name in (others or {}).items() if name in meant}
    found: dict[str, str] = {}
    for spelling, name in meant.items():
        found.setdefault(_plain(spelling), name)
    return found


def _synonyms(known: Iterable[str]) -> dict[str, str]:
    """A mapping from the names in other libraries to the known names."""
    found: dict[str, str] = {}
    for name in known:
        for word in _ELSEWHERE.get(name, "").split():
            found.setdefault(word, name)
    return found


def nearest(value: Any, known: Iterable[str], others: Mapping[str, str] | None = None) -> str | None:
    """The known name that a value most likely stands for, or None; see `_typed`. others: aliases of the known names."""
    typed = _typed(value)
    if typed is None:
        return None
    spellings = _spellings(known, others)
    synonyms = _synonyms(spellings.values())
    for table in (spellings, synonyms):
        for word in _forms(typed):
            if word in table:
                return table[word]
    if typed in _SUFFIXES or substitute(value, known):  # "loss" does not mean "L1 loss", nor "elu" "relu"
        return None
    near = difflib.get_close_matches(typed, spellings, n=1) or difflib.get_close_matches(
        typed, synonyms, n=1, cutoff=0.8
    )
    return (spellings | synonyms)[near[0]] if near else None


def substitute(value: Any, known: Iterable[str]) -> tuple[str, str] | None:
    """For something that samenet does not have: its description and the closest known name; or None."""
    typed, names = _typed(value), set(known)
    for word in () if typed is None else _forms(typed):
        for one in NOT_OFFERED:
            near = next((name for name in one.nearest.split() if name in names), None)
            if near and word in one.words.split():
                return one.what, near
    return None


def suggestion(
    value: Any,
    known: Iterable[str],
    others: Mapping[str, str] | None = None,
    show: Callable[[str], str] = repr,
) -> str:
    """The end of an error message: a suggestion, or nothing. show: formats a name."""
    known = list(known)
    if near := nearest(value, known, others):
        return f"; did you mean {show(near)}?"
    if found := substitute(value, known):
        return f"; {found[0]} is not offered, the nearest is {show(found[1])}"
    return ""


def hint(value: Any, known: Iterable[str], module: str) -> str:
    """The end of an error message for text given in place of a module's object: a suggestion, or nothing."""
    return suggestion(value, known, show=lambda name: f"{module}.{name}") if isinstance(value, str) else ""
