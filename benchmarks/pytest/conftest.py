"""For pytest-benchmark: one thread for BLAS, and a record without host name or path."""

import sys
from typing import Any

import pytest

from samenet.compare import environment

if "numpy" not in sys.modules:  # later, it would have no effect
    environment.set_threads(1)
import uninstalled  # noqa: F401


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    machine_info.clear()
    machine_info.update(environment.describe())


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_json(output_json: dict[str, Any]) -> None:
    for timed in output_json["benchmarks"]:
        timed["stats"].pop("data", None)  # a number a round, most of the file
        timed["extra_info"]["median_seconds"] = timed["stats"]["median"] / timed["extra_info"]["work"]
