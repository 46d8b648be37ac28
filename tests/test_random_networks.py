"""A short run of `tests/hardening/random_networks.py`, and the proof that it would find a bound that is too small."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import problems
import pytest
from problems import Problem

from samenet.testing.rounding import Rounding

pytestmark = pytest.mark.compiled  # the kernels as plain Python take too long, and are compared elsewhere


def _script() -> ModuleType:
    path = Path(__file__).with_name("hardening") / "random_networks.py"
    spec = importlib.util.spec_from_file_location("hardening_random_networks", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPT = _script()


def test_random_networks_agree(capsys: pytest.CaptureFixture[str]) -> None:
    assert SCRIPT.main(["--networks", "30", "--seed", "0", "--exact", "30"]) == 0
    printed = capsys.readouterr().out
    for name in ("predict", "cost", "gradient", *problems.RULES, "velocity", "exact gradient"):
        assert f"\n{name} " in printed
    assert "\n0 differences" in printed


@pytest.mark.parametrize("seed", [3041, 6665, 8255])
def test_networks_that_were_beyond_the_bound(seed: int) -> None:
    """A cost near the end of float32; and slopes so small that alpha g underflows before RMSProp divides it."""
    assert SCRIPT.main(["--networks", "1", "--seed", str(seed)]) == 0


def test_a_search_finds_nothing_beyond_the_bound() -> None:
    assert SCRIPT.main(["--networks", "0", "--seed", "7", "--climb", "2", "--steps", "12"]) == 0


def _seeds_that_fail(seeds: Any, measured: Callable[[Problem], Any]) -> set[int]:
    failed = set()
    for seed in seeds:
        one = problems.draw(np.random.default_rng(seed), wild=True)
        if any(c.bounded and not c.ok for _, c in measured(one)):
            failed.add(seed)
    return failed


def _forward_and_back(problem: Problem) -> Any:
    return problems.comparisons(problem, updates=0)


FOUND = {  # what is left out, and a network that shows it
    "least": (0.0, 59, problems.against_exact),
    "flush": (0.0, 233, _forward_and_back),
    "u": (2.0**-60, 0, _forward_and_back),
}


@pytest.mark.parametrize("part", FOUND)
def test_a_bound_without_a_part_fails(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value, seed, measured = FOUND[part]
    assert not _seeds_that_fail([seed], measured)
    right = Rounding.of
    monkeypatch.setattr(Rounding, "of", lambda dtype: right(dtype)._replace(**{part: value}))
    assert _seeds_that_fail([seed], measured)


def test_a_failure_is_named_with_its_seed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    right = Rounding.of
    monkeypatch.setattr(Rounding, "of", lambda dtype: right(dtype)._replace(u=2.0**-60))
    assert SCRIPT.main(["--networks", "1", "--seed", "3"]) == 1
    assert "FAIL" in capsys.readouterr().out.partition("--seed 3:")[0]
