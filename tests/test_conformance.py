"""`samenet.testing`: right backends pass, mistakes in wrong ones are identified, and nothing ends the run."""

import inspect
import itertools
import json
import math
import os
import re
import shutil
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from children import python
from learner import BUGS, LATER, Bug, learner

import samenet
from samenet.__main__ import main
from samenet.fast import functions
from samenet.model.functions import ACTIVATIONS, COSTS
from samenet.optimizers import UPDATE_RULES
from samenet.testing import assert_same, check_backend, mistakes, mutation, shrink, workers
from samenet.testing.guard import Guard
from samenet.testing.parts import LEVELS, PARTS
from samenet.testing.runner import Runner, of_part

pytestmark = pytest.mark.without_jit
EXAMPLES = Path(__file__).resolve().parent.parent / "examples" / "backends"
NAMES = [part.name for part in PARTS]


def module(**functions: Any) -> ModuleType:
    made = ModuleType("learner")
    vars(made).update(functions)
    return made


def forward(model: Any, x: Any) -> Any:
    return samenet.backend("numpy").feed_forward(model, x)


# --- what is asked ----------------------------------------------------------------------------------------------------


def test_the_suite_asks_for_every_activation_cost_and_rule() -> None:
    asked = {part.name: [case.functions for case in part.cases] for part in PARTS}
    slopes = [*asked["gradient"], *asked["activations and costs"]]
    for part in ("feed_forward", "saturation"):
        cases = [*asked[part], *(asked["activations"] if part == "feed_forward" else [])]
        assert {case.output for case in cases} == {*ACTIVATIONS}, part
    assert {case.hidden for case in asked["NaN and infinity"]} == {*ACTIVATIONS}
    assert {name for case in slopes for name in (case.hidden, case.output)} == {*ACTIVATIONS}
    assert {case.cost for case in asked["evaluate"]} == {case.cost for case in slopes} == {*COSTS}
    assert {rule.name for rule in UPDATE_RULES} <= {*asked}


def test_the_suite_knows_a_mistake_in_every_activation_cost_and_rule() -> None:
    assert {part.name for part in PARTS if part.tells} <= {mutant.part for mutant in mistakes.MUTANTS}
    wrong = [old for mutant in mistakes.MUTANTS for old, _ in ((mutant.old, mutant.new), *mutant.others)]
    for name, made_of in [*functions.ACTIVATIONS.items(), *functions.COSTS.items()]:
        source = "".join(inspect.getsource(f) for f in made_of if callable(f))
        assert any(old in source for old in wrong) == (name != "identity"), name  # which computes nothing


# --- what passes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["reference", "numpy"])
def test_the_built_in_backends_pass(name: str) -> None:
    report = check_backend(samenet.backend(name))
    assert report.ok, str(report)
    assert [part.name for part in report.parts] == NAMES
    assert {part.status for part in report.parts} == {"passed"} if name == "numpy" else {"passed", "generic"}


def test_feed_forward_alone_is_enough() -> None:
    report = check_backend(module(feed_forward=forward))
    assert report.ok, str(report)
    assert report["feed_forward"].status == "passed"
    assert report["gradient"].status == report["adam"].status == "generic"
    assert "generic" in report["gradient"].line()


def test_a_learner_s_backend_passes_but_for_what_it_does_not_take() -> None:
    report = check_backend(learner())
    assert report.ok, str(report)
    reasons = {part.name: part.reason for part in report.parts if part.status == "not offered"}
    assert {name: reason for name, reason in reasons.items() if reason != LATER} == {
        "dropout": "gradient does not take dropout",
        "DropConnect": "gradient does not take drop_connect",
        "sample weights": "gradient does not take sample_weight",
        "adaptive sampling": "run_updates does not take sampler",
        "combinations": "run_updates does not take dropout, drop_connect, sample_weight",
        "batch normalization": "its functions do not know batch normalization",
    }


# --- what fails -------------------------------------------------------------------------------------------------------


# The other bugs run no line that these do not, and that all others of this file do not.
COUNTED = {
    "slope without 1 - h",
    "y exchanged",
    "the layer before the output",
    "alpha left out",
    "W not transposed",
    "partial batch left out",
    "a print left in",
    "exp overflows",
}


@pytest.mark.parametrize(
    "bug",
    [pytest.param(bug, marks=() if bug.name in COUNTED else pytest.mark.uncounted) for bug in BUGS],
    ids=lambda bug: bug.name.replace(" ", "_"),
)
def test_a_planted_bug_is_found_and_its_cause_told(bug: Bug) -> None:
    report = check_backend(learner(bug), parts=[bug.part], shrink=False)
    assert not report.ok
    (part,) = report.failed
    assert part.failure is not None
    assert bug.cause in part.failure.mistake
    assert part.failure.what
    assert "FAIL" in str(report)


def test_there_are_bugs_enough_and_most_have_a_cause() -> None:
    assert len(BUGS) >= 40
    assert sum(bool(bug.cause) for bug in BUGS) >= 30
    assert len({bug.name for bug in BUGS}) == len(BUGS)


@pytest.mark.parametrize(  # `check_backend` runs the same lines, but for those of "thorough"
    "level", [pytest.param(level, marks=pytest.mark.uncounted if level == "standard" else ()) for level in LEVELS]
)
def test_each_part_catches_the_mistakes_that_the_report_says(level: str) -> None:
    passed = set()
    chosen = [(part, mutant) for part in PARTS for mutant in of_part(part)]
    for part, mutant in chosen if level == "standard" else [c for c in chosen if c[0].name == "adaptive sampling"]:
        runner = Runner(Guard(mutation.mutated(mutant)), level, False)
        result = runner.run(part)
        if result.status != "failed" and not (part.name == "side effects" and runner.guard.noted):
            passed.add((part.name, mutant.name))
    assert passed == mistakes.NOT_CAUGHT[level]
    assert {mutant.part for mutant in mistakes.MUTANTS} <= set(NAMES)
    assert len({mutant.name for mutant in mistakes.MUTANTS}) == len(mistakes.MUTANTS)


# Where only some networks, samples or updates show a mistake.
_PRODUCT = "z = _product(xp, layer_inputs[-1], W.T)"
_SLOPE = "slope = _product(xp, delta.T, layer_inputs[layer], into and into.weights[layer])"
SOMETIMES = {
    **{
        f"{what} beyond {most}": (old, new.format(most), part)
        for most in (8, 16, 100, 1024)
        for what, old, new, part in (
            ("nodes", _PRODUCT, _PRODUCT + "; z[..., {}:] = 0", "large networks"),
            ("nodes of one sample", _PRODUCT, _PRODUCT + "; z[{}:] *= z.ndim > 1", "large networks"),
            ("samples", _PRODUCT, _PRODUCT + "; z[{}:] *= z.ndim == 1", "large networks"),
            ("inputs with a slope", _SLOPE, _SLOPE + "; slope[:, {}:] = 0", "large gradients"),
            ("nodes with a slope", _SLOPE, _SLOPE + "; slope[{}:] = 0", "large gradients"),
            ("updates", "t + i + 1)", "min(t + i + 1, {}))", "late updates"),
        )
    },
    **{
        f"layers beyond {most}": (_PRODUCT, f"{_PRODUCT}; z *= layer < {most}", "large networks")
        for most in (3, 4, 8, 16)
    },
    **{
        f"epochs beyond {most}": ("pairs in enumerate(factors", f"pairs in enumerate(factors[:{most}]", "late updates")
        for most in (3, 16, 128)
    },
    **{
        f"weights of samples beyond {most}": (
            "return xp.asarray(c.reshape((-1, 1)), dtype=dtype)",
            f"return xp.asarray(np.where(np.arange(len(c)) < {most}, c, 1).reshape((-1, 1)), dtype=dtype)",
            "sample weights",
        )
        for most in (16, 64)
    },
    **{
        f"{what}, a sample alone": (old, old + " * (0.5 if len(h) == 1 else 1)", part)
        for what, old, part in (
            ("slope of tanh", "e *= 1 + h", "activations and costs"),
            ("slope of softmax", "e -= (e * h).sum(axis=-1, keepdims=True)", "activations and costs"),
            ("slope of the cross-entropy", "h * Y.sum(axis=-1, keepdims=True) - Y", "activations and costs"),
            ("cross-entropy", "return _sum(xp, Y * (logarithm - z), c)", "evaluate"),
            (
                "binary cross-entropy",
                "return _sum(xp, z.clip(0) - Y * z + xp.log1p(xp.exp(-xp.abs(z))), c)",
                "evaluate",
            ),
        )
    },
    **{
        f"no {kind} in updates": ("theta, masks, count", f"theta, masks._replace({kind}=None), count", part)
        for kind, part in (("dropout", "dropout"), ("drop_connect", "DropConnect"))
    },
    "no slope of gamma without biases": (
        "others if theta.bias else others[1:]",
        "others if theta.bias else [0 * others[1]]",
        "batch normalization",
    ),
    "running means without biases": (
        "z -= means",
        "z -= means if theta.bias else 0",
        "batch normalization",
    ),
    "clipping before the masks of weights": (
        "clip(xp, g, run.clip_value, run.clip_norm)",
        "(clip(xp, g, run.clip_value, run.clip_norm) if masks[1] is None else g)",
        "combinations",
    ),
    "no weights with momentum": (
        "None if A is None else A[part]",
        "None if A is None or (A is data[2] and run.rule.name == 'momentum') else A[part]",
        "combinations",
    ),
    "sign of 0": ("xp.sign(W)", "xp.where(W < 0, -1, 1)", "penalties"),
    "sigmoid 0 from -30": ("return 1 / h", "return xp.where(1 / h < 1e-13, 0, 1 / h)", "saturation"),
    "softmax 0 from -30": (
        "h /= h.sum(axis=-1, keepdims=True)",
        "h /= h.sum(axis=-1, keepdims=True); h[h < 1e-13] = 0",
        "saturation",
    ),
}


# Options and networks of updates, any two of which may go together; a mistake may show only where they do.
TOGETHER = {
    "clip_value": "clip_value < math.inf",
    "clip_norm": "clip_norm < math.inf",
    "dropout": "dropout is not None",
    "DropConnect": "drop_connect is not None",
    "sampling": "sampler is not None",
    "weights": "sample_weight is not None",
    "sum": "reduction == 'sum'",
    "a rule": "rule.name != 'descent'",
    "one by one": "batch_size == 1",
    "float32": "X.dtype == np.float32",
    "no biases": "not model.bias",
    "l1": "model.l1 > 0",
    "l2": "model.l2 > 0",
    "batch normalization": "bool(model.theta.normalized)",
    "layers": "len(model.weights) > 2",
    "cross-entropy": "'cross_entropy' in model.cost_function",
}
APART = {
    frozenset(("sampling", "weights")),
    *(frozenset(("batch normalization", other)) for other in ("DropConnect", "sampling", "one by one")),
}


def test_the_combinations_have_every_two_options() -> None:
    """Each case in turn is asked with every two of the options, and says which it has."""
    right, seen = samenet.backend("numpy"), set[frozenset[str]]()
    conditions = {name: compile(text, name, "eval") for name, text in TOGETHER.items()}

    def run_updates(
        model: Any, X: Any, Y: Any, rule: Any, *, clip_value: float = math.inf, clip_norm: float = math.inf,
        dropout: Any = None, drop_connect: Any = None, sampler: Any = None, sample_weight: Any = None,
        reduction: str = "mean", batch_size: int, **others: Any,
    ) -> Any:  # fmt: skip
        known = {**globals(), **locals()}
        have = [name for name, condition in conditions.items() if eval(condition, known)]
        seen.update(frozenset(pair) for pair in itertools.combinations(have, 2))
        options = {"dropout": dropout, "drop_connect": drop_connect, "sampler": sampler, "sample_weight": sample_weight}
        options |= {"clip_value": clip_value, "clip_norm": clip_norm, "reduction": reduction, "batch_size": batch_size}
        return right.run_updates(model, X, Y, rule, **options, **others)

    asked = module(**{name: getattr(right, name) for name in ("feed_forward", "gradient", "WEIGHS", "NORMALIZES")})
    asked.run_updates = run_updates
    assert check_backend(asked, parts=["combinations"], shrink=False).ok
    assert {frozenset(pair) for pair in itertools.combinations(TOGETHER, 2)} - seen == APART


@pytest.mark.uncounted
@pytest.mark.parametrize("name", SOMETIMES)
def test_a_mistake_that_few_answers_show_is_found(name: str) -> None:
    old, new, part = SOMETIMES[name]
    runner = Runner(Guard(mutation.mutated(mutation.Mutant(name, old, new))), "standard", False)
    assert runner.run(PARTS[NAMES.index(part)]).status == "failed"


def test_the_power_of_a_part_that_is_offered_in_part_is_measured() -> None:
    def some(model: Any, x: Any) -> Any:
        if "softmax" in model.activations:
            raise NotImplementedError("no softmax")
        return forward(model, x)

    (part,) = check_backend(module(feed_forward=some), parts=["activations"]).parts
    assert part.status == "passed"
    assert part.reason == "not all of it: no softmax"
    assert 0 < part.caught < part.mutants


def test_the_smallest_network_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shrink, "_SECONDS", 600.0)  # on a busy machine, the usual time may end the search
    report = check_backend(learner(BUGS[2]), parts=["feed_forward"])
    failure = report["feed_forward"].failure
    assert failure is not None
    assert failure.shrunk
    assert failure.network == "1-1, sigmoid, squared_error, 1 sample"
    assert failure.numbers == ["W1 = [[0.0]], b1 = [0.25], X = [[0.0]], Y = [[0.0]]"]
    assert failure.expected == pytest.approx(1 / (1 + np.exp(-0.25)))
    assert failure.got == 0.5
    assert 0 < failure.allowed < 1e-14
    assert "expected 0.56217650088579807, got 0.5, allowed" in str(report)


def test_without_hypothesis_a_network_is_shown_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    failure = check_backend(learner(BUGS[2]), parts=["feed_forward"])["feed_forward"].failure
    assert failure is not None
    assert not failure.shrunk
    assert failure.network == "3-2, sigmoid, squared_error, 2 samples"
    assert "bias" in failure.mistake


# --- what must not end the run ----------------------------------------------------------------------------------------

RETURNED = {
    "nothing": (lambda model, x: None, "a list of 2 arrays"),
    "a number": (lambda model, x: 1.0, "a list of 2 arrays"),
    "text": (lambda model, x: "abc", "a list of 2 arrays"),
    "the output": (lambda model, x: forward(model, x)[-1], "in a list"),
    "a layer too few": (lambda model, x: forward(model, x)[1:], "one of 1"),
    "rows of other lengths": (lambda model, x: [x, [[1.0], [1.0, 2.0]]], "h[1]"),
    "transposed": (lambda model, x: [h.T for h in forward(model, x)], "shape (2, 3)"),
    "complex": (lambda model, x: [h + 0j for h in forward(model, x)], "complex128"),
    "objects": (lambda model, x: [h.astype(object) for h in forward(model, x)], "object"),
    "float32": (lambda model, x: [h.astype(np.float32) for h in forward(model, x)], "float64, the network's dtype"),
}


@pytest.mark.parametrize("name", RETURNED)
def test_the_wrong_form_is_a_failure(name: str) -> None:
    returned, expected = RETURNED[name]
    report = check_backend(module(feed_forward=returned), shrink=False, parts=["feed_forward", "gradient"])
    assert not report.ok
    assert expected in str(report)
    assert report["gradient"].status == "not run"


def test_a_network_on_nested_lists_is_fine() -> None:
    def lists(model: Any, x: Any) -> Any:
        return [h.tolist() for h in forward(model, x)]

    assert check_backend(module(feed_forward=lists), parts=["feed_forward", "predict", "float32"]).ok


def raising(error: BaseException) -> Any:
    def feed_forward(model: Any, x: Any) -> Any:
        raise error

    return module(feed_forward=feed_forward)


class Unprintable(Exception):
    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (SystemExit(3), "raised SystemExit: 3"),
        (KeyboardInterrupt(), "raised KeyboardInterrupt"),
        (Unprintable(), "cannot be printed"),
        (MemoryError("none left"), "raised MemoryError: none left"),
        (ValueError("\ud800\0"), r"raised ValueError: \ud800\x00"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_raised_is_a_failure(error: BaseException, told: str) -> None:
    report = check_backend(raising(error), parts=["feed_forward"], shrink=False)
    assert not report.ok
    assert told in str(report)
    report.to_json().encode()


class Exiting:
    """A returned object that ends the process when it is examined."""

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise SystemExit


def test_what_ends_the_suite_itself_is_a_failure_of_its_part() -> None:
    report = check_backend(module(feed_forward=lambda model, x: [x, Exiting()]), parts=["feed_forward", "predict"])
    assert report["feed_forward"].status == "failed"
    assert "SystemExit" in str(report)


def test_not_implemented_is_not_offered() -> None:
    report = check_backend(raising(NotImplementedError("later")), parts=["feed_forward", "gradient"])
    assert not report.ok, "a backend that offers nothing has not passed"
    assert {part.status for part in report.parts} == {"not offered"}
    assert report.verdict.startswith("FAIL: feed_forward is not offered")


def test_a_loop_without_end_is_a_failure_and_what_needs_it_is_not_run() -> None:
    def feed_forward(model: Any, x: Any) -> Any:
        while True:
            pass

    began = time.monotonic()
    report = check_backend(module(feed_forward=feed_forward), time_limit=0.3)
    assert time.monotonic() - began < 60
    assert "did not return within 0.3 s" in str(report)
    assert report["feed_forward"].status == "failed"
    assert {part.status for part in report.parts[1:]} == {"not run"}


SCRIPTS = {
    "import os, signal\ndef feed_forward(model, x): os.kill(os.getpid(), signal.SIGTERM)\n": "its process",
    "import os\ndef feed_forward(model, x): os._exit(3)\n": "ended its process with status 3",
    "def feed_forward(model, x):\n    while True:\n        try:\n            input()\n"
    "        except BaseException: pass\n": "did not return within 0.5 s",
    "import sys\nsys.exit(3)\n": "cannot be loaded\n        SystemExit: 3",
    "def feed_forward(model, x)\n": "SyntaxError",
    "x = 1\n": "a function feed_forward",
    "raise ValueError('at once')\n": "ValueError: at once",
    "from samenet.testing import check_backend\ncheck_backend(__file__)\n": 'under `if __name__ == "__main__":`',
}


@pytest.mark.parametrize(
    "text", SCRIPTS, ids=["crash", "exit", "hangs", "sys_exit", "syntax", "nothing", "raises", "checks"]
)
def test_a_file_may_do_what_it_likes(text: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(text)
    report = check_backend(path, parts=["feed_forward"], time_limit=0.5, shrink=False)
    assert not report.ok
    assert SCRIPTS[text] in str(report)


WITHIN = """
import subprocess, sys
from samenet.fast.numpy import feed_forward
run = subprocess.run([sys.executable, "-m", "samenet", "check", __file__], capture_output=True, text=True)
raise ValueError(run.stderr)
"""
FORKS = """
import os
from samenet.fast.numpy import feed_forward as forward
def feed_forward(model, x):
    os.fork()
    return forward(model, x)
"""


def test_a_file_does_not_start_checks_without_end(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(WITHIN)
    report = check_backend(path, parts=["feed_forward"], shrink=False)
    assert "samenet check: error: backend: expected no check within that of a backend" in str(report)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_copies_of_the_process_do_not_go_on(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(FORKS)
    report = check_backend(path, parts=["feed_forward", "side effects"], shrink=False)
    assert [part.name for part in report.parts] == ["feed_forward", "side effects"]
    assert report["feed_forward"].status == "passed"
    assert report["side effects"].failure.mistake == "os.fork, whose child has to end by os._exit"


def test_what_a_file_prints_is_told_and_nothing_else_is_printed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "beside.py").write_text("from samenet.fast.numpy import feed_forward\n")
    path = tmp_path / "mine.py"
    path.write_text(
        "import os, beside\nprint('loaded')\ndef feed_forward(model, x):\n    print('hello')\n"
        "    os.write(1, b'{\"done\": true}\\n')\n    return beside.feed_forward(model, x)\n"
    )
    report = check_backend(str(path), parts=["feed_forward", "side effects"])
    assert report["feed_forward"].status == "passed"
    assert "it prints 'hello hello" in str(report)
    assert report["side effects"].failure is not None
    assert report["side effects"].failure.mistake == "a print that was left in"
    assert capfd.readouterr().out == ""


def test_what_others_print_meanwhile_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    check_backend(learner(), parts=["feed_forward", "predict"], progress=print)
    assert capsys.readouterr().out == "feed_forward\npredict\n"


def spoiling(name: str) -> ModuleType:
    kept: dict[str, Any] = {}

    def feed_forward(model: Any, x: Any) -> Any:
        h = forward(model, x)
        if name == "input":
            x *= 2
        elif name == "weights":
            model.weights[0][:] = 0
        elif name == "random":
            np.random.random()
        elif name == "handling":
            np.seterr(over="raise")
        elif name == "view":
            h[1] = model.theta.flat[: h[1].size].reshape(h[1].shape)
        elif name == "kept":
            memory = kept.setdefault(str((x.shape, len(h))), [np.empty_like(a) for a in h])
            for mine, its in zip(memory[1:], h[1:], strict=True):
                mine[:] = its
            return [x, *memory[1:]]
        return h

    return module(feed_forward=feed_forward)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("input", "feed_forward changes its input"),
        ("weights", "feed_forward changes the network's weights"),
        ("random", "global stream"),
        ("handling", "error handling"),
        ("view", "a view of the weights"),
        ("kept", "after another call"),
    ],
)
def test_side_effects_are_failures(name: str, told: str) -> None:
    before = np.geterr()
    report = check_backend(spoiling(name), parts=["side effects"])
    assert not report.ok
    assert told in str(report)
    assert np.geterr() == before


# --- the report, and other ways to it ---------------------------------------------------------------------------------


def test_the_report_for_programs() -> None:
    report = check_backend(learner(BUGS[2]), parts=["feed_forward", "predict"], shrink=False)
    found = json.loads(report.to_json())
    assert found == report.as_json()
    assert not found["ok"]
    assert found["backend"] == "learner"
    assert [part["status"] for part in found["parts"]] == ["failed", "failed"]
    assert found["parts"][0]["failure"]["mistake"] == "the bias is left out: z = W h + b"
    with pytest.raises(KeyError, match="expected one of 'feed_forward', 'predict'"):
        report["sigmoid"]


def test_numbers_that_are_not_finite_are_text_in_json() -> None:
    bug = next(bug for bug in BUGS if bug.name == "NaN returned")
    report = check_backend(learner(bug), parts=["feed_forward"], shrink=False)
    assert json.loads(report.to_json())["parts"][0]["failure"]["got"] == "nan"


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        ({"backend": "nunpy"}, ValueError, "did you mean 'numpy'"),
        ({"backend": "missing.py"}, ValueError, "where there is none"),
        ({"backend": Path("missing")}, ValueError, "where there is none"),
        ({"backend": 3}, TypeError, "expected a module, a file or a name, got 3"),
        ({"backend": ""}, ValueError, "expected a file or a name"),
        ({"backend": "a\0b.py"}, ValueError, "expected a file or a name"),
        ({"level": "quick"}, ValueError, "level: expected one of 'standard', 'thorough'"),
        ({"parts": ["forward"]}, ValueError, "did you mean 'feed_forward'"),
        ({"parts": []}, ValueError, "at least one name"),
        ({"parts": "gradient"}, TypeError, "a list of names"),
        ({"time_limit": 0}, ValueError, "time_limit"),
        ({"time_limit": "1"}, TypeError, "time_limit"),
        ({"shrink": 1}, TypeError, "shrink"),
        ({"progress": 1}, TypeError, "progress"),
    ],
)
def test_bad_arguments(given: dict[str, Any], error: type[Exception], told: str) -> None:
    arguments = {"backend": "numpy"} | given
    with pytest.raises(error, match=told):
        check_backend(arguments.pop("backend"), **arguments)


def test_assert_same() -> None:
    net = samenet.backend("numpy").Network([4, 3, 2], activation="tanh", seed=0, l2=0.1)
    before = net.parameters.copy()
    assert_same(learner(), "reference", net)
    assert_same("numpy", samenet.backend("reference"), net, np.ones((2, 4)), np.zeros((2, 2)))
    squared = samenet.backend("numpy").Network([4, 3, 2], seed=0)
    assert_same(EXAMPLES / "plain_numpy.py", "numpy", squared)
    slope = next(bug for bug in BUGS if bug.name == "slope of tanh")
    with pytest.raises(AssertionError, match=r"gradient of weights\[0\], mean: observed / allowed is .*Network"):
        assert_same(learner(slope), "reference", net)
    assert (net.parameters == before).all()
    huge = samenet.backend("numpy").Network([2, 2], activation="identity", weights=[[[1e300, 0.0], [0.0, 1e300]]])
    with pytest.raises(AssertionError, match="nothing is proved"):
        assert_same("numpy", "reference", huge, [[1e300, 1.0]], [[0.0, 0.0]])
    with pytest.raises(TypeError, match="network: expected a Network"):
        assert_same("numpy", "reference", [4, 3, 2])
    with pytest.raises(ValueError, match="X: expected shape"):
        assert_same("numpy", "reference", net, np.ones((2, 3)))


@pytest.mark.parametrize(
    ("feed_forward", "told"),
    [
        (lambda model, x: None, "feed_forward: expected a list of 3 arrays, got None"),
        (lambda model, x: {}["h"], "feed_forward: raised KeyError: 'h' in <lambda>"),
        (lambda x: [x], "feed_forward: raised TypeError: .*takes 1 positional argument"),
        (lambda model, x: [np.ma.masked_array(h) for h in forward(model, x)], "as a plain array, got a MaskedArray"),
        (lambda model, x: [h.resize(1, refcheck=False) or h for h in forward(model, x)], "expected h"),
        (lambda model, x: [forward(model, x), x.fill(0)][0], "feed_forward changes its input"),
    ],
    ids=["nothing", "raises", "parameters", "masked", "resized", "input changed"],
)
def test_assert_same_tells_what_a_backend_does(feed_forward: Any, told: str) -> None:
    net, X = samenet.backend("numpy").Network([4, 3, 2], seed=0), np.ones((3, 4))
    with pytest.raises(AssertionError, match=told):
        assert_same(module(feed_forward=feed_forward), "numpy", net, X)


def test_assert_same_tells_what_cannot_be_loaded(tmp_path: Path) -> None:
    path = tmp_path / "a folder" / "my backend.py"
    path.parent.mkdir()
    path.write_text("import sys\nsys.exit(3)\n")
    with pytest.raises(ValueError, match=r"b: the backend cannot be loaded \(SystemExit: 3\)"):
        assert_same("numpy", path, samenet.backend("numpy").Network([4, 3, 2], seed=0))
    path.write_text("class Mine:\n    def feed_forward(self, model, x): pass\n")
    with pytest.raises(ValueError, match="its class Mine has one, which has to be a function of the module itself"):
        assert_same(path, "numpy", samenet.backend("numpy").Network([4, 3, 2], seed=0))
    path.write_text("def feedforward(model, x): pass\n")
    assert "did you mean its 'feedforward'?" in str(check_backend(path))


FLAKY = """
from samenet.fast.numpy import feed_forward as forward
calls = 0
def feed_forward(model, x):
    global calls
    calls += 1
    h = forward(model, x)
    return [*h[:-1], h[-1] + 1e-3 * (calls % 5 == 0)]
"""


@pytest.mark.parametrize("level", LEVELS)
def test_answers_that_change_are_told_as_such(level: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(FLAKY)
    report = check_backend(path, parts=["feed_forward"], level=level)
    assert not report.ok
    assert "answers are not the same each time" in report["feed_forward"].failure.mistake


def test_what_wrong_answers_have_in_common_is_told() -> None:
    def of(old: str, new: str, part: str) -> str:
        failure = check_backend(learner(Bug("", old, new, part, "")), parts=[part], shrink=False)[part].failure
        assert failure is not None
        return str(failure.mistake)

    line = "h.append(F[model.activations[l]](z))"
    assert "float32 on the way" in of(line, line.replace("(z))", "(z).astype('f').astype(z.dtype))"), "feed_forward")
    assert of("+ model.biases[l]", "+ 2 * model.biases[l]", "feed_forward") == "right without biases: look there"
    assert of("np.maximum(z, 0)", "abs(z)", "activations") == "right without the activation relu: look there"
    assert of("x)[-1]", "x)[-1][::-1]", "predict").startswith("the rows are in the opposite order")
    assert of("slope(h, h - Y)", "slope(h, 0.7 * (h - Y))", "gradient").startswith("0.7 times what it should be")
    overflows = of("e = np.exp(z - z.max(axis=-1, keepdims=True))", "e = np.exp(z - z.max())", "saturation")
    assert overflows, "a batch whose samples are far apart"


def test_the_examples(tmp_path: Path) -> None:
    names = ["feed_forward", "activations", "gradient", "penalties", "descent", "float32", "side effects"]
    report = check_backend(EXAMPLES / "plain_numpy.py", parts=names)
    assert report.ok, str(report)
    assert report["gradient"].status == "passed"
    assert report["penalties"].status == "not offered"
    report = check_backend(EXAMPLES / "with_a_mistake.py", parts=["feed_forward", "gradient", "descent"])
    assert report["feed_forward"].status == "passed"
    failure = report["gradient"].failure
    assert failure is not None
    assert "h instead of z in the slope" in failure.mistake
    assert report["descent"].reason == "made from gradient, which fails"


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_the_example_in_c() -> None:
    pytest.importorskip("cffi")
    report = check_backend(EXAMPLES / "c_by_cffi.py", parts=["feed_forward", "gradient", "float32", "threads", "adam"])
    assert report.ok, str(report)
    assert report["gradient"].status == report["float32"].status == "passed"


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    path = str(EXAMPLES / "with_a_mistake.py")
    assert main(["check", path, "--parts", "feed_forward", "gradient"]) == 1
    assert "most likely: h instead of z in the slope" in capsys.readouterr().out
    assert main(["check", "numpy", "--parts", "predict", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parts"][0]["status"] == "passed"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["missing.py"], "backend: expected a Python file, got 'missing.py', where there is none"),
        (["nunpy"], "backend: expected one of .*did you mean 'numpy'"),
        (["numpy", "--parts", "gradients"], "--parts: expected one of .*did you mean 'gradient'"),
        (["numpy", "--level", "quick"], "--level: expected one of 'standard', 'thorough'"),
        (["numpy", "--time-limit", "0"], "--time-limit: expected a number above 0"),
        (["numpy", "--backend", "numba"], "--backend: only for a network, and 'numpy' is a backend"),
        (["net.npz", "--parts", "predict", "--no-shrink"], "--parts, --no-shrink: only for a backend, and 'net.npz'"),
    ],
)
def test_what_the_command_refuses(given: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", *given]) == 2
    assert re.search(f"^samenet check: error: {told}", capsys.readouterr().err)


def test_pytest_s_plug_in(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    run = python(
        *("-m", "pytest", "-p", "samenet.testing.pytest_plugin", "-p", "no:cacheprovider", "-p", "no:randomly"),
        *("-c", str(tmp_path / "pytest.ini"), str(tmp_path), "-v"),
        *("--samenet-backend", str(EXAMPLES / "with_a_mistake.py"), "-k", "feed_forward or gradient or penalties"),
    )
    assert run.returncode == 1, run.stdout + run.stderr
    assert "feed_forward[4_3_2-3_rows-float64] PASSED" in run.stdout
    assert "gradient[4_3_2-3_rows-float64] FAILED" in run.stdout
    assert "penalties[4_3_2-3_rows-float64-sigmoid-sigmoid-squared_error-l2] SKIPPED" in run.stdout
    assert "most likely: h instead of z in the slope" in run.stdout
    plugin = ("-m", "pytest", "-p", "samenet.testing.pytest_plugin", "-p", "no:cacheprovider")
    run = python(*plugin, "-c", str(tmp_path / "pytest.ini"), str(tmp_path), "--samenet-backend", "nunpy")
    assert run.returncode == 4
    assert "did you mean 'numpy'?" in run.stderr


# --- plug-ins ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def plugged(tmp_path: Path) -> dict[str, str]:
    """The environment of a process in which a package with backends is installed."""
    package = tmp_path / "theirs-1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1\n")
    names = ("right", "wrong", "raises", "exits", "absent", "changes", "aborts", "quits", "hangs", "tires")
    names += ("drifts",)
    points = "\n".join(f"{name} = their_{name}" for name in names)
    (package / "entry_points.txt").write_text(f"[samenet.backends]\n{points}\nnumpy = their_right\n")
    shutil.copy(EXAMPLES / "plain_numpy.py", tmp_path / "their_right.py")
    shutil.copy(EXAMPLES / "with_a_mistake.py", tmp_path / "their_wrong.py")
    (tmp_path / "their_raises.py").write_text("def feed_forward(model, x):\n    raise ValueError('never')\n")
    changes = "from samenet.fast.numpy import Network, feed_forward as forward\ndef feed_forward(model, x):\n    h = "
    (tmp_path / "their_changes.py").write_text(changes + "forward(model, x)\n    x *= 2\n    return [x / 2, *h[1:]]\n")
    (tmp_path / "their_exits.py").write_text("import sys\nsys.exit()\n")
    for name, how in (("tires", "raise KeyError(count)"), ("drifts", "h[-1] = h[-1] + 1e-9")):
        later = f"count += 1\n    if count > 20:\n        {how}\n    return h\n"
        (tmp_path / f"their_{name}.py").write_text(
            f"count = 0\n{changes}forward(model, x)\n    global count\n    {later}"
        )
    for name, how in (("aborts", "os.abort()"), ("quits", "os._exit(0)"), ("hangs", "time.sleep(100)")):
        (tmp_path / f"their_{name}.py").write_text(f"import os, time\ndef feed_forward(model, x):\n    {how}\n")
    return {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}


USED = """
import pickle, samenet
theirs = "aborts", "absent", "changes", "drifts", "exits", "hangs", "quits", "raises", "right", "tires", "wrong"
assert samenet.backends() == ("reference", "numpy", "numba", *theirs)
assert samenet.backend("numpy").__name__ == "samenet.fast.numpy"
right = samenet.backend("right")
assert samenet.backend("right") is right and right.Network.backend is right
net = right.Network([3, 2], seed=0)
assert samenet.backend("changes").Network.backend.__name__ == "their_changes"  # though it imports another Network
assert repr(net).endswith("on their_right")
assert pickle.loads(pickle.dumps(net)) == net == net.on("numpy").on("right")
history = net.train([[1.0, 2.0, 3.0]], [[0.0, 1.0]], alpha=0.5, epochs=3)
assert history.cost[-1] < history.cost[0]
for name, reason in (("absent", "No module named"), ("exits", "SystemExit")):
    try:
        samenet.backend(name)
    except ImportError as error:
        assert reason in str(error), error
    else:
        raise AssertionError(name)
"""


def test_backends_of_other_packages(plugged: dict[str, str]) -> None:
    run = python("-c", USED, **plugged)
    assert run.returncode == 0, run.stderr


COMPARED = """
import functools, sys
from samenet.compare import command, measurement, rehearsal
def failure(name, *given, of=rehearsal.failure):
    rehearsal.LIMIT = 1 if name == "hangs" else 60
    return of(name, *given)
rehearsal.failure = failure
command.measure = functools.partial(measurement.measure, seconds=0.01)
names = ["reference", "changes", "right", "wrong", "raises", "absent", "aborts", "quits", "hangs", "tires", "drifts"]
sys.exit(command.run(sizes=[[3, 2]], batches=[1], names=names, epochs=0, json_file=None, plot_file=None))
"""


def test_a_plugged_in_backend_s_failure_is_its_line_in_the_table(plugged: dict[str, str]) -> None:
    run = python("-c", COMPARED, **plugged)
    assert run.returncode == 1, run.stderr
    changes = "changes +FAIL +it changes its input"
    for line in (
        changes,
        "raises +FAIL +ValueError: never",
        "wrong +FAIL",
        "tires +FAIL +KeyError: 21",
        "drifts +FAIL",
        "absent +left out",
        "(aborts|quits|hangs) +FAIL",
        "aborts: it crashed its process: SIGABRT",
        "quits: it ended its process with status 0",
        "hangs: it did not return within 1 s",
        r"right +[\d.]+ [mun]?s",
    ):
        assert any(re.match(line, shown) for shown in run.stdout.splitlines()), line
    assert python("-m", "samenet", "check", "right", "--parts", "gradient", **plugged).returncode == 0


def test_a_thread_has_ended_when_its_last_answers_are_read() -> None:
    worker = workers.ThreadWorker(samenet.backend("numpy"), [], "standard", False)
    worker.thread.join()
    assert worker.ended() == ""  # {"done": True} waits to be read
    assert worker.events.get() == {"done": True}
    assert worker.ended() == "its thread ended"
