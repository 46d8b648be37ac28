"""Predictions for tables: columns of classes and probabilities, of numbers, or of raw outputs."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from samenet.cli.tabular.columns import Number
from samenet.cli.tabular.errors import TableError
from samenet.cli.tabular.part import Part
from samenet.cli.tabular.preparation import Classes, Preparation
from samenet.cli.tabular.source import Source
from samenet.network import Network


class Predictor:
    """A network with its preparation; without one, columns are unscaled inputs, and predictions are raw outputs."""

    def __init__(self, network: Network, preparation: Preparation | None) -> None:
        self.network, self.preparation = network, preparation

    @property
    def has_classes(self) -> bool:
        """Whether it predicts classes."""
        return self.preparation is not None and isinstance(self.preparation.target, Classes)

    def check(self, source: Source) -> None:
        """Raise TableError for a table without the required columns; called before anything is written."""
        part = Part(source.name, "row", dict.fromkeys(source.names, ()), ())
        self._arranged(part, source.has_header)

    def names(self, probabilities: bool = False) -> list[str]:
        """The names of the columns."""
        if self.preparation is None:
            return [f"output{i + 1}" for i in range(self.network.sizes[-1])]
        target = self.preparation.target
        return [target.name, *(f"class:{text}" for text in getattr(target, "texts", ()) if probabilities)]

    def columns(self, part: Part, has_header: bool, probabilities: bool = False) -> list[list[Any]]:
        """The predicted columns of a part."""
        return self._told(self._outputs(part, has_header), probabilities)

    def _arranged(self, part: Part, has_header: bool) -> Part:
        if self.preparation is not None:
            return self.preparation.arranged(part, has_header)
        if len(part.columns) != self.network.sizes[0]:
            raise TableError(
                f"{part.source}: expected {self.network.sizes[0]} columns, the inputs, got {len(part.columns)}"
            )
        return part

    def _outputs(self, part: Part, has_header: bool) -> NDArray[Any]:
        part = self._arranged(part, has_header)
        if self.preparation is None:
            return self.network.predict(np.stack([part.numbers(name) for name in part.columns], axis=1))
        return self.network.predict(self.preparation.X(part))

    def _told(self, outputs: NDArray[Any], probabilities: bool) -> list[list[Any]]:
        if self.preparation is None:
            return outputs.T.tolist()  # type: ignore[no-any-return]
        target = self.preparation.target
        if isinstance(target, Number):
            return [(outputs[:, 0].astype(np.float64) * target.scale + target.mean).tolist()]
        texts = target.texts
        shares = target.probabilities(outputs).T.tolist() if probabilities else []
        return [[texts[k] for k in target.chosen(outputs)], *shares]
