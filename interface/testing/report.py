"""The report of `check_backend`: as text by `str(report)`, as JSON by `report.to_json()`."""

import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any

_WORDS = {"passed": "ok", "generic": "generic", "not offered": "-", "failed": "FAIL", "not run": "skipped"}


@dataclass
class Failure:
    """The first wrong answer of a part.

    what      the name of the answer
    network   the network that shows it, in one line
    numbers   its weights and samples, if they are few enough to print
    place     the index of the wrong entry, empty for a single number
    expected  the reference's number, or a description of the expected result
    got       the backend's number, or a description of what happened
    allowed   the allowed difference
    mistake   the most likely mistake; empty if it cannot be identified
    shrunk    whether a smaller network was searched for
    """

    what: str
    network: str
    numbers: list[str] = field(default_factory=list)
    place: list[int] = field(default_factory=list)
    expected: Any = None
    got: Any = None
    allowed: Any = None
    mistake: str = ""
    shrunk: bool = False

    def lines(self) -> list[str]:
        """The failure in a few lines."""
        at = f"[{', '.join(map(str, self.place))}]" if self.place else ""
        found = [f"{self.what}{at}" + (f", network {self.network}" if self.network else ""), *self.numbers]
        if self.expected is None:
            found.append(str(self.got))
        else:
            allowed = "" if self.allowed is None else f", allowed {_number(self.allowed, '.1e')}"
            found.append(f"expected {_number(self.expected)}, got {_number(self.got)}{allowed}")
        return [*found, f"most likely: {self.mistake}"] if self.mistake else found


def _number(value: Any, form: str = ".17g") -> str:
    return format(value, form) if isinstance(value, float) else str(value)


@dataclass
class Part:
    """The result of one part of the suite.

    function  the function of the contract that it tests
    status    "passed"; "failed"; "generic", passed by samenet's generic function for one that the backend lacks;
              "not offered"; or "not run", because it would only repeat an earlier failure
    reason    why it is not offered, or not run
    answers   the number of answers compared
    ratio     the largest observed / allowed difference among them
    caught    how many of the part's `mutants`, backends with a known mistake, this part of the suite catches
    """

    name: str
    function: str
    status: str
    answers: int = 0
    ratio: float = 0.0
    caught: int = 0
    mutants: int = 0
    reason: str = ""
    failure: Failure | None = None

    def line(self) -> str:
        """The part in one line."""
        notes = [self.reason] if self.reason else []
        if self.status in ("passed", "generic"):
            notes.append(f"{self.answers} answers")
            if 0 < self.ratio < math.inf:
                notes.append(f"at worst {self.ratio:.2f} of what is allowed")
            if self.mutants:
                notes.append(f"catches {self.caught} of {self.mutants} known mistakes")
        return f"{_WORDS[self.status]:8}{self.name:24}{', '.join(notes)}".rstrip()


@dataclass
class Report:
    """The result of `check_backend`.

    backend  the backend that was checked
    level    "standard" or "thorough"
    parts    the results of the parts, in order
    """

    backend: str
    level: str
    parts: list[Part] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every part that the backend offers passed, and at least feed-forward is offered."""
        offered = [part for part in self.parts if part.status != "not offered" or part.name == "feed_forward"]
        return bool(offered) and all(part.status in ("passed", "generic") for part in offered)

    @property
    def failed(self) -> list[Part]:
        """The parts that failed."""
        return [part for part in self.parts if part.status == "failed"]

    def __getitem__(self, name: str) -> Part:
        """The part with this name."""
        for part in self.parts:
            if part.name == name:
                return part
        raise KeyError(f"{name!r}: expected one of {', '.join(repr(part.name) for part in self.parts)}")

    def __str__(self) -> str:
        lines = [f"{self.backend}, {self.level} check against the reference"]
        for part in self.parts:
            lines.append(part.line())
            if part.failure is not None:
                lines += [f"        {line}" for line in part.failure.lines()]
        return "\n".join([*lines, self.verdict])

    @property
    def verdict(self) -> str:
        """The last line of the report."""
        count = {status: sum(part.status == status for part in self.parts) for status in _WORDS}
        rest = [f"{count[s]} {s}" for s in ("generic", "not offered", "not run") if count[s]]
        passed = ", ".join([f"{count['passed']} passed", *rest])
        if self.ok:
            return f"OK: {passed}"
        names = ", ".join(part.name for part in self.failed)
        return f"FAIL: {names or 'feed_forward is not offered'}; {passed}"

    def as_json(self) -> dict[str, Any]:
        """Plain values; non-finite numbers become text."""
        plain: dict[str, Any] = _plain({"ok": self.ok, **asdict(self)})
        return plain

    def to_json(self) -> str:
        """The report as JSON."""
        return json.dumps(self.as_json(), indent=1, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def asdict_of(part: Part) -> dict[str, Any]:
    """A part as plain values."""
    plain: dict[str, Any] = _plain(asdict(part))
    return plain


def part_of(value: dict[str, Any]) -> Part:
    """A part from its JSON."""
    failure = value.get("failure")
    ratio = float(value["ratio"])
    return Part(**value | {"failure": None if failure is None else Failure(**failure), "ratio": ratio})
