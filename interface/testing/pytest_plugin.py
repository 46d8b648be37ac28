"""The pytest plug-in: `pytest --samenet-backend my_backend.py` runs the suite on a backend, with a test for each case.

Every pytest run in an environment with samenet loads it, so it imports nothing until it is used.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from samenet.testing.parts import Part


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options."""
    group = parser.getgroup("samenet", "conformance of samenet's backends")
    group.addoption(
        "--samenet-backend",
        action="append",
        default=[],
        metavar="BACKEND",
        help="check this backend, a file or the name of one or of a module; may be given several times",
    )
    group.addoption(
        "--samenet-level", default="standard", metavar="LEVEL", help="standard or thorough; default: standard"
    )
    group.addoption(
        "--samenet-time-limit",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="after which a call of the backend is taken to hang; default: 60",
    )


@pytest.hookimpl(tryfirst=True)  # before pytest deselects by -k and -m
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the suite's cases to the collected tests."""
    for given in config.getoption("--samenet-backend"):
        suite = Suite.from_parent(session, name=str(given), given=given)
        items.extend(suite.collect())


class Suite(pytest.Collector):
    """The suite for one backend."""

    def __init__(self, given: str, **others: Any) -> None:
        super().__init__(**others)
        self.given = given
        self._nodeid = f"samenet[{self.name}]"

    def collect(self) -> Iterator["CaseItem"]:
        """A test for every case of every part."""
        from samenet.testing import loading
        from samenet.testing.parts import LEVELS, PARTS
        from samenet.validation import checks

        level = self.config.getoption("--samenet-level")
        try:
            checks.choice("--samenet-level", level, LEVELS)
            checks.number("--samenet-time-limit", self.config.getoption("--samenet-time-limit"), positive=True)
            text = loading.spelled(self.given)
            assert text is not None
            module = loading.load(text)
        except Exception as error:
            raise pytest.UsageError(f"--samenet-backend {self.given}: {type(error).__name__}: {error}") from error
        except SystemExit as error:
            raise pytest.UsageError(f"--samenet-backend {self.given}: it calls sys.exit when it is loaded") from error
        for part in PARTS:
            for case in part.chosen(level):
                yield CaseItem.from_parent(self, name=f"{part.name}[{case}]", module=module, part=part, case=case)


class CaseItem(pytest.Item):
    """One part of the suite on one network."""

    def __init__(self, module: Any, part: "Part", case: Any, **others: Any) -> None:
        super().__init__(**others)
        self.module, self.part, self.case = module, part, case

    def runtest(self) -> None:
        """Skipped if the backend does not offer it."""
        from dataclasses import replace

        from samenet.testing.report import Report
        from samenet.testing.suite import Check
        from samenet.testing.workers import ThreadWorker

        one, level = replace(self.part, cases=(self.case,)), "standard"
        limit = self.config.getoption("--samenet-time-limit")
        check = Check(lambda parts: ThreadWorker(self.module, parts, level, False), [one], limit)
        (result,) = check.run(Report(self.name, level)).parts
        if result.status == "not offered":
            pytest.skip(f"not offered: {result.reason}")
        if result.failure is not None:
            raise Wrong("\n".join(result.failure.lines()))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The failure in a few lines, without a traceback through the suite."""
        if isinstance(excinfo.value, Wrong):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Any, int | None, str]:
        """The location shown for the test."""
        return self.path, None, f"samenet[{self.parent.name if self.parent else ''}] {self.name}"


class Wrong(AssertionError):
    """A backend's answer is wrong."""
