"""What an unknown name may mean: other spellings, and the names that other libraries use."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

# For every name in samenet, what scikit-learn, Keras, PyTorch, JAX, SciPy and textbooks call it, or call something for
# which it is the nearest substitute. Lowercase letters and digits only, as `_plain` leaves them.
_ELSEWHERE = {
    # activations
    "sigmoid": "logistic sigm expit logsigmoid hardsigmoid sigmoidal logit",
    "tanh": "hyperbolictangent tansig hardtanh softsign arctan",
    "relu": "rectifier rectified rectifiedlinear rectifiedlinearunit ramp relu6 leakyrelu lrelu prelu rrelu elu celu "
    "selu gelu silu swish mish softplus threshold",
    "identity": "linear id none purelin pass passthrough no nothing",
    "softmax": "softargmax logsoftmax softmax2d normalizedexponential multinomial",
    # costs
    "squared_error": "mse mseloss meansquarederror meansquare quadratic l2 l2loss halfmse rmse rootmeansquarederror "
    "squarederrorloss leastsquares mae mael1 l1 l1loss huber smoothl1 regression",
    "sum_of_squares": "sse ssr rss sumofsquarederrors sumsquarederror sumofsquarederror",
    "binary_cross_entropy": "bce bceloss bcewithlogits bcewithlogitsloss binarycrossentropy logloss logisticloss "
    "binarylogloss logistic binary sigmoidcrossentropy sigmoidbinarycrossentropy hinge",
    "cross_entropy": "ce celoss crossentropy crossentropyloss categoricalcrossentropy sparsecategoricalcrossentropy "
    "softmaxcrossentropy nll nllloss negativeloglikelihood categorical multinomial kl kldiv kldivergence logloss",
    # optimizers
    "descent": "sgd gd bgd gradientdescent stochasticgradientdescent batchgradientdescent batch plain vanilla steepest "
    "steepestdescent backprop backpropagation",
    "momentum": "sgdmomentum sgdm polyak heavyball classicalmomentum",
    "nesterov": "nag nesterovmomentum sgdnesterov accelerated",
    "rmsprop": "rms adagrad adadelta rprop",
    "adam": "adamw adamax nadam amsgrad radam adabelief lion",
    "bfgs": "newton newtoncg quasinewton dfp trustncg levenbergmarquardt lm",
    "lbfgs": "lbfgsb limitedmemorybfgs fminlbfgsb",
    "cg": "conjugategradient conjugategradients fmincg scg ncg",
    # initialization schemes
    "glorot": "xavier xavieruniform xaviernormal glorotuniform glorotnormal default auto orthogonal",
    "he_normal": "he kaiming kaimingnormal msra",
    "he_uniform": "kaiminguniform",
    "lecun_normal": "lecun variancescaling efficientbackprop",
    "lecun_uniform": "fanin",
    "uniform": "random rand randomuniform",
    "normal": "randn gaussian gauss randomnormal standardnormal nielsen",
    "small_normal": "small truncatednormal zeros zero",
    # reductions
    "mean": "average avg batchmean auto none sumoverbatchsize",
    "sum": "total add",
    # monitors and measures
    "accuracy": "acc accuracyscore categoricalaccuracy binaryaccuracy sparsecategoricalaccuracy score errorrate "
    "valacc valaccuracy validationaccuracy",
    "subset_accuracy": "exactmatch exactmatchratio jaccard",
    "label_accuracy": "hamming hammingscore multilabelaccuracy elementwiseaccuracy",
    "mean_absolute_error": "mae l1 l1loss absoluteerror meanabsolute meanerror regression valmae",
    "mean_norm": "norm meanerrornorm",
    "sum_of_squared_errors": "sse rss mse meansquarederror squarederror sumofsquares l2",
    "cost": "loss objective error criterion",
    # backends
    "reference": "python py pure purepython loops lists plain standard stdlib cpython ref textbook slow",
    "numpy": "np numpybackend vectorized vectorised blas array cpu",
    "numba": "jit njit llvm compiled nb fast cuda gpu c",
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
    """Lowercase letters and digits only: "Cross-Entropy" and "cross_entropy" are equal; without the package path."""
    text = text.rpartition(".")[2] if text.startswith("samenet.") else text
    return "".join(c for c in text.casefold() if c.isalnum())


def nearest(value: Any, known: Iterable[str], others: Mapping[str, str] | None = None) -> str | None:
    """The known name that a value most likely stands for, or None.

    value: text; or anything with a `__name__`, such as the function `numpy.tanh` for an activation; or None, taken as
    "none"; or another library's object, by the name of its class. For plain values, such as lists and arrays: None.
    others: aliases of the known names.
    """
    if not isinstance(value, str):
        if value is not None and type(value).__module__ in ("builtins", "numpy") and not callable(value):
            return None
        try:
            value = "none" if value is None else getattr(value, "__name__", None) or type(value).__name__
        except Exception:  # from a user-defined object
            return None
        if not isinstance(value, str):
            return None
    meant = {name: name for name in known}
    meant |= {other: name for other, name in (others or {}).items() if name in meant}
    spellings: dict[str, str] = {}
    for spelling, name in meant.items():
        spellings.setdefault(_plain(spelling), name)
    synonyms: dict[str, str] = {}
    for name in meant:
        for word in _ELSEWHERE.get(name, "").split():
            synonyms.setdefault(word, name)
    typed = _plain(value)
    bare = next((typed.removesuffix(end) for end in _SUFFIXES if typed.endswith(end) and typed != end), typed)
    for table in (spellings, synonyms):
        for word in (typed, bare):
            if word in table:
                return table[word]
    if typed in _SUFFIXES:  # "loss" does not mean "L1 loss"
        return None
    near = difflib.get_close_matches(typed, spellings, n=1) or difflib.get_close_matches(
        typed, synonyms, n=1, cutoff=0.8
    )
    return (spellings | synonyms)[near[0]] if near else None


def hint(value: Any, known: Iterable[str], module: str) -> str:
    """The end of an error message: what in a module may be meant by text given in its place; or nothing."""
    near = nearest(value, known) if isinstance(value, str) else None
    return f"; did you mean {module}.{near}?" if near else ""
