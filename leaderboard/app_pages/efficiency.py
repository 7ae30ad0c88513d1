"""Visual tokens against accuracy or score: what a number costs, and who is not beaten at both."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from leaderboard.board import BoardPage, BoardQuery
from leaderboard.board_table import CELL_NAMES, NO_TEXT, UNITS, model_label, shown
from leaderboard.efficiency import (
    Efficiency,
    Front,
    efficiency_csv,
    efficiency_heads,
    efficiency_json,
    efficiency_of,
    efficiency_table,
)
from leaderboard.site.access import board
from leaderboard.site.charts import cost_chart
from leaderboard.site.filters import board_filters, clear_filters
from leaderboard.site.pick import pick
from leaderboard.site.rows_table import table_columns
from leaderboard.site.show import FAILURES, Download, downloads, inert, nothing_here, percent, show_failure


def number(value: float, query: BoardQuery) -> str:
    """A number with its unit."""
    return percent(value) if query.metric == "accuracy" else f"{value:.2f} of 5"


def show_front(front: Front, query: BoardQuery) -> None:
    """One group's chart and the names on its front."""
    st.markdown(f"##### {inert(front.name)}")
    if front.remark:
        st.caption(inert(front.remark))
    points = [
        {
            "model": model_label(point.row),
            "name": point.row.model,
            "tokens": point.tokens,
            "value": shown(point.value, query.metric),
            "front": "on the front" if point.on_front else "beaten at both",
            "frames": f"{point.row.frames or NO_TEXT} × {point.row.tokens_per_frame or NO_TEXT}",
        }
        for point in front.points
    ]
    unit = f"{CELL_NAMES[query.section]} {query.metric} ({UNITS[query.metric]})"
    st.vega_lite_chart(
        spec=cost_chart(points, unit=unit), width="stretch", key="cost-chart", alt="Tokens against the number"
    )
    best = [point for point in front.points if point.on_front]
    st.caption("On the front, cheapest first")
    st.text("\n".join(f"★ {model_label(one.row)}: {one.tokens:,} tokens, {number(one.value, query)}" for one in best))


def choose_front(fronts: Sequence[Front]) -> Front:
    """The group to draw, the first unless somebody chooses another; one at a time, as charts take a browser long."""
    # By the groups themselves: places change with every filter.
    by_group = {front.points[0].row.group: front for front in fronts}
    if len(by_group) == 1:
        return fronts[0]
    names = {group: front.name for group, front in by_group.items()}
    label = f"Group to draw, one of {len(names)}"
    return by_group[pick(label, names, key="chart", placeholder=fronts[0].name, width=520) or next(iter(names))]


def show_left_out(found: Efficiency) -> None:
    """Rows that cannot be placed, and why."""
    counts = []
    if found.without_tokens:
        counts.append(f"{len(found.without_tokens):,} without a token count")
    if found.without_value:
        counts.append(f"{len(found.without_value):,} without this number")
    if not counts:
        return
    with st.expander(f"Not shown: {' and '.join(counts)}", icon=":material/visibility_off:"):
        for why, rows in (("No token count", found.without_tokens), ("No such number", found.without_value)):
            if rows:
                st.caption(why)
                st.text("\n".join(f"{model_label(row)}, {row.source_name}" for row in rows))


def show_all(page: BoardPage, query: BoardQuery) -> None:
    """Charts, table and downloads of a page of the board."""
    found = efficiency_of(page.rows, metric=query.metric, section=query.section, mixed=query.mixed)
    placed = sum(len(front.points) for front in found.fronts)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{placed:,} of {len(page.rows):,} rows have a token count and this number**")
        downloads(
            [
                Download(
                    "CSV",
                    lambda: efficiency_csv(found, query.metric, query.section),
                    "vdc-efficiency.csv",
                    "text/csv",
                ),
                Download(
                    "JSON",
                    lambda: efficiency_json(found, query.metric, query.section),
                    "vdc-efficiency.json",
                    "application/json",
                ),
            ],
            key="efficiency",
        )
    show_left_out(found)
    if not found.fronts:
        nothing_here("No row with a token count fits.", "Clear the filters, or choose another section.")
        st.button("Clear the filters", on_click=clear_filters, kwargs={"figures": True}, key="clear")
        return
    show_front(choose_front(found.fronts), query)
    st.subheader("All points", anchor=False)
    table = efficiency_table(found, query.metric, query.section)
    st.dataframe(
        table,
        hide_index=True,
        column_config=table_columns(table, efficiency_heads(query.metric)),
        placeholder=NO_TEXT,
        key="points",
        alt="Rows with tokens and numbers",
    )


st.title("Efficiency")
st.caption(
    "Visual tokens per video (frames times tokens per frame, or as published) against the number. A row is on the "
    "front when no other row of its group is at least as good for at most as many tokens."
)
try:
    reader = board().reader
    choices = reader.choices()
    if choices.rows:
        query = board_filters(choices, figures=True)
        show_all(reader.page(query), query)
    else:
        nothing_here(
            "The board has no row yet.", "Submit captions with frames and tokens per frame on the page Submit."
        )
except FAILURES as error:
    show_failure("The rows cannot be read.", error)
