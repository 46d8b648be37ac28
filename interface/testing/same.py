"""`assert_same`: a comparison of two backends on the user's network."""

from typing import Any

from numpy.typing import ArrayLike

from samenet.model import HasModel
from samenet.testing import agreement, loading
from samenet.testing.forms import Broken, printable
from samenet.testing.guard import Guard, NotOffered
from samenet.testing.tolerance import OVERFLOWS
from samenet.validation import arrays, checks

_ROWS = 5


def assert_same(
    a: Any, b: Any, network: Any, X: ArrayLike | None = None, Y: ArrayLike | None = None, *, seed: Any = 0
) -> None:
    """Raise AssertionError unless two backends give the same answers for a network, within the derived bound.

    a, b     backends: modules, files or names, as for `check_backend`; b is the one that is trusted
    network  a `Network` on any backend: its sizes, functions, dtype and weights are used; it is not changed
    X, Y     samples (m, n_in) and targets (m, n_out); drawn from `seed`, as that of a network, if they are not given

    It compares the activations of every layer, predictions, the cost and its gradient, with both reductions, for a
    batch and for its first sample. Where numbers may overflow, there is no bound, and nothing is proved; this raises
    AssertionError, too, and so does a backend that raises, returns a result of the wrong form, or changes anything that
    is not its own. The message names the answer, the worst entry and the difference allowed there. Raises ValueError or
    TypeError, naming the argument, for invalid arguments.
    """
    if not isinstance(network, HasModel):
        raise TypeError(f"network: expected a Network, got {checks.short(network)} ({type(network).__name__})")
    random = checks.generator("seed", seed)
    model = network.model
    X = random.standard_normal((_ROWS, model.sizes[0])) if X is None else X
    given = arrays.samples("X", X, model.sizes[0], model.dtype)
    if Y is None:
        Y = random.uniform(size=(*given.shape[:-1], model.sizes[-1]))
    samples, targets = model.labelled(given, Y)
    guards = [_guarded(name, backend) for name, backend in (("a", a), ("b", b))]
    mine, trusted = (_on(guard, network) for guard in guards)
    try:
        for answers in (
            agreement.forward(mine, trusted, samples),
            agreement.gradient(mine, trusted, samples, targets),
        ):
            for answer in answers:
                comparison = answer.comparison
                if not comparison.ok:
                    proves = ": nothing is proved" if comparison.problem == OVERFLOWS else ""
                    raise AssertionError(
                        f"{answer.name}{answer.detail}: observed / allowed is {comparison}{proves}, for {network!r}"
                    )
    except Broken as broken:
        what = "raised " if broken.kind == "raised" else ""
        raise AssertionError(f"{broken.function}: {what}{broken.text}, for {network!r}") from broken.cause
    except NotOffered as error:
        raise AssertionError(f"not offered: {error}, for {network!r}") from error
    if noted := [text for guard in guards for text in guard.noted.values()]:
        raise AssertionError(f"{'; '.join(noted)}, for {network!r}")


def _guarded(name: str, backend: Any) -> Guard:
    """A guarded backend, from any form in which it is given."""
    text = loading.spelled(backend)
    try:
        return Guard(backend if text is None else loading.load(text))
    except (Exception, SystemExit) as error:
        reason = f"{type(error).__name__}: {printable(error)}"
        raise ValueError(f"{name}: the backend cannot be loaded ({reason})") from error


def _on(guard: Guard, network: Any) -> Any:
    """The network on a backend."""
    moved = guard.Network(network.sizes, dtype=network.dtype, seed=0, threads=network.threads, **network.model.settings)
    moved.model.theta.everything[:] = network.model.theta.everything
    return moved
