"""One sample at a time, as `Network.predictor` answers it: its type, and the slow way for what is not ready for it."""

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from samenet.validation import checks

if TYPE_CHECKING:
    from samenet.network import Network


class Predictor(Protocol):
    """The output layer for one sample: (n_in,) -> (n_out,), as a new array or in `out`; see `Network.predictor`."""

    def __call__(self, x: ArrayLike, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """The activations of the output layer."""


def predict(network: "Network", x: Any, out: Any = None) -> NDArray[Any]:
    """The slow way, for whatever a user gave: x checked and converted but not for NaN and infinity, and `out` checked.

    Raises ValueError or TypeError, naming x or out. Nothing is written before all is checked and the answer is there,
    so `out` may share memory with x.
    """
    x = checks.sample("x", x, network.sizes[0], network.dtype)
    if out is not None:
        checks.room("out", out, network.sizes[-1], network.dtype)
    output = network.backend.predict(network, x)
    with np.errstate(all="ignore"):  # the reference's outputs as float32
        answer = np.asarray(output, network.dtype)
    if out is None:
        return answer
    out[:] = answer
    return out  # type: ignore[no-any-return]
