"""The network as a user sees it: the same class on every backend."""

import copy
import random
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from types import ModuleType
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from samenet.backends import backend as find_backend
from samenet.backends import generic, prediction
from samenet.backends.objective import Objective
from samenet.history import History
from samenet.initialize import SCHEMES, initialize
from samenet.model import HasModel, Model
from samenet.optimizers import Optimizer
from samenet.parameters import Parameters
from samenet.schedules import Schedule
from samenet.stopping import Rule
from samenet.training.classification import labels_of
from samenet.training.options import Options
from samenet.training.run import train
from samenet.validation import arrays, checks

N = TypeVar("N", bound="Network")
Callback = Callable[["Network", History], object]
Seed = int | np.random.Generator | np.random.RandomState | None


class Network(HasModel):
    """A dense feed-forward network: h1 = x, h(l+1) = f(W(l) h(l) + b(l)).

    Import it from a backend: `samenet.reference`, `samenet.fast.numpy` or `samenet.fast.numba`. The class, its
    arguments and its answers are the same there; only the speed differs.

    sizes       numbers of nodes, the input first: [64, 30, 10] is a network of three layers
    activation  f: "sigmoid", "tanh", "relu", "identity" or "softmax", for every layer, or a list of names, one for
                each layer after the first; a softmax of one node is refused, since it is always 1
    bias        whether nodes have a bias
    cost        what training minimises, for a sample: "squared_error", 1/2 ||y - h||^2; "sum_of_squares", the same
                without 1/2; "binary_cross_entropy", -sum y ln h + (1 - y) ln(1 - h), with a sigmoid output layer;
                "cross_entropy", -sum y ln h, with a softmax output layer
    l1, l2      penalties: the cost has l1 sum |W| + l2/2 sum W^2 added, over all weights and no bias, whatever the
                number of samples
    init        how weights and biases begin, see `samenet.initialize`: "glorot", or a tutorial's own scheme
    seed        an int, a numpy Generator, None, or a numpy RandomState for the tutorials' legacy stream
    dtype       numpy.float64, or numpy.float32 (the reference then computes in float64 and rounds what it stores)
    weights     instead of `init`: a list of (n_out, n_in) arrays, which are copied
    biases      with them: a list of (n_out,) arrays, copied; without it, biases begin at zero
    threads     how many threads may work on a batch, where the backend can use them: Numba's does. The answer has the
                same bits for any number. It can be changed later: `net.threads = 2`

    Raises ValueError or TypeError, naming the argument, for anything else.
    Source: tutorial 000 (docs/sources.md), sections 2 to 4.

    >>> from samenet.fast.numpy import Network
    >>> net = Network([2, 1], weights=[[[0.5, -0.5]]])
    >>> net.predict([1.0, 1.0])
    array([0.5])
    """

    backend: ClassVar[ModuleType]

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        activation: str | Sequence[str] = "sigmoid",
        bias: bool = True,
        cost: str = "squared_error",
        l1: float = 0.0,
        l2: float = 0.0,
        init: str = "glorot",
        seed: Seed = None,
        dtype: DTypeLike = np.float64,
        weights: Sequence[ArrayLike] | None = None,
        biases: Sequence[ArrayLike] | None = None,
        threads: int = 1,
    ) -> None:
        if not hasattr(type(self), "backend"):
            raise TypeError("import Network from a backend: samenet.reference, samenet.fast.numpy, samenet.fast.numba")
        self.model = Model(
            *(sizes,), activation=activation, bias=bias, cost=cost, l1=l1, l2=l2, dtype=dtype, threads=threads
        )
        checks.choice("init", init, SCHEMES)
        stream = checks.generator("seed", seed)
        self.history: History | None = None
        if weights is not None:
            self.model.fill(weights, biases)
        elif biases is not None:
            raise ValueError("biases: expected weights to be given with them, got biases alone")
        else:
            initialize(self.model.theta, init, stream)

    def __init_subclass__(cls, **others: Any) -> None:
        super().__init_subclass__(**others)
        if hasattr(cls, "backend"):
            generic.complete(cls.backend)

    def copy(self) -> Self:
        """An independent network with the same values, on the same backend."""
        return self._onto(type(self))

    def on(self, backend: str) -> "Network":
        """A copy on another backend, by name: `net.on("numba")`."""
        cls: type[Network] = find_backend(backend).Network
        return self._onto(cls)

    def _onto(self, cls: type[N]) -> N:
        network = cls(self.sizes, dtype=self.dtype, seed=0, threads=self.threads, **self.model.settings)
        network.parameters[:] = self.parameters  # unchecked: whatever was written into the views is copied
        return network

    def __getstate__(self) -> dict[str, Any]:
        state = {**self.__dict__, "model": copy.copy(self.model)}
        state.pop("_predict", None)  # which is bound to this network's parameters
        return state

    def __eq__(self, other: object) -> bool:
        """Equal values: same sizes, settings, dtype and parameters, whatever the backend and its threads."""
        return self.model.equals(other.model) if isinstance(other, Network) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        name = self.backend.__name__.removeprefix("samenet.")
        usual = {"bias": True, "cost": "squared_error", "l1": 0.0, "l2": 0.0}
        settings = [f"{key}={value!r}" for key, value in self.model.settings.items() if usual.get(key) != value]
        settings += [f"threads={self.threads}"] if self.threads != 1 else []
        return (
            f"Network({list(self.sizes)}, {', '.join(settings)}, dtype={self.dtype}) "
            f"with {self.parameters.size} parameters on samenet.{name}"
        )

    def feed_forward(self, x: ArrayLike) -> list[NDArray[Any]]:
        """The activations of every layer, [h1, ..., hL] with h1 = x.

        x: (n_in,), or (m, n_in) with one sample per row. Returns (n,) or (m, n) for each layer. Overflow gives infinity
        or NaN; which of the two may differ between backends, see `samenet.validation.overflow`.
        """
        X = arrays.samples("x", x, self.sizes[0], self.dtype)
        layers = zip(self.backend.feed_forward(self.model, X)[1:], self.sizes[1:], strict=True)
        return [X.copy(), *(prediction.as_array(h, (*X.shape[:-1], n), self.dtype) for h, n in layers)]

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The activations of the output layer: (n_out,) for one sample (n_in,), (m, n_out) for a batch (m, n_in)."""
        return self._predict(X)

    @cached_property
    def _predict(self) -> Callable[[Any], NDArray[Any]]:
        return prediction.for_samples(self.model, self.backend)

    def predictor(self) -> prediction.Predictor:
        """A bare function f(x, out=None) for one sample after the other, as fast as the backend can answer.

        x: (n_in,). Returns (n_out,), the same bits as `predict`: a new array, or `out`, an array (n_out,) of the
        network's dtype, C-contiguous and writable, which may be x itself, but may not share memory with the weights.
        f reads the network's own parameters, not a copy: it reflects any training, and anything written into
        `weights`. Any number of threads may call it at once.

        Bare: x is not checked for NaN and infinity, which propagate to the output. An x that is not an array of the
        network's dtype, C-contiguous and writable, is converted as in `predict`, which takes longer. Raises
        ValueError or TypeError, naming x or out, for a wrong shape and for anything but an array of real numbers.

        >>> from samenet.fast.numpy import Network
        >>> f = Network([2, 1], weights=[[[0.5, -0.5]]]).predictor()
        >>> f(np.array([1.0, 1.0]))
        array([0.5])
        """
        return prediction.for_one(self.model, self.backend)

    def classify(self, X: ArrayLike, *, labels: str = "auto") -> Any:
        """The class of each sample: (m,) for a batch (m, n_in), one number for a sample (n_in,); integers, int64.

        By the activation of the output layer, with h = predict(X):

        =========  ===========================================  ====================================================
        labels     one output                                   several outputs
        =========  ===========================================  ====================================================
        "auto"     sigmoid: 1 if h > 1/2, else 0                argmax h, the first of equals, whatever the cost: for
                   tanh: 1 if h > 0, else -1                    one-hot targets. ValueError for identity and relu,
                   identity, relu: ValueError (regression)      whose outputs are numbers (regression)
        "one"      the same                                     argmax h, for identity and relu, too
        "several"  the same, but (m, 1) or (1,)                 each label by its threshold, (m, n_out) or (n_out,):
                                                                where a sample may have several labels, or none.
                                                                ValueError for all but sigmoid and tanh
        =========  ===========================================  ====================================================

        So the answers compare with labels y (m,), and those of "several" with Y (m, n_out). NaN counts as the largest
        of a row, and as below a threshold. What monitors count as right: `samenet.training.classification`.

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

    def cost(self, X: ArrayLike, Y: ArrayLike, cost: str | None = None, reduction: str = "mean") -> float:
        """The network's cost, its mean or sum over the samples, and its penalties.

        X: (m, n_in), Y: (m, n_out); or one sample (n_in,) and (n_out,). cost: another than the network's, by name.
        Infinity where the sum over the samples is beyond 2^1020, or 2^124 in float32.
        """
        return self._objective(X, Y, cost, reduction).cost()

    def gradient(
        self, X: ArrayLike, Y: ArrayLike, cost: str | None = None, reduction: str = "mean"
    ) -> tuple[float, Parameters]:
        """The cost and its gradient by backpropagation.

        X: (m, n_in), Y: (m, n_out), m >= 1; or one sample (n_in,) and (n_out,).
        cost: another than the network's, by name; reduction: "mean" or "sum" over the samples.
        Returns (cost, gradient); the gradient has `.weights` and `.biases` like the network, and `.flat`. It is NaN
        where a target beyond 2^1000, or 2^112 in float32, makes the cost infinite.
        """
        return self._objective(X, Y, cost, reduction).gradient()

    def _objective(self, X: ArrayLike, Y: ArrayLike, cost: str | None, reduction: str) -> Objective:
        model = self.model.with_cost(cost)
        return Objective(model, self.backend, *model.labelled(X, Y, reduction), reduction)

    def train(
        self,
        X: ArrayLike,
        Y: ArrayLike,
        *,
        alpha: float | Schedule | None = None,
        epochs: int,
        batch_size: int | None = None,
        shuffle: bool = True,
        seed: Seed | random.Random = None,
        cost: str | None = None,
        reduction: str = "mean",
        monitors: Iterable[str] = (),
        record_every: int = 1,
        callback: Callback | None = None,
        optimizer: str | Optimizer = "descent",
        stop: Rule | Iterable[Rule] | None = None,
        dropout: float | Sequence[float] = 0.0,
        clip_value: float | None = None,
        clip_norm: float | None = None,
    ) -> History:
        """Gradient descent, in place: theta := theta - alpha dJ/dtheta for every batch of every epoch.

        X: (m, n_in), Y: (m, n_out), m >= 1.
        alpha         the learning rate, or a function that gives it for each epoch, see `samenet.schedules`; BFGS and
                      its like take none
        batch_size    None is full batch, 1 is online, else mini-batches; the last, partial batch is used
        shuffle       whether the samples are drawn in a new order each epoch; a full batch has no order
        seed          for orders and dropout, as for the network; or a `random.Random`, which shuffles one list over and
                      over, as tutorial 001's program does
        cost          another than the network's, by name
        reduction     "mean" divides the gradient by the size of the batch, "sum" does not
        monitors      what to record beside the cost: "mean_norm", "mean_absolute_error", "accuracy", and for several
                      labels a sample "subset_accuracy" and "label_accuracy"; ValueError for an accuracy where targets
                      are no classes, see `samenet.training.classification`
        record_every  record before every so many epochs, 0 for never; in mini-batch training each record is a
                      forward pass over all samples
        callback      called as callback(network, history) after every epoch, whatever it returns; by raising
                      `samenet.StopTraining` it ends the training
        optimizer     "descent", "momentum", "nesterov", "rmsprop", "adam", "bfgs", "lbfgs", "cg", or an object with
                      settings of its own, see `samenet.optimizers`
        stop          rules that end the training before its epochs are done, see `samenet.stopping`
        dropout       the probability that a hidden node is left out of an update: one for all hidden layers, or one
                      for each; drawn for each sample anew. Nothing is left out in the recorded cost or in `predict`
        clip_value    the largest entry of a gradient: larger ones are cut to it
        clip_norm     the largest length of a gradient, after that: a longer one is scaled down to it

        Calling it again continues from the current weights; epochs are counted from 0 again, and the state of
        optimizers and stop rules (velocities, means, the least cost) is reset.
        Returns a `History`, also kept as `network.history`. Ctrl-C stops after the current update, keeps weights and
        history, and is raised again. Raises FloatingPointError, naming the epoch, if weights do not stay finite; before
        that, a cost that grows without bound gives one `samenet.DivergenceWarning`.
        """
        given = locals()
        model = self.model.with_cost(cost)
        train(self, model, self.backend, Options.of(model, X, Y, given))
        assert self.history is not None
        return self.history
