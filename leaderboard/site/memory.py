"""Keeps what stays for ever out of the garbage collections that Streamlit forces after every drawing of a page.

A whole collection looks at every object of the process, the modules and tables that never go among them, and nothing is
sent meanwhile.
"""

from __future__ import annotations

import gc
from importlib import import_module
from typing import Final

DRAWING: Final = (
    "pandas",
    "pyarrow",
    "leaderboard.comparison",
    "leaderboard.worked_example",
    "leaderboard.site.explorer",
)
"""What takes long to import and is not needed before the first page is drawn."""

_drawn: Final[set[str]] = set()


def import_ahead() -> None:
    """Import what pages draw with: the first visitor need not wait for it."""
    for name in DRAWING:
        import_module(name)


def settle_memory(page: str) -> None:
    """After the first drawing of a page, take all objects there are out of later collections.

    These are modules, the board's rows and Streamlit's own. Some belong to the window that was drawn; they are still
    freed when nothing refers to them, only circles among them stay, once per page and process.

    Args:
        page: Its path.
    """
    if page not in _drawn:
        _drawn.add(page)
        gc.freeze()
