"""Grading a learner's file: the suite's parts on a backend built from it, and its time beside the reference's."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial, wraps
from pathlib import Path
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from samenet.backends import backend
from samenet.backends.plugins import network_on
from samenet.optimizers import Descent, Momentum
from samenet.testing.exercises import adapters
from samenet.testing.exercises.catalogue import Exercise, find, of_file
from samenet.testing.inputs import Case, Functions
from samenet.testing.parts import PARTS
from samenet.testing.report import Part, Report
from samenet.testing.suite import Check
from samenet.testing.workers import ProcessWorker

TIME_LIMIT = 20.0
_CASE = Case((64, 30, 10), 32)
_SECONDS = 0.1


@dataclass
class Grade:
    """The result of an exercise.

    report  the report of the suite on the parts that grade it
    times   seconds of a call by "yours", "reference" and "samenet", which is the NumPy backend
    """

    exercise: Exercise
    report: Report
    times: dict[str, float] = field(default_factory=dict)

    @property
    def begun(self) -> bool:
        """Whether there is anything to grade yet."""
        return any(part.status != "not offered" and not _is_unwritten(part) for part in self.report.parts)

    @property
    def is_written(self) -> bool:
        """Whether no function that the exercise asks for raises NotImplementedError any more."""
        return not any(map(_is_unwritten, self.report.parts))

    @property
    def is_fast(self) -> bool:
        """Whether it is as fast as required."""
        return not self.exercise.faster or self._gain >= self.exercise.faster

    @property
    def _gain(self) -> float:
        return self.times["reference"] / self.times["yours"] if self.times else 0.0

    @property
    def done(self) -> bool:
        """Whether all parts passed, and it is as fast as required."""
        passed = all(part.status == "passed" for part in self.report.parts)
        return self.begun and self.is_written and passed and self.is_fast


def _is_unwritten(part: Part) -> bool:
    return part.reason.endswith("NotImplementedError")


def grade(path: Path) -> Grade:
    """The grade of a file, which runs in a process of its own. Raises ValueError if it is not an exercise."""
    exercise = of_file(path)
    parts = [part for part in PARTS if part.name in exercise.parts]
    text = str(path.resolve())
    check = Check(lambda rest: ProcessWorker(text, rest, "standard", True, exercise.name), parts, TIME_LIMIT)
    report = check.run(Report(path.name, "standard"))
    return Grade(exercise, report, check.times)


def adapted(name: str, task: Any) -> ModuleType:
    """The backend built from a learner's file. Raises ValueError if a function is missing."""
    missing = [function for function in find(name).defines if not callable(getattr(task, function, None))]
    if missing:
        file = Path(getattr(task, "__file__", None) or "the file").name
        raise ValueError(f"{file} has no function {', '.join(missing)}")
    asked = {key: _asked(value) if isinstance(value, FunctionType) else value for key, value in vars(task).items()}
    return adapters.module(name, SimpleNamespace(**asked))


def _asked(function: Callable[..., Any]) -> Callable[..., Any]:
    """A learner's function, checked: without `return`, its result is None, which would be treated as NaN."""

    @wraps(function)
    def call(*given: Any, **named: Any) -> Any:
        answer = function(*given, **named)
        if answer is None:
            raise ValueError(f"{function.__name__} returned None: is a `return` missing?")
        return answer

    return call


def times(name: str, made: Any) -> dict[str, float]:
    """Seconds of a call of the learner's, the reference and the NumPy backend; empty if it raises."""
    exercise = find(name)
    sizes = _CASE.sizes[:1] + _CASE.sizes[2:] if name == "output-delta" else _CASE.sizes
    of = Functions("sigmoid", "softmax", "cross_entropy") if name == "softmax-cross-entropy" else Functions()
    case = Case(sizes, _CASE.rows, functions=of)
    rule = Momentum() if name == "momentum" else Descent()
    found = {}
    for who, module in (("yours", made), ("reference", backend("reference")), ("samenet", backend("numpy"))):
        model = case.network(network_on(module)).model
        settings: dict[str, Any] = {"alpha": 0.1, "batch_size": 8, "state": rule.state(model.theta)}
        given: dict[str, Callable[[], Any]] = {
            "feed_forward": partial(module.feed_forward, model, case.X),
            "gradient": partial(module.gradient, model, case.X, case.Y),
            "run_updates": partial(module.run_updates, model, case.X, case.Y, rule, **settings),
        }
        try:
            found[who] = _least(given[exercise.timed])
        except (Exception, SystemExit):  # a wrong solution has no time
            return {}
    return found


def _least(call: Callable[[], Any]) -> float:
    """The least seconds of a few calls."""
    call()
    seconds, ends = list[float](), time.perf_counter() + _SECONDS
    while len(seconds) < 2 or time.perf_counter() < ends:
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
    return float(np.min(seconds))
