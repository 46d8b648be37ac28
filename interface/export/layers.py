"""The parts of a network that all exporters need: its layers, a name, and the error bounds."""

import os
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from samenet import __version__
from samenet.export.bound import Errors, largest_error
from samenet.model import HasModel, Model
from samenet.output import files
from samenet.validation import arrays, checks, paths


class Layer(NamedTuple):
    """W (n_out, n_in), b (n_out,) or None, and the name of the activation."""

    W: NDArray[Any]
    b: NDArray[Any] | None
    activation: str


class Exported(NamedTuple):
    """A network to be exported; `says` are the lines that describe it."""

    path: Path
    model: Model
    layers: list[Layer]
    errors: Errors
    says: list[str]

    @property
    def name(self) -> str:
        """A name made from the file's name: letters, digits and underscores, beginning with a letter."""
        plain = re.sub(r"[^0-9A-Za-z]+", "_", self.path.stem).strip("_")
        return plain if plain[:1].isalpha() else f"network_{plain}".rstrip("_")

    def write(self, text: str) -> None:
        """Write the program."""
        files.write_text(self.path, text)


def exported(
    network: Any,
    path: str | os.PathLike[str],
    within: float,
    arithmetic: DTypeLike | None = None,
    stored: DTypeLike | None = None,
) -> Exported:
    """A network's layers, checked; parameters in dtype `stored`, results in `arithmetic`, by default the network's."""
    if not isinstance(network, HasModel | Model):
        raise TypeError(f"network: expected a Network, got {checks.short(network)} ({type(network).__name__})")
    model = network if isinstance(network, Model) else network.model
    place = Path(paths.path("path", path))
    within = checks.number("within", within, positive=True)
    weights = [_stored(f"weights[{i}]", W, stored) for i, W in enumerate(model.weights)]
    biases: list[Any] = [_stored(f"biases[{i}]", b, stored) for i, b in enumerate(model.biases)] or [None] * len(
        weights
    )
    if others := model.parameters.size - sum(array.size for array in (*weights, *biases) if array is not None):
        raise ValueError(
            f"network: expected weights and biases alone, got {others} other parameters, such as those of batch "
            "normalization, which are not exported"
        )
    layers = [Layer(*layer) for layer in zip(weights, biases, model.activations, strict=True)]
    dtype = model.dtype if arithmetic is None else np.dtype(arithmetic)
    errors = Errors(largest_error(model, dtype, within), largest_error(model, model.dtype, within), within)
    names = model.activation if isinstance(model.activation, str) else ", ".join(model.activation)
    says = [
        f"A network {'-'.join(map(str, model.sizes))} ({names}), exported by samenet {__version__}.",
        f"It computes in {dtype}; the network was in {model.dtype}. {errors}",
        "That is derived, for exp and tanh that are accurate to 4 units in the last place.",
    ]
    return Exported(place, model, layers, errors, says)


def _stored(name: str, array: NDArray[Any], dtype: DTypeLike | None) -> NDArray[Any]:
    with np.errstate(all="ignore"):  # numbers beyond the range of float32 become infinite
        return arrays.finite(name, array if dtype is None else array.astype(dtype))
