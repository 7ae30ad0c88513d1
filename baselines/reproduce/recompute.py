"""What can be computed here and now, without weights, videos or a judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final

from baselines.reproduce.figures import Figures
from baselines.reproduce.tables import Book, Table
from vdc.errors import MissingExtra

FORMULAS: Final[dict[str, str]] = {
    "auroracap": "baselines.reproduce.formulas_auroracap",
    "llama_vid": "baselines.reproduce.formulas_llama_vid",
    "llavolta": "baselines.reproduce.formulas_llavolta",
}
"""Model -> module whose ``FORMULAS`` holds a function per table; imported when one of them is asked for."""


def recompute(book: Book, table: Table) -> Figures:
    """The cells of a table that follow from a formula or from other published numbers.

    Args:
        book: All tables of the paper.
        table: One of them.

    Returns:
        Nothing for tables without a formula.

    Raises:
        MissingExtra: The formula builds a model, and the packages for models are not installed.
    """
    formulas: Mapping[str, Callable[[Book, Table], Figures]] = import_module(FORMULAS[book.model]).FORMULAS
    if table.id not in formulas:
        return {}
    try:
        return formulas[table.id](book, table)
    except ImportError as error:
        raise MissingExtra(f"recomputing {table.id} of {book.model}", "baselines") from error
