"""Facts that the project states in several places agree: versions, Pythons, the checks of CI."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import samenet

pytestmark = pytest.mark.compiled  # the same without the JIT

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def read(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text("utf-8"))


@pytest.fixture
def job() -> Any:
    (job,) = read(".github/workflows/ci.yml")["jobs"].values()
    return job


def test_ci_runs_the_same_script_on_every_system_and_python(job: Any) -> None:
    matrix = job["strategy"]["matrix"]
    assert {name.partition("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}
    named = [c.rpartition(" :: ")[2] for c in PROJECT["project"]["classifiers"] if ":: Python :: 3." in c]
    assert matrix["python"] == named, "strings: 3.10 as a number would be 3.1"
    assert job["runs-on"] == "${{ matrix.os }}"
    uses = {step["uses"].partition("@")[0]: step.get("with") for step in job["steps"] if "uses" in step}
    assert list(uses) == ["actions/checkout", "actions/setup-python"]
    assert uses["actions/setup-python"] == {"python-version": "${{ matrix.python }}"}
    assert [step for step in job["steps"] if "run" in step] == [{"run": ".ci/run", "shell": "bash"}]


def test_scripts_keep_their_line_ends_on_windows() -> None:
    assert "* text=auto eol=lf" in (ROOT / ".gitattributes").read_text("utf-8").splitlines()
    assert b"\r" not in (ROOT / ".ci" / "run").read_bytes()


def test_ci_reads_only_and_pins_its_actions(job: Any) -> None:
    assert read(".github/workflows/ci.yml")["permissions"] == {"contents": "read"}
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"]) for step in job["steps"] if "uses" in step)


def test_pre_commit_has_the_ruff_of_the_project() -> None:
    (wanted,) = [name for name in PROJECT["project"]["optional-dependencies"]["dev"] if name.startswith("ruff")]
    (local,) = [repo for repo in read(".pre-commit-config.yaml")["repos"] if repo["repo"] == "local"]
    assert [hook["entry"].split()[:2] for hook in local["hooks"]] == [["ruff", "check"], ["ruff", "format"]]
    assert all(hook["additional_dependencies"] == [wanted] for hook in local["hooks"])


def test_one_version_everywhere() -> None:
    changes = re.findall(r"^## \[([^]]+)\](?: - (\d{4}-\d\d-\d\d))?$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert changes[0] == ("Unreleased", "")
    citation = read("CITATION.cff")
    assert changes[1] == (samenet.__version__, str(citation["date-released"]))
    assert citation["version"] == samenet.__version__
