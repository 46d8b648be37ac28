"""Finds what a built site would load from elsewhere; it must load nothing, so that it works offline."""

import re
from pathlib import Path

_LOADED = re.compile(
    r"""<(?:script|img|iframe|source|audio|video)\b[^>]*\ssrc=["'](?:https?:)?//[^"']*|"""
    r"""<link\b(?=[^>]*\srel=["'](?:stylesheet|preload|icon|preconnect))[^>]*\shref=["'](?:https?:)?//[^"']*|"""
    r"""(?:@import\s+|url\()\s*["']?(?:https?:)?//[^)"']*""",
    re.IGNORECASE,
)


def loaded_from_elsewhere(folder: Path) -> list[str]:
    """The resources that a folder's pages and style sheets would load over a network."""
    return [
        f"{path.relative_to(folder).as_posix()}: {found}"
        for pattern in ("*.html", "*.css")
        for path in sorted(folder.rglob(pattern))
        for found in _LOADED.findall(path.read_text("utf-8"))
    ]
