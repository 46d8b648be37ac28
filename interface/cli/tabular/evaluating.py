"""Evaluating a network on a table that includes the target."""

from samenet.cli.tabular.errors import TableError
from samenet.cli.tabular.figures import Figures, figures
from samenet.cli.tabular.preparation import Preparation
from samenet.cli.tabular.source import Source
from samenet.network import Network


def evaluate(
    network: Network, preparation: Preparation, source: Source, drop_missing: bool = False
) -> tuple[Figures, int]:
    """The figures for all rows, and the number of rows left out because of missing values."""
    found, left_out = figures(preparation.target), 0
    numbers, texts = preparation.numbers_and_texts()
    for part in source.parts():
        part = preparation.arranged(part, source.has_header, target=True)
        kept = part.without_missing(numbers, texts) if drop_missing else part
        left_out += len(part.places) - len(kept.places)
        if kept.places:
            found.add(preparation.Y(kept), network.predict(preparation.X(kept)))
    if not found.rows:
        raise TableError(f"{source.name}: expected rows to evaluate, got none")
    return found, left_out
