"""Checking a network on this machine: every backend against the reference, and its gradient against differences."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.model import Model
from samenet.model.functions import MADE_FOR
from samenet.testing import tolerance
from samenet.testing.gradient_check import GradientCheck, check_gradient
from samenet.testing.probe import Answers
from samenet.testing.tolerance import Comparison

MOST_PARAMETERS = 20_000  # for more, slopes are not compared, since each takes two costs
_WORK = 2_000_000  # multiplications of the reference's loops


class Checked(NamedTuple):
    """The comparisons of a backend.

    outputs, gradient  the comparisons with the reference's; None for the gradient of the reference itself
    slopes             the gradient against differences of the cost; None for a large network
    """

    outputs: Comparison
    gradient: Comparison
    slopes: GradientCheck | None

    @property
    def ok(self) -> bool:
        """Whether all comparisons passed."""
        return self.outputs.ok and self.gradient.ok and (self.slopes is None or self.slopes.ok)


def samples(model: Model, seed: int = 0) -> tuple[NDArray[Any], NDArray[Any]]:
    """Normal inputs X (m, n_in) and targets Y (m, n_out) that the cost accepts; fewer rows for a large network."""
    random = np.random.default_rng(seed)
    m = max(3, min(20, _WORK // model.theta.flat.size))
    X, n_out = random.standard_normal((m, model.sizes[0])), model.sizes[-1]
    if model.cost_function not in MADE_FOR:
        return X.astype(model.dtype), random.random((m, n_out)).astype(model.dtype)
    if model.cost_function == "cross_entropy":
        return X.astype(model.dtype), np.eye(n_out, dtype=model.dtype)[random.integers(0, n_out, m)]
    return X.astype(model.dtype), random.integers(0, 2, (m, n_out)).astype(model.dtype)


def check_networks(networks: Mapping[str, Answers]) -> dict[str, Checked]:
    """Check the same network on several backends, including "reference", on random samples; keys are backend names."""
    trusted = networks["reference"]
    X, Y = samples(trusted.model)
    outputs = tolerance.forward(trusted.model, X)[-1]
    cost_allowed, allowed = tolerance.gradient(trusted.model, X, Y)
    right, (cost, slope) = trusted.predict(X), trusted.gradient(X, Y)
    expected = np.append(slope.flat.astype(np.float64), cost)
    found = {}
    for name, network in networks.items():
        own = X.copy(), Y.copy()  # a plug-in may write into them
        cost, slope = network.gradient(*own)
        few = network.model.theta.flat.size <= MOST_PARAMETERS and name != "reference"
        found[name] = Checked(
            tolerance.compare(network.predict(X.copy()), right, outputs, network.model.dtype),
            tolerance.compare(
                np.append(slope.flat.astype(np.float64), cost), expected, np.append(allowed.flat, cost_allowed)
            ),
            check_gradient(network, X.copy(), Y.copy()) if few else None,
        )
    return found
