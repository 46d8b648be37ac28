"""For pytest-benchmark: where the list of cases is, one thread for BLAS, and a record without host name or path."""

import sys
from pathlib import Path
from typing import Any

import pytest

from samenet.compare import environment

if "numpy" not in sys.modules:  # later, it would have no effect
    environment.set_threads(1)
sys.path.append(str(Path(__file__).resolve().parent.parent))  # last: it holds folders named asv and pytest


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    machine_info.clear()
    machine_info.update(environment.describe())


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_json(output_json: dict[str, Any]) -> None:
    for timed in output_json["benchmarks"]:
        timed["stats"].pop("data", None)  # a number a round, most of the file
        timed["extra_info"]["median_seconds"] = timed["stats"]["median"] / timed["extra_info"]["work"]
