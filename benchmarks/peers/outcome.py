"""What a run measured, as results/FOLDER/peers.json has it: its cases, who was best, how far samenet is from that."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from record import Case

from peers.ours import NUMBA, PREDICTOR
from samenet.compare.timing import Ratio


@dataclass(frozen=True)
class Setting:
    """A case in one dtype with so many threads; contenders are compared within it, like with like."""

    case: Case
    dtype: str
    threads: int
    limit: float
    notes: dict[str, str]
    left_out: dict[str, str]

    @classmethod
    def read(cls, case: dict[str, Any]) -> "Setting":
        """From its JSON."""
        others = (case[key] for key in ("dtype", "threads", "limit_seconds", "notes", "left_out"))
        return cls(Case.read(case), *others)

    def __str__(self) -> str:
        usual = self.dtype == "float64", self.threads == 1
        words = ["" if usual[0] else f", {self.dtype}", "" if usual[1] else f", {self.threads} threads"]
        return f"{self.case}{''.join(words)}"

    @property
    def ours(self) -> str:
        """What stands for samenet: Numba, by a predictor where there is one sample."""
        return PREDICTOR if PREDICTOR in self.case.rows else NUMBA

    @property
    def others(self) -> list[str]:
        """The contenders that are not samenet's."""
        return [name for name in self.case.rows if not name.startswith("samenet")]

    def ratio(self, name: str) -> Ratio | None:
        """How many times as long as samenet's a contender's call takes."""
        return self.case.ratio(name, self.ours)

    @cached_property
    def best(self) -> str | None:
        """The fastest of the others, by its ratio to samenet."""
        timed = {name: ratio.estimate for name in self.others if (ratio := self.ratio(name)) is not None}
        return min(timed, key=lambda name: timed[name], default=None)


@dataclass(frozen=True)
class Outcome:
    """One run of benchmarks/peers."""

    folder: Path
    content: dict[str, Any]
    settings: tuple[Setting, ...]

    @classmethod
    def read(cls, folder: Path) -> "Outcome":
        """The run in a folder."""
        content = json.loads((folder / "peers.json").read_text(encoding="utf-8"))
        return cls(folder, content, tuple(map(Setting.read, content["cases"])))


def newest(results: Path) -> Outcome | None:
    """The newest run in results/, by the time that it gives itself, if there is any."""
    found = [Outcome.read(path.parent) for path in sorted(results.glob("*/peers.json"))]
    return max(found, key=lambda outcome: outcome.content["environment"]["utc"], default=None)
