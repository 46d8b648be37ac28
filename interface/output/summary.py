"""A network as a table: its layers, their shapes, activations and parameters."""

from collections.abc import Sequence
from html import escape

from samenet.model.parameters import Parameters

HEADINGS = ("layer", "nodes", "activation", "weights", "biases", "normalized", "parameters")


class Summary:
    """The result of `Network.summary`: text when it is printed or shown, a table in a notebook.

    title  the title of the table
    rows   the cells of each layer, the input first, under HEADINGS; columns that are empty for all layers are left out
    note   the number and size of the parameters, and how the network is trained
    """

    def __init__(self, title: str, theta: Parameters, activations: Sequence[str], cost: str) -> None:
        self.title = title
        rows = [("1", str(theta.sizes[0]), "input", "", "", "", "")]
        for i, (W, name) in enumerate(zip(theta.weights, activations, strict=True)):
            biases = theta.biases[i].size if theta.bias else 0
            gammas = theta.gammas[i].size if theta.normalized else 0
            shapes = " x ".join(map(str, W.shape)), str(biases or ""), "yes" if gammas else ""
            rows.append((str(i + 2), str(W.shape[0]), name, *shapes, f"{W.size + biases + gammas:,}"))
        shown = [k for k in range(len(HEADINGS)) if any(row[k] for row in rows)]
        self.headings = [HEADINGS[k] for k in shown]
        self.rows = [[row[k] for k in shown] for row in rows]
        size, kind = theta.flat.nbytes, theta.flat.dtype
        bytes_ = f"{size:,} bytes" if size < 10_000 else f"{size / 1000:,.0f} kB"
        self.note = f"{theta.flat.size:,} parameters of {kind}, {bytes_}; cost: {cost}"

    def __str__(self) -> str:
        lines = [self.headings, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        sides = ["<" if heading in ("activation", "normalized") else ">" for heading in self.headings]
        cells = [[f"{cell:{s}{w}}" for cell, s, w in zip(line, sides, widths, strict=True)] for line in lines]
        aligned = ["  ".join(line).rstrip() for line in cells]
        rule = "-" * max(map(len, aligned))
        return "\n".join([self.title, aligned[0], rule, *aligned[1:], rule, self.note])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        """The table for a notebook."""

        def line(cells: Sequence[str], tag: str) -> str:
            return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"

        head, body = line(self.headings, "th"), "".join(line(row, "td") for row in self.rows)
        table = f"<table><caption>{escape(self.title)}</caption><thead>{head}</thead><tbody>{body}</tbody></table>"
        return f"{table}<p>{escape(self.note)}</p>"
