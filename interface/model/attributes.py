"""The attributes of a network that come from its model."""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samenet.model.functions import Activation, Cost
from samenet.model.model import Model
from samenet.validation import arrays, checks


class _Model:
    """Assignment to `model`: what was bound to the model before is forgotten. Reading it takes no call."""

    def __set__(self, network: "HasModel", model: Model) -> None:
        if not isinstance(model, Model):
            raise TypeError(f"model: expected a Model, got {checks.short(model)} ({type(model).__name__})")
        attributes = vars(network)
        before: Model | None = attributes.get("model")
        attributes["model"] = model
        if before is None:
            return
        for name in network.bound:
            attributes.pop(name, None)
        if before.theta.joint is not None:
            before.theta.joint.is_whole = False
        if not (before.theta.is_like(model.theta) and before.dtype == model.dtype):
            attributes.pop("training_state", None)  # its vectors do not fit the model


class HasModel:
    """The attributes of a network that come from its model, which can be replaced."""

    model: Model = _Model()  # type: ignore[assignment]
    bound: ClassVar[tuple[str, ...]] = ()  # attributes made for this model

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of nodes in each layer, the input layer first."""
        return self.model.sizes

    @property
    def activation(self) -> Activation | tuple[Activation, ...]:
        """The name of the activation function, or the names where layers differ."""
        return self.model.activation

    @property
    def activations(self) -> tuple[Activation, ...]:
        """The name of the activation function of each layer after the first."""
        return self.model.activations

    @property
    def cost_function(self) -> Cost:
        """The name of the cost."""
        return self.model.cost_function

    @property
    def l1(self) -> float:
        """The penalty on sum |W|."""
        return self.model.l1

    @property
    def l2(self) -> float:
        """The penalty on 1/2 sum W^2."""
        return self.model.l2

    @property
    def bias(self) -> bool:
        """Whether nodes have a bias."""
        return self.model.bias

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of parameters, and of what `predict` returns."""
        return self.model.dtype

    @property
    def threads(self) -> int:
        """The number of threads that may work on a batch; results are bit-identical for any number."""
        return self.model.threads

    @threads.setter
    def threads(self, number: int) -> None:
        self.model.threads = number

    @property
    def weights(self) -> tuple[NDArray[Any], ...]:
        """The matrix (n_out, n_in) of each layer after the first, as views: writing into them changes the network."""
        return self.model.theta.shown.weights

    @property
    def biases(self) -> tuple[NDArray[Any], ...]:
        """For each layer after the first its vector (n_out,), a view; empty without biases."""
        return self.model.theta.shown.biases

    @property
    def batch_normalization(self) -> bool | tuple[bool, ...]:
        """Whether hidden layers are normalized, or a flag for each where they differ."""
        return self.model.batch_normalization

    @property
    def gammas(self) -> tuple[NDArray[Any], ...]:
        """The factors (n_out,) of each layer after the first, views, (0,) where not normalized; or empty."""
        return self.model.theta.shown.gammas

    @property
    def running(self) -> tuple[NDArray[Any], ...]:
        """Running means and variances (2, n_out) of each layer after the first, (2, 0) if not normalized; or empty."""
        return self.model.theta.shown.running

    @property
    def parameters(self) -> NDArray[Any]:
        """All parameters as one flat vector, W1, b1, W2, b2, ...: a view. Assigning to it copies the values in."""
        return self.model.theta.shown.flat

    @parameters.setter
    def parameters(self, values: ArrayLike) -> None:
        theta, given = self.model.theta, arrays.array("parameters", values, self.model.theta.flat.dtype)
        if given.shape != theta.flat.shape:
            raise ValueError(f"parameters: expected shape {theta.flat.shape}, got {given.shape}")
        arrays.finite("parameters", given)
        theta.check_writable()
        theta.flat[:] = given
