"""The directive of `cuts`: a column for each backend, one below the other on narrow screens."""

import os

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from _site.cuts import ROOT, Cut


class Beside(SphinxDirective):
    """Columns of code, each with a heading and links to its sources."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """The columns."""
        columns: dict[str, nodes.container] = {}
        here = os.path.dirname(self.env.docname)
        for cut in map(Cut.of, self.content):
            column = columns.setdefault(cut.heading, nodes.container(classes=["backend"]))
            if not column.children:
                column += nodes.paragraph("", "", nodes.strong(cut.heading, cut.heading))
            try:
                code = cut.code()
            except (OSError, ValueError) as error:
                raise self.error(str(error)) from error
            self.env.note_dependency(str(ROOT / cut.path))
            page = os.path.relpath(cut.path.removesuffix(".py"), here).replace(os.sep, "/") + ".html"
            link = nodes.reference(cut.path, f"{cut.path}, {cut.name}", refuri=page)
            column += nodes.paragraph("", "", link, classes=["source"])
            column += nodes.literal_block(code, code, language="python")
        return [nodes.container("", *columns.values(), classes=["beside"])]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("beside", Beside)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
