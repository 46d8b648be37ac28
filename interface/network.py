"""The network as a user sees it: the same class on every backend."""

import copy
import inspect
from collections.abc import Callable, Sequence
from functools import cached_property
from types import ModuleType
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samenet.backends import backend as find_backend
from samenet.backends import costs, generic, prediction
from samenet.model import Model
from samenet.model.functions import Activation, Cost, Reduction
from samenet.model.initialize import SCHEMES, Scheme, initialize
from samenet.model.parameters import Parameters
from samenet.output.summary import Summary
from samenet.storage import Saving
from samenet.training.classification import Labels, labels_of
from samenet.training.trainable import Seed, Trainable
from samenet.validation import arrays, checks

N = TypeVar("N", bound="Network")
_MEAN: Reduction = "mean"


class Network(Trainable, Saving):
    """A dense feed-forward network: h1 = x, h(l+1) = f(W(l) h(l) + b(l)).

    Import it from a backend: `samenet.reference`, `samenet.fast.numpy` or `samenet.fast.numba`. The class, its
    arguments and its results are the same in each, up to rounding; only the speed differs.

    sizes       numbers of nodes, the input first: [64, 30, 10] is a network of three layers
    activation  f: "sigmoid", "tanh", "relu", "identity" or "softmax", for every layer, or a list of names, one for
                each layer after the first; a softmax of one node is rejected, since it is always 1
    bias        whether nodes have a bias
    cost        what training minimises, per sample: "squared_error", 1/2 ||y - h||^2; "sum_of_squares", the same
                without 1/2; "binary_cross_entropy", -sum y ln h + (1 - y) ln(1 - h), with a sigmoid output layer;
                "cross_entropy", -sum y ln h, with a softmax output layer
    l1, l2      penalties: l1 sum |W| + l2/2 sum W^2, over all weights but not the biases, is added to the cost once
    init        the initialization scheme, see `samenet.model.initialize`: "glorot", "he_normal", "he_uniform",
                "lecun_normal", "lecun_uniform", or a tutorial's own
    seed        an int, a numpy Generator, None, or a numpy RandomState for the tutorials' legacy stream
    dtype       numpy.float64 or numpy.float32 (for which the reference computes in float64 and rounds what it stores)
    weights     instead of `init`: a list of (n_out, n_in) arrays, which are copied
    biases      with `weights`: a list of (n_out,) arrays, which are copied; zero if not given
    threads     the number of threads that may work on a batch; only the Numba backend uses more than one. Results are
                bit-identical for any number. It can be changed later: `net.threads = 2`
    batch_normalization  whether hidden layers have it: one flag for all, or one for each; see
                `samenet.backends.normalization`

    Raises ValueError or TypeError, naming the argument, for anything else.
    Source: tutorial 000 (docs/sources.md), sections 2 to 4.

    >>> from samenet.fast.numpy import Network
    >>> net = Network([2, 1], weights=[[[0.5, -0.5]]])
    >>> net.predict([1.0, 1.0])
    array([0.5])
    """

    backend: ClassVar[ModuleType]
    bound = "_predict", "_cost", "_gradient"

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        activation: Activation | Sequence[Activation] = "sigmoid",
        bias: bool = True,
        cost: Cost = "squared_error",
        l1: float = 0.0,
        l2: float = 0.0,
        init: Scheme = "glorot",
        seed: Seed = None,
        dtype: checks.DType = np.float64,
        weights: Sequence[ArrayLike] | None = None,
        biases: Sequence[ArrayLike] | None = None,
        threads: int = 1,
        batch_normalization: bool | Sequence[bool] = False,
    ) -> None:
        if not hasattr(type(self), "backend"):
            raise TypeError("import Network from a backend: samenet.reference, samenet.fast.numpy, samenet.fast.numba")
        others: dict[str, Any] = {"dtype": dtype, "threads": threads, "batch_normalization": batch_normalization}
        self.model = Model(sizes, activation=activation, bias=bias, cost=cost, l1=l1, l2=l2, **others)
        generic.check_normalizes(self.backend, self.model)
        checks.choice("init", init, SCHEMES)
        self.history = None
        if weights is not None:
            checks.seed("seed", seed)
            self.model.fill(weights, biases)
        elif biases is not None:
            raise ValueError("biases: expected weights to be given too, got biases alone")
        else:
            initialize(self.model.theta, init, checks.generator("seed", seed))

    def __init_subclass__(cls, **others: Any) -> None:
        super().__init_subclass__(**others)
        if hasattr(cls, "backend"):
            generic.complete(cls.backend)
        if "backend" in vars(cls) and cls.__doc__ and Network.__doc__:  # so that help() of a backend's class works
            cls.__doc__ = f"{inspect.cleandoc(cls.__doc__)}\n\n{inspect.cleandoc(Network.__doc__)}"

    def copy(self) -> Self:
        """An independent copy of the network, on the same backend."""
        return self._onto(type(self))

    def on(self, backend: str) -> "Network":
        """A copy on another backend, given by name: `net.on("numba")`."""
        cls: type[Network] = find_backend(backend).Network
        return self._onto(cls)

    def _onto(self, cls: type[N]) -> N:
        network = cls(self.sizes, dtype=self.dtype, seed=0, threads=self.threads, **self.model.settings)
        network.model.theta.everything[:] = (
            self.model.theta.everything
        )  # unchecked: NaN written into the views is copied, too
        return network

    def __getstate__(self) -> dict[str, Any]:
        state = {**self.__dict__, "model": copy.copy(self.model), "history": self.history}
        return {name: value for name, value in state.items() if name not in (*self.bound, "joint", "place")}

    def __eq__(self, other: object) -> bool:
        """Whether sizes, settings, dtype, parameters and running statistics are equal; the backend is ignored."""
        return self.model.equals(other.model) if isinstance(other, Network) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        defaults = {"bias": True, "cost": "squared_error", "l1": 0.0, "l2": 0.0, "batch_normalization": False}
        settings = [f"{key}={value!r}" for key, value in self.model.settings.items() if defaults.get(key) != value]
        settings += [f"threads={self.threads}"] if self.threads != 1 else []
        return (
            f"Network({list(self.sizes)}, {', '.join(settings)}, dtype={self.dtype}) "
            f"with {self.parameters.size} parameters on {self.backend.__name__}"
        )

    def summary(self) -> Summary:
        """A table of the layers: nodes, activation, shape of the weights, number of parameters.

        `print(net.summary())` prints it; a prompt or a notebook shows it without print; `str(net.summary())` is the
        text.

        >>> from samenet.fast.numpy import Network
        >>> net = Network([64, 30, 10], activation=["relu", "softmax"], cost="cross_entropy")
        >>> print(net.summary())
        Network on samenet.fast.numpy
        layer  nodes  activation  weights  biases  parameters
        -----------------------------------------------------
            1     64  input
            2     30  relu        30 x 64      30       1,950
            3     10  softmax     10 x 30      10         310
        -----------------------------------------------------
        2,260 parameters of float64, 18 kB; cost: cross_entropy
        """
        title = f"{type(self).__name__} on {self.backend.__name__}"
        return Summary(title, self.model.theta, self.activations, self.cost_function)

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def feed_forward(self, x: ArrayLike) -> list[NDArray[Any]]:
        """The activations of every layer, [h1, ..., hL] with h1 = x.

        x: (n_in,), or (m, n_in) with one sample per row. Returns (n,) or (m, n) for each layer. Overflow gives infinity
        or NaN; which of them may depend on the backend, see `samenet.validation.overflow`.
        """
        sizes, dtype = self.model.theta.sizes, self.model.theta.flat.dtype
        X = arrays.samples("x", x, sizes[0], dtype)
        layers, rows = generic.feed_forward(self.backend, self.model, X), X.shape[:-1]
        pairs = zip(layers[1:], sizes[1:], strict=True)
        return [X.copy(), *[prediction.as_array(h, (*rows, n), dtype) for h, n in pairs]]

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The activations of the output layer: (n_out,) for one sample (n_in,), (m, n_out) for a batch (m, n_in)."""
        return self._predict(X)

    @cached_property
    def _predict(self) -> Callable[[Any], NDArray[Any]]:
        return prediction.for_samples(self.model, self.backend)

    def predictor(self) -> prediction.Predictor:
        """A function f(x, out=None) that predicts one sample at a time, as fast as the backend can.

        x: (n_in,). Returns (n_out,), bit-identical to `predict`: a new array, or `out`, a C-contiguous, writable array
        (n_out,) of the network's dtype, which may be x itself but must not share memory with the weights. f reads the
        network's own parameters, not a copy: it reflects later training, and anything written into `weights`. Any
        number of threads may call it at once.

        x is not checked for NaN and infinity, which propagate to the output. An x that is not a C-contiguous, writable
        array of the network's dtype is converted as in `predict`, which takes longer. Raises ValueError or TypeError,
        naming x or out, for a wrong shape and for anything but an array of real numbers.

        >>> from samenet.fast.numpy import Network
        >>> f = Network([2, 1], weights=[[[0.5, -0.5]]]).predictor()
        >>> f(np.array([1.0, 1.0]))
        array([0.5])
        """
        return prediction.for_one(self.model, self.backend)

    def classify(self, X: ArrayLike, *, labels: Labels = "auto") -> Any:
        """The class of each sample, as int64: (m,) for a batch (m, n_in), one number for a sample (n_in,).

        How it is determined depends on the activation of the output layer, with h = predict(X):

        =========  ===========================================  ====================================================
        labels     one output                                   several outputs
        =========  ===========================================  ====================================================
        "auto"     sigmoid: 1 if h > 1/2, else 0                argmax h, the first in case of a tie: for one-hot
                   tanh: 1 if h > 0, else -1                    targets, whatever the cost. ValueError for identity
                   identity, relu: ValueError (regression)      and relu (regression)
        "one"      the same                                     argmax h, for identity and relu, too
        "several"  the same, but (m, 1) or (1,)                 each label by its threshold, (m, n_out) or (n_out,):
                                                                a sample may have several labels, or none.
                                                                ValueError for all but sigmoid and tanh
        =========  ===========================================  ====================================================

        Classes can be compared with labels y (m,), and those of "several" with Y (m, n_out). NaN counts as the largest
        of a row, and as below a threshold. `samenet.training.classification` describes what monitors count as correct.

        >>> from samenet.fast.numpy import Network
        >>> net = Network([2, 2], weights=[[[1.0, 0.0], [0.0, 1.0]]])
        >>> net.classify([[3.0, 4.0], [-1.0, -2.0]])
        array([1, 0])
        >>> net.classify([[3.0, 4.0], [-1.0, -2.0]], labels="several")
        array([[1, 1],
               [0, 0]])
        """
        classes = labels_of(labels, self.activations[-1], self.sizes[-1])
        return classes(self.predict(X))

    def cost(
        self,
        X: ArrayLike,
        Y: ArrayLike,
        cost: Cost | None = None,
        reduction: Reduction = _MEAN,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """The network's cost, as the mean or sum over the samples, plus its penalties.

        X: (m, n_in), Y: (m, n_out); or one sample (n_in,) and (n_out,). cost: the name of a cost to use instead of the
        network's. Infinite if the sum over the samples exceeds 2^1020, or 2^124 in float32.
        sample_weight: (m,), at least 0: the mean is sum w_s J_s / sum w_s and the sum is sum w_s J_s, with the cost J_s
        of sample s.

        >>> from samenet.fast.numpy import Network
        >>> net = Network([1, 1], activation="identity", weights=[[[1.0]]])
        >>> net.cost([[1.0], [2.0]], [[0.0], [0.0]], sample_weight=[3, 1])
        0.875
        """
        if cost is sample_weight is None and reduction is _MEAN:
            return self._cost(X, Y)
        return costs.cost_of(self.model, self.backend, X, Y, cost, reduction, sample_weight)

    @cached_property
    def _cost(self) -> Callable[[Any, Any], float]:
        return costs.fast_cost(self.model, self.backend)

    def gradient(
        self,
        X: ArrayLike,
        Y: ArrayLike,
        cost: Cost | None = None,
        reduction: Reduction = _MEAN,
        sample_weight: ArrayLike | None = None,
    ) -> tuple[float, Parameters]:
        """The cost and its gradient by backpropagation.

        X: (m, n_in), Y: (m, n_out), m >= 1; or one sample (n_in,) and (n_out,).
        cost: the name of a cost to use instead of the network's; reduction: "mean" or "sum" over the samples.
        sample_weight: as for `cost`; with weight 0, a sample is left out.
        Returns (cost, gradient); the gradient has `.weights` and `.biases` like the network, and `.flat`. It is all NaN
        if the cost is infinite and a target exceeds 2^1000, or 2^112 in float32, in magnitude.
        With batch normalization, both use the statistics of X, m >= 2, not the running statistics; all samples count
        equally in them, whatever their weights.
        """
        if cost is sample_weight is None and reduction is _MEAN:
            return self._gradient(X, Y)
        return costs.gradient_of(self.model, self.backend, X, Y, cost, reduction, sample_weight)

    @cached_property
    def _gradient(self) -> Callable[[Any, Any], tuple[float, Parameters]]:
        return costs.fast_gradient(self.model, self.backend)
