"""The conversion of columns to a network's inputs, and of its outputs to classes or numbers; saved with the network.

In a file it is the object "table" of `samenet.storage.contents`:

=========  ===========================================================================================================
"version"  1; one with a higher number is not used
"header"   whether the columns had names; if not, they are identified by position
"inputs"   for each column {"name", "mean", "scale"} for a number, or {"name", "values"} for one input per text
"target"   likewise {"name", "mean", "scale"} for regression, or {"name", "classes"}, texts or numbers
=========  ===========================================================================================================
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from samenet.cli.tabular.columns import Category, Column, Number, indices
from samenet.cli.tabular.errors import TableError, short
from samenet.cli.tabular.part import Part, number_text
from samenet.model import Model

Floats = NDArray[np.float64]
VERSION = 1


class Classes(NamedTuple):
    """A target that is one of several classes, texts or numbers: one output if there are two, else one for each."""

    name: str
    values: tuple[str, ...] | tuple[float, ...]

    @property
    def is_numeric(self) -> bool:
        """Whether classes are numbers."""
        return not isinstance(self.values[0], str)

    @property
    def width(self) -> int:
        """The number of outputs."""
        return 1 if len(self.values) == 2 else len(self.values)

    @property
    def texts(self) -> list[str]:
        """The classes as they are written."""
        return [value if isinstance(value, str) else number_text(value) for value in self.values]

    def indices(self, part: Part) -> NDArray[np.int64]:
        """The index of each row's class; TableError for an unknown class."""
        cells = part.numbers(self.name).tolist() if self.is_numeric else part.texts(self.name)
        return indices(part, self.name, cells, {value: i for i, value in enumerate(self.values)})

    def targets(self, part: Part) -> Floats:
        """The targets for training (m, width)."""
        found = self.indices(part)
        return found.astype(np.float64)[:, None] if self.width == 1 else np.eye(self.width)[found]

    def chosen(self, outputs: NDArray[Any]) -> NDArray[np.int64]:
        """The index of the predicted class, from outputs (m, width)."""
        found: NDArray[np.int64] = outputs.argmax(axis=1) if self.width > 1 else (outputs[:, 0] > 0.5).astype(np.int64)
        return found

    def probabilities(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """The probability of each class (m, classes)."""
        return outputs if self.width > 1 else np.concatenate([1 - outputs, outputs], axis=1)


class Preparation(NamedTuple):
    """How tables are prepared for a network, and what its outputs mean."""

    inputs: tuple[Column, ...]
    target: Classes | Number
    has_header: bool

    @property
    def n_inputs(self) -> int:
        """The number of a network's inputs."""
        return sum(column.width for column in self.inputs)

    def numbers_and_texts(self) -> tuple[list[str], list[str]]:
        """The names of the numeric columns and of the text columns, including the target."""
        told = {c.name: isinstance(c, Category) for c in self.inputs}
        told[self.target.name] = isinstance(self.target, Classes) and not self.target.is_numeric
        return [name for name, is_text in told.items() if not is_text], [name for name in told if told[name]]

    def arranged(self, part: Part, has_header: bool, target: bool = False) -> Part:
        """A part with the columns of this preparation, found by name, or without a header by position.

        target: whether the target is needed, too.
        """
        wanted = [column.name for column in self.inputs] + ([self.target.name] if target else [])
        if self.has_header and has_header:
            missing = [name for name in wanted if name not in part.columns]
            if missing:
                more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
                raise TableError(
                    f"{part.source}: expected a column {short(missing[0])}{more}, as in training, got none"
                )
            return part
        given = list(part.columns.values())
        if not self.has_header and len(given) >= max(int(name) for name in (*wanted, self.target.name)):
            return part._replace(columns={str(i + 1): cells for i, cells in enumerate(given)})
        if len(given) != len(wanted):
            what = f"{len(wanted)} columns, the inputs in their order{' and the target' if target else ''}"
            raise TableError(f"{part.source}: expected a header, or {what}, got {len(given)} columns without names")
        return part._replace(columns=dict(zip(wanted, given, strict=True)))

    def X(self, part: Part) -> Floats:
        """The inputs (m, n_in) of a part, arranged."""
        return np.concatenate([column.inputs(part) for column in self.inputs], axis=1)

    def Y(self, part: Part) -> Floats:
        """The targets for training (m, n_out)."""
        return self.target.targets(part) if isinstance(self.target, Classes) else self.target.inputs(part)

    def as_json(self) -> dict[str, Any]:
        """The object in a file."""
        target = self.target
        told = (
            {"name": target.name, "classes": list(target.values)} if isinstance(target, Classes) else target._asdict()
        )
        inputs = [
            column._asdict() if isinstance(column, Number) else {"name": column.name, "values": list(column.values)}
            for column in self.inputs
        ]
        return {"version": VERSION, "header": self.has_header, "inputs": inputs, "target": told}

    @classmethod
    def from_json(cls, said: Any, model: Model) -> "Preparation":
        """From the object in a file. Raises TableError if it is invalid or does not fit the model."""
        if not isinstance(said, dict) or type(said.get("version")) is not int or said["version"] < 1:
            raise TableError("its description of the columns has no version")
        if said["version"] > VERSION:
            raise TableError(
                f"its description of the columns has version {short(said['version'])}; "
                f"this samenet reads up to {VERSION}"
            )
        try:
            found = cls(tuple(map(_column, said["inputs"])), _target(said["target"]), said["header"])
        except (KeyError, TypeError, ValueError, OverflowError):
            raise TableError("its description of the columns is damaged") from None
        names = [column.name for column in found.inputs] + [found.target.name]
        numbered = found.has_header is True or all(name.isdecimal() and len(name) < 7 for name in names)
        if type(found.has_header) is not bool or not numbered or len(set(names)) < len(names):
            raise TableError("its description of the columns is damaged")
        if (found.n_inputs, found.target.width) != (model.sizes[0], model.sizes[-1]):
            n = f"{found.n_inputs} inputs and {found.target.width} outputs"
            raise TableError(f"its description of the columns makes {n}, which the network does not have")
        return found


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise TypeError
    return float(value)


def _several(values: Any, least: int, of: Any) -> tuple[Any, ...]:
    found = tuple(map(of, values)) if isinstance(values, list) else ()
    if len(set(found)) < max(least, len(found)):
        raise ValueError
    return found


def _scaled(said: Mapping[str, Any]) -> Number:
    found = Number(_text(said["name"]), _number(said["mean"]), _number(said["scale"]))
    if found.scale <= 0:
        raise ValueError
    return found


def _column(said: Mapping[str, Any]) -> Column:
    return Category(_text(said["name"]), _several(said["values"], 1, _text)) if "values" in said else _scaled(said)


def _target(said: Mapping[str, Any]) -> Classes | Number:
    if "classes" not in said:
        return _scaled(said)
    classes: Sequence[Any] = said["classes"]
    kind = _text if isinstance(classes, list) and classes and isinstance(classes[0], str) else _number
    return Classes(_text(said["name"]), _several(classes, 2, kind))
