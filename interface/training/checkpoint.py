"""Checkpoints: the state of training in a file, from which it continues with the same bits, even after being killed.

A checkpoint is a network file, see `samenet.storage.contents`, with these additional entries under "training":

=============  =======================================================================================================
"version"      1: the version of these entries
"backend"      the name of the backend
"options"      the arguments of `train` as text, as far as it distinguishes them; a function is "a function"
"samples"      the CRC-32 of X, Y, the validation set and the sample weights, as they are in memory
"seed"         the seed, or the kind of the stream that was given
"stream"       the kind and the state of the random stream
"key"          the key of the masks
"began"        how many epochs had been done when the call began
"epochs_done"  how many epochs have been done
"updates"      how many updates have been made
"divergence"   the state of `divergence.Watch`: `largest`, `is_done`
"history"      the history without its records: their names and number, and its attributes
"rules"        for each stop rule its str(), the numbers that its watch remembers, and the names of its arrays
"hooks_begun"  how many of the callback and the rules had been called after the last epoch, null for all
"last"         whether a rule has restored other parameters than those of the last update
=============  =======================================================================================================

Its arrays are: state (k, parameters), the optimizer's; first, the parameters before training; last, those of the last
update, if a rule has restored others; epochs, records (names, records) and curve, the history; rows (m,), if a
`random.Random` shuffles; tree and mean, of adaptive sampling; and rule0.best, ..., the arrays of stop rules.
"""

import math
import os
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet import schedules
from samenet.model import Model
from samenet.output import files
from samenet.storage import streams
from samenet.storage.contents import arrays_of
from samenet.storage.saving import save, writer_of
from samenet.training.options import Options
from samenet.training.sampling import is_stream
from samenet.training.state import Kept, TrainingState, left_by
from samenet.validation import checks
from samenet.validation.arrays import finite

VERSION = 1
SECONDS = 60.0  # between checkpoints
_LONGEST = 10_000  # characters of a reason


class Checkpoint:
    """Writes the checkpoints of a training run: at its beginning, at a regular interval, and at its end.

    Each is written after an epoch, under a temporary name that is then changed to the file's, and holds the parameters
    a few times.
    """

    def __init__(self, path: Any, every: Any, options: Options, model: Model, cost: str, backend: str) -> None:
        self.path = writer_of("checkpoint", path)
        self.every = SECONDS if every is None else checks.number("every", every, least=0.0)
        self.model, self.due = model, math.inf
        self.said = {
            **{"version": VERSION, "backend": backend},
            **{"options": texts(options, cost), "samples": fingerprint(options), "seed": described_seed(options.seed)},
        }
        # State that cannot be written is refused before training begins.
        files.check_writable(self.path)
        for name, array in arrays_of(model).items():
            finite(name, array)
        if is_stream(options.seed):
            streams.state(options.seed)

    def begin(self, loop: Any) -> None:
        """Write the first checkpoint, so that an error in writing is raised before the work."""
        files.remove_left(self.path)
        self.due = 0.0
        self.save_if_due(loop)

    def save_if_due(self, loop: Any) -> None:
        """Write a checkpoint if one is due and no epoch has begun."""
        if loop.ahead is None and loop.partial is None and time.monotonic() >= self.due:
            self._save(loop)

    def end(self, state: TrainingState) -> None:
        """Write the last checkpoint, unless training ended within an epoch or has not begun."""
        if self.due < math.inf and state.is_between_epochs:
            self._write(state)

    def _save(self, loop: Any) -> None:
        left = left_by(loop)
        assert left is not None
        self._write(TrainingState.of(*left))
        self.due = time.monotonic() + self.every

    def _write(self, state: TrainingState) -> None:
        said, arrays = described(state)
        save(self.model, self.path, training=self.said | said, others=arrays)


def texts(options: Options, cost: str) -> dict[str, str]:
    """The options that have to be the same, as text, by the names of the arguments."""
    settings, alpha = options.settings, options.settings.alpha
    return {
        **Kept.of_options(options, cost).texts(),
        "alpha": str(alpha) if type(alpha).__module__ == schedules.__name__ else "a function",
        **{name: str(settings.arguments.get(name)) for name in ("clip_value", "clip_norm")},
        "record_every": str(settings.record_every),
        "stop": str([*map(str, options.stop)]),
    }


def fingerprint(options: Options) -> dict[str, int]:
    """Checksums of the training and validation samples, by the names of the arguments; 0 for one that is not given."""
    found = {}
    weights = () if options.sample_weight is None else (options.sample_weight,)
    given = {"X": (options.X,), "Y": (options.Y,), "validation": options.held, "sample_weight": weights}
    for name, arrays in given.items():
        found[name] = 0
        for values in arrays:
            values = getattr(values, "checksums", values)  # samples that are on other machines
            found[name] = zlib.crc32(np.ascontiguousarray(values).data, found[name])
    return found


def described_seed(seed: Any) -> Any:
    """The seed as it is in a file."""
    return streams.kind(seed) if is_stream(seed) else None if seed is None else int(seed)


def described(state: TrainingState) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The entries of a file for a state, and its arrays."""
    history, draws = state.history, state.draws
    assert draws is not None
    masks = draws.dropout or draws.drop_connect
    records = np.array([history[name] for name in history])
    arrays = {"state": state.values, "first": state.first, "epochs": history.epochs, "records": records}
    if state.last is not None:
        arrays["last"] = state.last
    curve = history.validation_curve
    if curve is not None:
        arrays["curve"] = curve
    if draws.python_random is not None:
        arrays["rows"] = np.array(draws.rows, np.int64)
    if state.sampler is not None:
        arrays |= {"tree": state.sampler.tree, "mean": state.sampler.mean}
    rules = []
    for place, (text, remembered) in enumerate(state.rules):
        numbers, of_theta = _remembered(text, remembered, state.first)
        arrays |= {f"rule{place}.{name}": value for name, value in of_theta.items()}
        rules.append([text, numbers, list(of_theta)])
    stream = draws.python_random or draws.random
    stopped_by = history.stopped_by
    if stopped_by is not None and len(stopped_by) > _LONGEST:
        stopped_by = stopped_by[: _LONGEST - 3] + "..."
    return {
        "stream": [streams.kind(stream), streams.state(stream)],
        "key": 0 if masks is None else masks.key,
        **{"began": state.began, "epochs_done": history.epochs_done, "updates": state.t},
        "divergence": [state.largest, state.is_done],
        "history": {
            **{"names": list(history), "records": len(history.epochs), "stopped_by": stopped_by},
            **{"diverged_at": history.diverged_at, "best_epoch": history.best_epoch},
            "curve": None if curve is None else len(curve),
        },
        **{"rules": rules, "hooks_begun": state.hooks_begun, "last": state.last is not None},
    }, {name: array for name, array in arrays.items() if array.size}


def _remembered(
    rule: str, state: dict[str, Any], theta: NDArray[Any]
) -> tuple[dict[str, float], dict[str, NDArray[Any]]]:
    """The numbers and the arrays that a stop rule remembers; TypeError for anything else (from a custom rule)."""
    numbers, arrays = dict[str, float](), dict[str, NDArray[Any]]()
    for name, value in state.items():
        if isinstance(value, np.ndarray) and (value.dtype, value.shape) == (theta.dtype, theta.shape):
            arrays[name] = value
        elif isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool):
            numbers[name] = int(value) if isinstance(value, int | np.integer) else float(value)
        else:
            raise TypeError(
                f"stop: expected {rule} to remember numbers and arrays like the parameters, of which checkpoints are "
                f"written, got {checks.short(value)} as {name!r}"
            )
    return numbers, arrays


def is_same_file(one: str | os.PathLike[str], other: Path) -> bool:
    """Whether two paths lead to the same file, whether or not it exists."""
    return os.path.realpath(os.path.expanduser(one)) == os.path.realpath(other)
