"""The site: `make docs` builds it from the Markdown pages of the repository, so that each link holds in both places.

The source is the root of the repository; this folder has the settings and Sphinx extensions.
"""

import gc
import sys
from pathlib import Path

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

import samenet

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs"))

from _site import source_pages  # noqa: E402

gc.disable()  # the pages are kept to the end; to look for garbage among them took a fifth of the time

project = "samenet"
author = "The samenet authors"
version = release = samenet.__version__
root_doc = "docs/index"
source_suffix = {".md": "markdown", ".py": "python"}
PAGES = (
    "docs/**/*.md",
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "results/**/*.md",
    "fast/kernels/README.md",
)
_pages = [path for pattern in PAGES for path in sorted(ROOT.glob(pattern))]
include_patterns = [path.relative_to(ROOT).as_posix() for path in _pages] + source_pages.linked(ROOT, _pages)

exclude_patterns = [".*", "build", "dist"]  # no page is there, and to look through `.venv` takes seconds

extensions = [
    "sphinx.ext.autodoc",
    "myst_parser",
    "_site.assets",
    "_site.beside",
    "_site.docstrings",
    "_site.mathml",
    "_site.source_pages",
]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4
suppress_warnings = ["myst.header"]  # pages generated from results begin sections at any level

autodoc_member_order = "bysource"
python_maximum_signature_line_length = 80
toc_object_entries_show_parents = "hide"

html_context = {"default_mode": "auto"}
html_theme = "pydata_sphinx_theme"
html_title = "samenet"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_show_sourcelink = False
html_copy_source = False
html_show_sphinx = False
html_sidebars = {"docs/index": [], "docs/side-by-side": []}
html_theme_options = {
    "logo": {"text": "samenet"},
    "navbar_align": "left",
    "header_links_before_dropdown": 8,
    "navbar_end": ["theme-switcher"],
    "navbar_persistent": ["search-button-field"],
    # Wide tables and code use the space of the page's table of contents.
    "secondary_sidebar_items": {
        "docs/**": ["page-toc"],
        "docs/side-by-side": [],
        "docs/compare/results": [],
        "results/**": [],
    },
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_toc_level": 2,
    "back_to_top_button": False,
}
copyright = "The samenet authors"


def setup(app: Sphinx) -> None:
    """Tables in CSV are plain text to Pygments."""
    app.add_lexer("csv", TextLexer)
