"""The board: ranked rows by what makes them comparable."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from leaderboard.board import BoardPage, BoardQuery
from leaderboard.board_table import CELL_NAMES, GroupTable, group_tables
from leaderboard.site.access import board
from leaderboard.site.filters import board_filters, clear_filters
from leaderboard.site.rows_table import rows_table
from leaderboard.site.show import FAILURES, Download, downloads, inert, nothing_here, show_failure

GROUPS_PER_PAGE = 12


# Every change of what is shown makes another page: a new row shows at once, everything else is made once. A resource,
# because nobody changes the tables and copying a thousand rows for every click takes longer than all the rest.
@st.cache_resource(ttl=3600, max_entries=64, show_spinner=False, hash_funcs={BoardPage: lambda page: page.serial})
def make_tables(page: BoardPage, query: BoardQuery) -> list[GroupTable]:
    """The tables of a page of the board."""
    return group_tables(page.rows, metric=query.metric, section=query.section, mixed=query.mixed)


def count_line(page: BoardPage, query: BoardQuery, tables: Sequence[GroupTable]) -> str:
    """What is shown, in numbers, and by what it is ranked."""
    rows, groups = len(page.rows), len(tables)
    verified = sum(row.kind == "verified" for row in page.rows)
    return (
        f"{rows:,} {'row' if rows == 1 else 'rows'} in {groups:,} {'group' if groups == 1 else 'groups'} "
        f"by {CELL_NAMES[query.section].lower()} {query.metric}: "
        f"{verified:,} verified, {rows - verified:,} reported"
    )


def show_tables(tables: Sequence[GroupTable]) -> None:
    """One page of groups."""
    pages = -(-len(tables) // GROUPS_PER_PAGE)
    number = st.pagination(pages, key="groups", bind="query-params") if pages > 1 else 1
    start = (number - 1) * GROUPS_PER_PAGE
    for place, table in enumerate(tables[start : start + GROUPS_PER_PAGE], start):
        st.markdown(f"##### {inert(table.name)}")
        if table.remark:
            st.caption(inert(table.remark))
        rows_table(table, key=f"rows-{place}", about=table.name)


st.title("Board")
st.caption(
    "Detailed video captioners by VDCscore. Rows of one group were judged alike and share ranks; the rank range says "
    "which ranks the 95 % intervals allow. Click a model's name for its page, a column's head to sort."
)
try:
    reader = board().reader
    choices = reader.choices()
    query = board_filters(choices)
    page = reader.page(query)
except FAILURES as error:
    show_failure("The rows cannot be read.", error)
    st.stop()

if not choices.rows:
    nothing_here(
        "The board has no row yet.",
        "Submit captions on the page Submit. Who runs this board brings in the published rows with "
        "`vdc leaderboard import`.",
    )
    st.stop()
tables = make_tables(page, query)
with st.container(horizontal=True, vertical_alignment="center", key="counts"):
    st.markdown(f"**{count_line(page, query, tables)}**")
    downloads(
        [
            Download("CSV", lambda: page.csv, "vdc-board.csv", "text/csv"),
            Download("JSON", lambda: page.json, "vdc-board.json", "application/json"),
        ],
        key="board",
    )
if tables:
    show_tables(tables)
else:
    nothing_here("No row fits these filters.", "Clear them, or look for part of another name.")
    st.button("Clear the filters", icon=":material/filter_alt_off:", on_click=clear_filters, key="clear")
