"""The arena's standings: a chart with intervals, a table, and how far they agree with the board's score."""

from __future__ import annotations

from typing import Final

import altair as alt
import pandas as pd
import streamlit as st

from leaderboard.arena_standings import Standings
from leaderboard.arena_table import (
    STANDING_HEADS,
    agreement_words,
    doubt_words,
    labels,
    standings_csv,
    standings_json,
    standings_table,
)
from leaderboard.board_table import NO_TEXT
from leaderboard.site.rows_table import table_columns
from leaderboard.site.show import Download, downloads

_BAR_PX: Final = 34
_LABEL_PX: Final = 120
_GREY: Final = "#8a8f98"
"""Seen on light and on dark."""


def show_standings(groups: list[Standings]) -> None:
    """Draw every group of captioners that were compared with each other."""
    for number, group in enumerate(groups, 1):
        if len(groups) > 1:
            st.markdown(f"**Group {number} of {len(groups)}**")
            st.caption("Captioners of different groups were never compared, so their ratings cannot be, either.")
        st.text(f"{group.votes:,} {'vote' if group.votes == 1 else 'votes'}, {len(group.rows)} captioners")
        if doubt := doubt_words(group):
            st.caption(doubt)
        st.altair_chart(_chart(group), key=f"ratings-{number}")
        table = standings_table(group)
        st.dataframe(
            table,
            hide_index=True,
            column_config=table_columns(table, STANDING_HEADS),
            key=f"standings-{number}",
            placeholder=NO_TEXT,
            alt="Captioners by rating, best first",
        )
        st.caption("The mean rating is 1,000; a lead of 400 points means odds of ten to one. " + agreement_words(group))
    downloads(
        [
            Download("CSV", lambda: standings_csv(groups), "vdc-arena.csv", "text/csv"),
            Download("JSON", lambda: standings_json(groups), "vdc-arena.json", "application/json"),
        ],
        key="standings",
    )


def _chart(group: Standings) -> alt.LayerChart:
    names = labels(group.rows)
    frame = pd.DataFrame(
        {
            "model": names,
            "rating": [row.rating for row in group.rows],
            "low": [row.low for row in group.rows],
            "high": [row.high for row in group.rows],
            "votes": [row.votes for row in group.rows],
        }
    ).astype({"low": "float64", "high": "float64"})
    rows = alt.Y("model:N", sort=names, title=None, axis=alt.Axis(labelLimit=_LABEL_PX))
    scale = alt.Scale(zero=False)
    tooltip = [
        alt.Tooltip("model:N", title="Model"),
        alt.Tooltip("rating:Q", title="Rating", format=".0f"),
        alt.Tooltip("votes:Q", title="Votes"),
    ]
    points = alt.Chart(frame).mark_point(filled=True, size=70).encode(
        x=alt.X("rating:Q", scale=scale, title="Rating"),
        y=rows,
        tooltip=tooltip,
    )  # fmt: skip
    spans = (
        alt.Chart(frame)
        .mark_rule(strokeWidth=2, color=_GREY)
        .encode(x=alt.X("low:Q", scale=scale), x2="high:Q", y=rows)
    )
    chart: alt.LayerChart = (spans + points).properties(height=alt.Step(_BAR_PX))
    return chart
