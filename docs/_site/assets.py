"""Checks that the built site loads nothing from elsewhere, and puts its first page where a browser looks for it."""

from pathlib import Path

from sphinx.application import Sphinx
from sphinx.errors import SphinxError

from _site.elsewhere import loaded_from_elsewhere


def _finish(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.format != "html":
        return
    if found := loaded_from_elsewhere(Path(app.outdir)):
        raise SphinxError("the site would load over a network:\n" + "\n".join(found))
    target = f"{app.config.root_doc}.html"
    Path(app.outdir, "index.html").write_text(
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{app.config.html_title}</title>\n'
        f'<meta http-equiv="refresh" content="0; url={target}">\n<a href="{target}">{app.config.html_title}</a>\n',
        "utf-8",
    )


def setup(app: Sphinx) -> dict[str, bool]:
    """Check the site after it is built."""
    app.connect("build-finished", _finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
