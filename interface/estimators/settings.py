"""The parameters of an estimator, checked when a fit begins."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from samenet.backends import known_backends
from samenet.model.functions import Activation
from samenet.training.settings import probabilities
from samenet.validation import checks

Solver = Literal["adam", "sgd", "lbfgs"]
Schedule = Literal["constant", "invscaling", "adaptive"]
HiddenActivation = Literal["identity", "sigmoid", "tanh", "relu", "logistic"]

SOLVERS: tuple[Solver, ...] = get_args(Solver)
SCHEDULES: tuple[Schedule, ...] = get_args(Schedule)
ACTIVATIONS: dict[HiddenActivation, Activation] = {
    **{"identity": "identity", "sigmoid": "sigmoid", "tanh": "tanh", "relu": "relu"},
    "logistic": "sigmoid",
}
_AUTO_BATCH = 200

Callback = Callable[[Any], object]


@dataclass(frozen=True)
class Settings:
    """The parameters in the form in which training uses them; their meaning: `Estimator`."""

    hidden: tuple[int, ...]  # the number of nodes in each hidden layer
    activations: tuple[Activation, ...]  # one for each hidden layer, by samenet's names
    drawn_for: Activation  # determines the scale of the output layer's initial weights
    solver: Solver
    alpha: float
    batch_size: int | None  # None for "auto"
    learning_rate: Schedule
    learning_rate_init: float
    power_t: float
    max_iter: int
    shuffle: bool
    tol: float
    verbose: bool
    warm_start: bool
    momentum: float
    nesterovs_momentum: bool
    early_stopping: bool
    validation_fraction: float
    beta_1: float
    beta_2: float
    epsilon: float
    n_iter_no_change: float  # may be infinite
    max_fun: int
    backend: str
    dtype: np.dtype[Any] | None
    threads: int
    dropout: tuple[float, ...]  # a probability for every hidden layer; empty for no dropout
    callbacks: tuple[Callback, ...]

    @classmethod
    def of(cls, given: Any) -> "Settings":
        """The parameters of an estimator. Raises ValueError or TypeError, naming the parameter."""
        hidden = _hidden(given.hidden_layer_sizes)
        activations = _activations(given.activation, len(hidden))
        only = given.activation if isinstance(given.activation, str) else "identity"  # without hidden layers
        solver = checks.choice("solver", given.solver, SOLVERS)
        dropout = probabilities("dropout", given.dropout, len(hidden), "hidden layer")
        if dropout and solver == "lbfgs":
            raise ValueError(f"dropout: expected 0 for solver='lbfgs', got {checks.short(given.dropout)}")
        return cls(
            hidden=hidden,
            activations=activations,
            drawn_for=activations[-1] if activations else ACTIVATIONS[only],  # type: ignore[index]
            solver=solver,
            alpha=checks.number("alpha", given.alpha, least=0.0),
            batch_size=_batch_size(given.batch_size),
            learning_rate=checks.choice("learning_rate", given.learning_rate, SCHEDULES),
            learning_rate_init=checks.number("learning_rate_init", given.learning_rate_init, positive=True),
            power_t=checks.number("power_t", given.power_t, least=0.0),
            max_iter=checks.integer("max_iter", given.max_iter, least=1),
            shuffle=checks.flag("shuffle", given.shuffle),
            tol=checks.number("tol", given.tol, least=0.0),
            verbose=_verbose(given.verbose),
            warm_start=checks.flag("warm_start", given.warm_start),
            momentum=checks.fraction("momentum", given.momentum),
            nesterovs_momentum=checks.flag("nesterovs_momentum", given.nesterovs_momentum),
            early_stopping=checks.flag("early_stopping", given.early_stopping),
            validation_fraction=checks.fraction("validation_fraction", given.validation_fraction),
            beta_1=checks.fraction("beta_1", given.beta_1),
            beta_2=checks.fraction("beta_2", given.beta_2),
            epsilon=checks.number("epsilon", given.epsilon, positive=True),
            n_iter_no_change=_patience(given.n_iter_no_change),
            max_fun=checks.integer("max_fun", given.max_fun, least=1),
            backend=checks.choice("backend", given.backend, known_backends()),
            dtype=None if given.dtype is None else checks.dtype(given.dtype),
            threads=checks.integer("threads", given.threads, least=1),
            dropout=dropout,
            callbacks=_callbacks(given.callbacks),
        )

    def batch(self, samples: int) -> int:
        """The batch size for this number of samples."""
        return min(samples, _AUTO_BATCH if self.batch_size is None else self.batch_size)

    def initial_factors(self) -> tuple[float, ...]:
        """The factor f of each layer's initial weights, which are uniform in +-sqrt(f / (n_in + n_out)).

        It is 2 for sigmoid, else 6. The output layer has the factor of the last hidden layer; without hidden layers,
        that of the parameter `activation`.
        """
        return tuple(2.0 if name == "sigmoid" else 6.0 for name in (*self.activations, self.drawn_for))


def _hidden(value: Any) -> tuple[int, ...]:
    if not checks.is_listing(value):
        return (checks.integer("hidden_layer_sizes", value, least=1),)
    given = checks.listed("hidden_layer_sizes", value, "the numbers of nodes as in (100, 50)")
    return tuple(checks.integer(f"hidden_layer_sizes[{i}]", n, least=1) for i, n in enumerate(given))


def _activations(value: Any, layers: int) -> tuple[Activation, ...]:
    return tuple(ACTIVATIONS[name] for name in checks.choices("activation", value, ACTIVATIONS, layers))


def _batch_size(value: Any) -> int | None:
    if isinstance(value, str):
        checks.choice("batch_size", value, ("auto",))
        return None
    return checks.integer("batch_size", value, least=1)


def _verbose(value: Any) -> bool:
    is_flag = isinstance(value, bool | np.bool_)
    return checks.flag("verbose", value) if is_flag else checks.integer("verbose", value, least=0) > 0


def _patience(value: Any) -> float:
    if isinstance(value, float) and value == math.inf:
        return math.inf
    return checks.integer("n_iter_no_change", value, least=1)


def _callbacks(value: Any) -> tuple[Callback, ...]:
    expected = "a function of the estimator, or a list of them"
    given = () if value is None else (value,) if callable(value) else checks.listed("callbacks", value, expected)
    for callback in given:
        if not callable(callback):
            raise TypeError(f"callbacks: expected {expected}, got {checks.short(callback)}")
    return tuple(given)
