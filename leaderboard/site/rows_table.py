"""The table of a group of rows; a click on a model's name leads to its page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd
import streamlit as st

from leaderboard.board_table import NO_TEXT, GroupTable

MODEL_PAGE: Final = "app_pages/model.py"
_ROW_PX: Final = 35
_MOST_LINES: Final = 12
_WIDTHS: Final = {
    "rank": 62,
    "model": 190,
    "kind": 100,
    "found": 80,
    "reason": 260,
    "source": 190,
    "findings": 320,
    "front": 125,
    "interval": 125,
    "group": 320,
    "judged": 260,
}


def rows_table(table: GroupTable, *, key: str, about: str, links: bool = True) -> None:
    """Draw a group's rows.

    Args:
        table: The rows.
        key: Of the element.
        about: What the table shows, for people who hear it.
        links: Whether a click on a name leads to the model's page.
    """
    lines = min(len(table.rows), _MOST_LINES)
    options: dict[str, Any] = {
        "hide_index": True,
        "column_config": table_columns(table.frame, table.headers),
        "height": _ROW_PX * (lines + 1) + 3,
        "placeholder": NO_TEXT,
        "alt": about,
    }
    if not links:
        st.dataframe(table.frame, key=key, **options)
        return
    event = st.dataframe(table.frame, key=key, on_select="rerun", selection_mode="single-cell", **options)
    for line, column in event["selection"]["cells"]:
        if column == "model":
            st.switch_page(MODEL_PAGE, query_params={"model": table.rows[line].model_slug})


def table_columns(frame: pd.DataFrame, headers: Mapping[str, str]) -> dict[str, Any]:
    """How each column is shown: numbers with two digits, counts without, rank and name stay in view."""
    shown: dict[str, Any] = {}
    kinds = {column: kind.kind for column, kind in frame.dtypes.items()}
    for column, head in headers.items():
        pinned = column in ("rank", "model")
        width = _WIDTHS.get(column)
        if kinds[column] == "f":
            shown[column] = st.column_config.NumberColumn(head, format="%.2f", width=width)
        elif kinds[column] in "iu":
            shown[column] = st.column_config.NumberColumn(head, format="%d", width=width, pinned=pinned or None)
        else:
            shown[column] = st.column_config.TextColumn(head, width=width, pinned=pinned or None)
    return shown
