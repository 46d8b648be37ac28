"""The network in NumPy, vectorised over the batch: the same functions as `samenet.reference`, the same answers.

Samples are rows, so the loops of the reference become matrix products: Z = H W^T + b. `samenet.fast.arrays` has them.

NumPy's BLAS computes the products, with as many threads as it chooses. A process forked while another thread is in a
product may hang in its own first product, since OpenBLAS's locks are copied in their current state; if OpenBLAS runs
threads of its own, the parent may hang too. If threads compute products, start processes with "spawn" or "forkserver".
"""

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet import network as interface
from samenet.fast.array_backend import ArrayBackend, one_by_one
from samenet.fast.functions import ACTIVATIONS
from samenet.fast.pages import keep_pages
from samenet.fast.sample_weight import factors, left_out, weighed
from samenet.fast.sampler import Sampled, learn
from samenet.fast.steps import clip, scales
from samenet.fast.steps import step as step_of
from samenet.model import Model
from samenet.optimizers import State, UpdateRule
from samenet.validation.finite import all_finite

Array = NDArray[Any]
NORMALIZES = WEIGHS = True  # see `samenet.backends.generic`


def _itself(array: Array, device: str = "") -> Array:
    return array


keep_pages()
_quiet = np.errstate(all="ignore")
_backend = ArrayBackend(np, _itself, _itself, _quiet(one_by_one(np, _itself)), _quiet)
feed_forward, predict, evaluate = _backend.feed_forward, _backend.predict, _backend.evaluate
gradient, run_updates = _backend.gradient, _backend.run_updates
FOR_OTHERS = Sampled, clip, factors, learn, left_out, weighed  # which `samenet.backends.generic` uses


def step(theta: Array, g: Array, alpha: float, rule: UpdateRule, state: State) -> None:
    """Update theta and the state in place with the gradient g, which is overwritten."""
    state.t += 1
    step_of(np, rule, theta, g, list(state.values), *scales(rule, alpha, state.t))


def fast_predict(model: Model, otherwise: Callable[..., Any], one: bool) -> Callable[..., Any]:
    """f(x, out=None): the output layer for plain arrays, else otherwise(x, out); see `samenet.backends.prediction`.

    Plain: an array of the model's dtype, C-contiguous, aligned and writable; x is (n_in,), or unless `one` (m, n_in)
    and finite. With batch normalization, no array is plain.
    """
    if model.theta.normalized:
        return otherwise
    n_in, sample, answer, dtype = model.sizes[0], model.sizes[:1], model.sizes[-1:], model.dtype
    biases = model.biases or (None,) * len(model.weights)
    functions = [partial(ACTIVATIONS[name].activate, np) for name in model.activations]
    layers = list(zip([W.T for W in model.weights], biases, functions, strict=True))

    @np.errstate(all="ignore")
    def f(x: Any, out: Any = None) -> Any:
        if not (
            type(x) is np.ndarray
            and (x.shape == sample or (not one and x.ndim == 2 and x.shape[1] == n_in))
            and x.dtype == dtype
            and x.flags.carray
            and (one or all_finite(x))
            and (
                out is None
                or (type(out) is np.ndarray and out.shape == answer and out.dtype == dtype and out.flags.carray)
            )
        ):
            return otherwise(x) if out is None else otherwise(x, out)
        h = x
        for WT, b, activate in layers:
            h = h.dot(WT)  # a new array: in shared memory, threads would overwrite each other's results
            if b is not None:
                h += b
            h = activate(h)
        if out is None:
            return h
        out[:] = h
        return out

    return f


class Network(interface.Network):
    """The network on NumPy."""

    backend = sys.modules[__name__]
