"""The network as a user sees it: the same class on every backend."""

import copy
import random
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
from numpy import ndarray
from numpy.typing import ArrayLike, DTypeLike, NDArray

from samenet.classification import labels_of
from samenet.functions import ACTIVATIONS, COSTS, MADE_FOR, REDUCTIONS
from samenet.history import History
from samenet.initialize import SCHEMES, initialize
from samenet.one_sample import Predictor
from samenet.optimizers import Optimizer
from samenet.parameters import Parameters
from samenet.schedules import Schedule
from samenet.stopping import Rule
from samenet.training.options import Callback, settings, train
from samenet.validation import checks
from samenet.validation.overflow import cost_in_range, has_gradient

N = TypeVar("N", bound="Network")
Seed = int | np.random.Generator | np.random.RandomState | None


class Network:
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
    Source: tutorial 000, sections 2 to 4.

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
        layers = checks.sizes(sizes)
        self._activations = checks.choices("activation", activation, ACTIVATIONS, len(layers) - 1)
        for i, (name, n) in enumerate(zip(self._activations, layers[1:], strict=True)):
            if name == "softmax" and n == 1:
                raise ValueError(
                    f"activation: expected at least 2 nodes in a layer of 'softmax', got 1 in layer {i + 2}: a softmax "
                    "of one node is always 1; one node of 'sigmoid' tells two classes apart"
                )
        self._cost = self._fitting(cost)
        self._l1, self._l2 = checks.number("l1", l1, least=0.0), checks.number("l2", l2, least=0.0)
        bias = checks.flag("bias", bias)
        self.threads = threads
        checks.choice("init", init, SCHEMES)
        stream = checks.generator("seed", seed)
        kind = checks.dtype(dtype)
        with checks.fits("sizes", sizes):
            # For compiled code: the numbers of nodes, and activations by their places in the list. The input has none;
            # in its place stands whether there are biases.
            self.layout = np.array([layers, (bias, *map(ACTIVATIONS.index, self._activations))], np.int64)
            self.theta = Parameters.empty(layers, bias, kind)
        self.history: History | None = None
        if weights is None:
            if biases is not None:
                raise ValueError("biases: expected weights to be given with them, got biases alone")
            initialize(self.theta, init, stream)
        else:
            shapes = [W.shape for W in self.theta.weights]
            matrices = checks.matrices("weights", weights, shapes, self.dtype)
            if biases is None:
                vectors = [np.zeros_like(b) for b in self.theta.biases]
            else:
                vectors = checks.matrices("biases", biases, [b.shape for b in self.theta.biases], self.dtype)
            self.theta.fill(matrices, vectors)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The numbers of nodes, the input first."""
        return self.theta.sizes

    def _fitting(self, cost: Any) -> str:
        """The name of a cost that goes with the output layer."""
        name = checks.choice("cost", cost, COSTS)
        needed, last = MADE_FOR.get(name), self._activations[-1]
        if needed not in (None, last):
            raise ValueError(f"cost: expected {needed!r} in the output layer to go with {name!r}, got {last!r}")
        return name

    @property
    def activation(self) -> str | tuple[str, ...]:
        """The name of the activation function, or the names where layers differ."""
        return self._activations[0] if len(set(self._activations)) == 1 else self._activations

    @property
    def activations(self) -> tuple[str, ...]:
        """The name of the activation function of each layer after the first."""
        return self._activations

    @property
    def cost_function(self) -> str:
        """The name of the cost."""
        return self._cost

    @property
    def l1(self) -> float:
        """The penalty on sum |W|."""
        return self._l1

    @property
    def l2(self) -> float:
        """The penalty on 1/2 sum W^2."""
        return self._l2

    @property
    def bias(self) -> bool:
        """Whether nodes have a bias."""
        return self.theta.bias

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of parameters, and of what `predict` returns."""
        return self.theta.flat.dtype

    @property
    def threads(self) -> int:
        """How many threads may work on a batch; the answer has the same bits for any number."""
        return self._threads

    @threads.setter
    def threads(self, number: int) -> None:
        self._threads = checks.integer("threads", number, least=1)

    @property
    def weights(self) -> tuple[NDArray[Any], ...]:
        """For each layer after the first its matrix (n_out, n_in), a view: writing into it changes the network."""
        return self.theta.weights

    @property
    def biases(self) -> tuple[NDArray[Any], ...]:
        """For each layer after the first its vector (n_out,), a view; empty without biases."""
        return self.theta.biases

    @property
    def parameters(self) -> NDArray[Any]:
        """All parameters as one flat vector, W1, b1, W2, b2, ...: a view. Assigning to it copies the values in."""
        return self.theta.flat

    @parameters.setter
    def parameters(self, values: ArrayLike) -> None:
        theta = checks.array("parameters", values, self.dtype)
        if theta.shape != self.theta.flat.shape:
            raise ValueError(f"parameters: expected shape {self.theta.flat.shape}, got {theta.shape}")
        checks.finite("parameters", theta)
        self.theta.check_writable()
        self.theta.flat[:] = theta

    def copy(self) -> Self:
        """A network of its own with the same values, on the same backend."""
        return self._onto(type(self))

    def on(self, backend: str) -> "Network":
        """A copy on another backend, by name: `net.on("numba")`."""
        from samenet.backends import backend as find

        cls: type[Network] = find(backend).Network
        return self._onto(cls)

    def _onto(self, cls: type[N]) -> N:
        network = cls(self.sizes, dtype=self.dtype, seed=0, threads=self.threads, **self._settings())
        network.theta.flat[:] = self.theta.flat  # unchecked: whatever was written into the views is copied
        return network

    def __setstate__(self, state: dict[str, Any]) -> None:
        # A worker process may be handed read-only memory, for which every kernel would be compiled once more.
        self.__dict__.update(state, layout=np.require(state["layout"], requirements="W"))

    def _settings(self) -> dict[str, Any]:
        """What makes the network beside its sizes and numbers."""
        penalties = {"l1": self.l1, "l2": self.l2}
        return {"activation": self.activation, "bias": self.bias, "cost": self.cost_function, **penalties}

    def __eq__(self, other: object) -> bool:
        """Equal values: same sizes, settings, dtype and parameters, whatever the backend and its threads."""
        if not isinstance(other, Network):
            return NotImplemented
        return ((self.sizes, self.dtype, self._settings()) == (other.sizes, other.dtype, other._settings())) and bool(
            (self.parameters == other.parameters).all()
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        name = self.backend.__name__.removeprefix("samenet.")
        usual = {"bias": True, "cost": "squared_error", "l1": 0.0, "l2": 0.0}
        settings = [f"{key}={value!r}" for key, value in self._settings().items() if usual.get(key) != value]
        settings += [f"threads={self.threads}"] if self.threads != 1 else []
        return (
            f"Network({list(self.sizes)}, {', '.join(settings)}, dtype={self.dtype}) "
            f"with {self.parameters.size} parameters on samenet.{name}"
        )

    def feed_forward(self, x: ArrayLike) -> list[NDArray[Any]]:
        """The activations of every layer, [h1, ..., hL] with h1 = x.

        x: (n_in,), or (m, n_in) with a sample a row. Returns (n,) or (m, n) for each layer. What overflows is infinite
        or NaN: which of them, may differ between backends, as `samenet.validation.overflow` says.
        """
        X = checks.samples("x", x, self.sizes[0], self.dtype)
        layers = self.backend.feed_forward(self, X)
        return [
            X.copy(),
            *(self._array(h, (*X.shape[:-1], n)) for h, n in zip(layers[1:], self.sizes[1:], strict=True)),
        ]

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The activations of the output layer: (n_out,) for one sample (n_in,), (m, n_out) for a batch (m, n_in)."""
        theta, output = self.theta, None
        # The short way, for what needs no conversion: `checks`, written out, since to call it takes as long as a tenth
        # of a small network. Whether the numbers are finite is seen best by who reads them anyway.
        if (
            type(X) is ndarray
            and 1 <= X.ndim <= 2
            and X.shape[-1] == theta.sizes[0]
            and X.dtype == theta.flat.dtype
            and X.flags.carray
        ):
            output = self.backend.predict_finite(self, X)
        if output is None:
            X = checks.samples("X", X, theta.sizes[0], theta.flat.dtype)
            output = self.backend.predict(self, X)
        return output if type(output) is ndarray else self._array(output, (*np.shape(X)[:-1], theta.sizes[-1]))

    def predictor(self) -> Predictor:
        """A bare function f(x, out=None) for one sample after the other, as fast as the backend can answer.

        x: (n_in,). Returns (n_out,), the same bits as `predict`: a new array, or `out`, an array (n_out,) of the
        network's dtype, C-contiguous and writable, which may be x itself, but may not share memory with the weights.
        f is bound to the network's parameters, of which it has no copy: it follows what training, or writing into
        `weights`, does to them. Any number of threads may call it at once.

        Bare: NaN and infinity in x are not looked for; they show in the answer. An x that is not an array of the
        network's dtype, C-contiguous and writable, is converted as `predict` does it, which takes longer. Raises
        ValueError or TypeError, naming x or out, for a wrong shape and for what is no array of real numbers.

        >>> from samenet.fast.numpy import Network
        >>> f = Network([2, 1], weights=[[[0.5, -0.5]]]).predictor()
        >>> f(np.array([1.0, 1.0]))
        array([0.5])
        """
        predictor: Predictor = self.backend.predictor(self)
        return predictor

    def _array(self, values: Any, shape: tuple[int, ...]) -> NDArray[Any]:
        with np.errstate(under="ignore"):  # the smallest outputs of the reference are 0 in float32
            return np.asarray(values, self.dtype).reshape(shape)

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
        of a row, and as below a threshold. What monitors count as right: `samenet.classification`.

        >>> from samenet.fast.numpy import Network
        >>> net = Network([2, 2], weights=[[[1.0, 0.0], [0.0, 1.0]]])
        >>> net.classify([[3.0, 4.0], [-1.0, -2.0]])
        array([1, 0])
        >>> net.classify([[3.0, 4.0], [-1.0, -2.0]], labels="several")
        array([[1, 1],
               [0, 0]])
        """
        classes = labels_of(labels, self._activations[-1], self.sizes[-1])
        return classes(self.predict(X))

    def cost(self, X: ArrayLike, Y: ArrayLike, cost: str | None = None, reduction: str = "mean") -> float:
        """The network's cost, its mean or sum over the samples, and its penalties.

        X: (m, n_in), Y: (m, n_out); or one sample (n_in,) and (n_out,). cost: another than the network's, by name.
        Infinity where the sum over the samples is beyond 2^1020, or 2^124 in float32.
        """
        network = self._minimising(cost)
        X, Y = network._labelled(X, Y, reduction)
        with np.errstate(all="ignore"):  # an overflow is infinity in the answer, with every backend
            value = float(self.backend.evaluate(network, X, Y, reduction)[0])
        return cost_in_range(value, len(X) if reduction == "mean" else 1, self.dtype)

    def gradient(
        self, X: ArrayLike, Y: ArrayLike, cost: str | None = None, reduction: str = "mean"
    ) -> tuple[float, Parameters]:
        """The cost and its gradient by backpropagation.

        X: (m, n_in), Y: (m, n_out), m >= 1; or one sample (n_in,) and (n_out,).
        cost: another than the network's, by name; reduction: "mean" or "sum" over the samples.
        Returns (cost, gradient); the gradient has `.weights` and `.biases` like the network, and `.flat`. It is NaN
        where a target beyond 2^1000, or 2^112 in float32, makes the cost infinite.
        """
        network = self._minimising(cost)
        X, Y = network._labelled(X, Y, reduction)
        with np.errstate(all="ignore"):
            value, slope = self.backend.gradient(network, X, Y, reduction)
            if not isinstance(slope, Parameters):
                lists, slope = slope, self.theta.empty_like()
                slope.fill(lists.weights, lists.biases)
        value = cost_in_range(float(value), len(X) if reduction == "mean" else 1, self.dtype)
        if not has_gradient(value, Y):
            slope.flat[:] = np.nan
        return value, slope

    def _minimising(self, cost: str | None) -> Self:
        """This network, or for another cost one with the same parameters in the same memory."""
        if cost is None or (isinstance(cost, str) and cost == self._cost):
            return self
        network = copy.copy(self)
        network._cost = self._fitting(cost)
        return network

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
                      are no classes, see `samenet.classification`
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

        Calling it again goes on from the weights reached; epochs are counted from 0 anew, and what an optimizer or a
        rule remembers (velocities, means, the least cost) begins anew.
        Returns a `History`, kept as `network.history` too. Ctrl-C stops after the update at hand, keeps weights and
        history, and is raised again. Raises FloatingPointError, naming the epoch, if weights do not stay finite; before
        that, once, a cost that grows without bound is a `samenet.DivergenceWarning`.
        """
        network = self._minimising(cost)
        X, Y = network._labelled(X, Y, reduction)
        self.theta.check_writable()
        # Samples that are the network's own numbers would change while it learns from them.
        X, Y = (v.copy() if np.may_share_memory(v, self.theta.flat) else v for v in (X, Y))
        plan = settings(
            network,
            X,
            Y,
            user=self,
            alpha=alpha,
            epochs=epochs,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            reduction=reduction,
            monitors=monitors,
            record_every=record_every,
            callback=callback,
            optimizer=optimizer,
            stop=stop,
            dropout=dropout,
            clip_value=clip_value,
            clip_norm=clip_norm,
        )
        return train(network, plan)

    def _labelled(self, X: Any, Y: Any, reduction: str) -> tuple[NDArray[Any], NDArray[Any]]:
        checks.choice("reduction", reduction, REDUCTIONS)
        X, Y = checks.labelled(X, Y, self.sizes[0], self.sizes[-1], self.dtype)
        if self._cost in MADE_FOR and not (Y.min() >= 0 and Y.max() <= 1):
            raise ValueError(f"Y: expected probabilities from 0 to 1 for {self._cost!r}, got {Y.min()} to {Y.max()}")
        return X, Y
