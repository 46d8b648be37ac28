"""Things that other libraries have and samenet does not: a description, their spellings, and the closest names here.

Spellings are lowercase letters and digits only. The first of the closest names that the argument accepts is suggested,
so the same spelling may occur twice.
"""

from typing import NamedTuple


class NotOffered(NamedTuple):
    """Something that samenet does not have."""

    what: str
    words: str
    nearest: str


NOT_OFFERED = (
    # activations
    NotOffered("log sigmoid", "logsigmoid", "sigmoid"),
    NotOffered("hard sigmoid", "hardsigmoid", "sigmoid"),
    NotOffered("hard tanh", "hardtanh", "tanh"),
    NotOffered("softsign", "softsign", "tanh"),
    NotOffered("arctan", "arctan atan", "tanh"),
    NotOffered("the sine", "sin sine siren", "tanh"),
    NotOffered("ReLU6", "relu6 hardswish", "relu"),
    NotOffered("leaky ReLU", "leakyrelu lrelu", "relu"),
    NotOffered("parametric ReLU", "prelu", "relu"),
    NotOffered("randomized ReLU", "rrelu", "relu"),
    NotOffered("ELU", "elu", "relu"),
    NotOffered("CELU", "celu", "relu"),
    NotOffered("SELU", "selu", "relu"),
    NotOffered("GELU", "gelu", "relu"),
    NotOffered("swish", "swish silu", "relu"),
    NotOffered("mish", "mish", "relu"),
    NotOffered("softplus", "softplus", "relu"),
    NotOffered("maxout", "maxout", "relu"),
    NotOffered("a threshold", "threshold step heaviside hardlim sign", "sigmoid"),
    NotOffered("log softmax", "logsoftmax", "softmax"),
    NotOffered("a sparse or hard softmax", "hardmax sparsemax gumbelsoftmax softmin", "softmax"),
    NotOffered("the exponential", "exp exponential", "relu"),
    # costs
    NotOffered("mean absolute error", "mae meanabsoluteerror absoluteerror l1 l1loss mael1", "squared_error"),
    NotOffered("mean absolute percentage error", "mape meanabsolutepercentageerror", "squared_error"),
    NotOffered("mean squared logarithmic error", "msle meansquaredlogarithmicerror", "squared_error"),
    NotOffered("the root of the mean squared error", "rmse rootmeansquarederror", "squared_error"),
    NotOffered("the Huber loss", "huber smoothl1 huberloss smoothl1loss logcosh", "squared_error"),
    NotOffered("the quantile loss", "quantile pinball", "squared_error"),
    NotOffered("the cosine similarity", "cosinesimilarity cosineembedding", "squared_error"),
    NotOffered("a Poisson, gamma or Tweedie loss", "poisson poissonnll poissonnllloss gamma tweedie", "squared_error"),
    NotOffered("the hinge loss", "hinge squaredhinge hingeembedding", "binary_cross_entropy"),
    NotOffered("the hinge loss", "categoricalhinge multimargin", "cross_entropy"),
    NotOffered("the focal loss", "focal binaryfocal binaryfocalcrossentropy", "binary_cross_entropy"),
    NotOffered("the focal loss", "categoricalfocal categoricalfocalcrossentropy", "cross_entropy"),
    NotOffered("the Kullback-Leibler divergence", "kl kld kldiv kldivergence", "cross_entropy"),
    # optimizers
    NotOffered("AdaGrad", "adagrad", "rmsprop adam"),
    NotOffered("Adadelta", "adadelta", "rmsprop adam"),
    NotOffered("Rprop", "rprop", "rmsprop adam"),
    NotOffered("RMSProp", "rmsprop rms", "adam"),
    NotOffered("AdamW", "adamw", "adam"),
    NotOffered("Adamax", "adamax", "adam"),
    NotOffered("Nadam", "nadam", "adam"),
    NotOffered("AMSGrad", "amsgrad", "adam"),
    NotOffered("RAdam", "radam", "adam"),
    NotOffered("AdaBelief", "adabelief", "adam"),
    NotOffered("Lion", "lion", "adam"),
    NotOffered("LAMB", "lamb lars", "adam"),
    NotOffered("Adafactor", "adafactor", "adam"),
    NotOffered("Muon", "muon shampoo sophia", "adam"),
    NotOffered("FTRL", "ftrl", "adam"),
    NotOffered("averaged descent", "asgd", "descent sgd"),
    NotOffered("Newton's method", "newton newtoncg ncg trustncg trustexact trustconstr", "bfgs lbfgs"),
    NotOffered("the Levenberg-Marquardt method", "levenbergmarquardt lm gaussnewton", "bfgs lbfgs"),
    NotOffered("the Davidon-Fletcher-Powell method", "dfp", "bfgs lbfgs"),
    NotOffered("scaled conjugate gradients", "scg trainscg", "cg lbfgs"),
    NotOffered("a truncated Newton method", "tnc", "lbfgs"),
    NotOffered("a method without gradients", "neldermead simplex powell cobyla", "bfgs lbfgs"),
    NotOffered("a constrained method", "slsqp", "bfgs lbfgs"),
    # initialization schemes
    NotOffered("a normal distribution with Glorot's variance", "glorotnormal xaviernormal", "glorot"),
    NotOffered("an orthogonal matrix", "orthogonal", "glorot"),
    NotOffered("a truncated normal distribution", "truncatednormal truncnormal", "small_normal"),
    NotOffered("a start from zeros, from which hidden nodes stay alike,", "zeros zero", "small_normal"),
    NotOffered("a start from equal weights, from which hidden nodes stay alike,", "ones constant", "small_normal"),
    NotOffered("the identity matrix", "identity eye", "glorot"),
    # reductions
    NotOffered("a cost for each sample", "none no noreduction", "mean"),
    # monitors and measures
    NotOffered("the error rate", "errorrate", "accuracy"),
    NotOffered("F1, precision, recall or AUC", "f1 f1score precision recall auc rocauc", "accuracy"),
    NotOffered("the Jaccard index", "jaccard", "subset_accuracy label_accuracy"),
    NotOffered("R2", "r2 r2score", "mean_absolute_error"),
    NotOffered("the mean squared error", "mse meansquarederror", "sum_of_squared_errors mean_absolute_error"),
    NotOffered("the root of the mean squared error", "rmse", "sum_of_squared_errors mean_absolute_error"),
    # backends
    NotOffered("a backend in C", "c cpp cython rust", "numba"),
)
