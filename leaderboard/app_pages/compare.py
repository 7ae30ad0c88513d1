"""Two runs against each other: the paired test, the sections, the questions on which they disagree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from leaderboard.board_rows import METRICS, Metric
from leaderboard.board_table import CELL_NAMES, METRIC_NAMES, NO_TEXT, UNITS, group_title
from leaderboard.comparison import (
    COMPARISON_HEADS,
    chart_lines,
    compare_stored,
    comparison_csv,
    comparison_json,
    comparison_table,
    disagreement_table,
    disagreements,
    verdict_sentence,
    why_not_comparable,
)
from leaderboard.db.queries import RunInfo, find_run, run_file
from leaderboard.db.session import reading
from leaderboard.db.upsert import board_version
from leaderboard.site.access import SiteBoard, board
from leaderboard.site.charts import dumbbell
from leaderboard.site.pick import pick
from leaderboard.site.rows_table import table_columns
from leaderboard.site.show import FAILURES, Download, downloads, inert, labelled, nothing_here, show_failure
from scoring.protocols.rules import PROTOCOLS

if TYPE_CHECKING:
    import pandas as pd

    from scoring.compare import RunComparison

ALL = "all"
SIDES = {ALL: None, "only A matches": "a", "only B matches": "b"}
PAGE_SIZE = 25


# Verdicts of a run never change, so neither does what a test says of two runs.
@st.cache_data(
    ttl=86400, max_entries=128, show_spinner="Testing the difference", hash_funcs={RunInfo: lambda run: run.id}
)
def compare(first: RunInfo, second: RunInfo, protocol: str) -> RunComparison:
    """The test between two runs."""
    return compare_stored(board().services, first, second, protocol)


def choose_runs(site: SiteBoard) -> tuple[RunInfo, RunInfo] | None:
    """The two runs of the address or of the boxes; says what is missing where there are not two."""
    _, rows = site.reader.rows()
    names = {row.run_id: f"{row.model} · {group_title(row)} · {row.source_date}" for row in rows if row.run_id}
    if len(names) < 2:
        nothing_here("There are not two runs to compare yet.", "Runs come from captions submitted on the page Submit.")
        return None
    for column, key, label in zip(st.columns(2), ("a", "b"), ("Run A", "Run B"), strict=True):
        with column:
            pick(label, names, key=key, placeholder="Choose a run")
    first, second = (st.query_params.get(key) for key in ("a", "b"))
    if first is None or second is None:
        nothing_here("Choose two runs.", "The test goes video by video, so both must be runs of one benchmark.")
        return None
    if first not in names or second not in names:
        nothing_here("One of these runs is not on the board.", "It may have been withdrawn. Choose another.")
        return None
    if first == second:
        nothing_here("Both are the same run.", "Choose two different ones.")
        return None
    with reading(site.services.engine) as session:
        found = [find_run(session, run_id) for run_id in (first, second)]
    one, other = found
    if one is None or other is None or one.private or other.private:
        nothing_here("One of these runs is not on the board.", "It may have been withdrawn. Choose another.")
        return None
    return one, other


def may_compare(runs: tuple[RunInfo, RunInfo]) -> bool:
    """Whether the runs were judged alike, or somebody insists."""
    reasons = why_not_comparable(*runs)
    if not reasons:
        return True
    st.warning(
        "These runs were not judged alike: a difference would not be the captions' alone.", icon=":material/balance:"
    )
    for reason in reasons:
        st.text(reason)
    return st.toggle("Compare them anyway", key="insist", bind="query-params")


def choose_rule() -> tuple[str, Metric]:
    """Protocol and metric."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        protocol = st.selectbox("Protocol", tuple(PROTOCOLS), key="protocol", bind="query-params", width=170)
        metric = st.segmented_control(
            "Metric",
            METRICS,
            default="accuracy",
            required=True,
            format_func=lambda name: METRIC_NAMES[name],
            key="metric",
            bind="query-params",
        )
    return protocol, metric or "accuracy"


def show_difference(runs: tuple[RunInfo, RunInfo], found: RunComparison, metric: Metric) -> None:
    """The sentence, the chart and the table."""
    names = (f"A: {runs[0].model}", f"B: {runs[1].model}")
    with st.container(border=True, key="verdict"):
        st.text(verdict_sentence(found, (runs[0].model, runs[1].model), metric))
    if found.warnings:
        st.caption(" · ".join(inert(warning) for warning in found.warnings))
    table = comparison_table(found, metric)
    unit = f"{METRIC_NAMES[metric]} ({UNITS[metric]})"
    st.vega_lite_chart(
        spec=dumbbell(chart_lines(found, metric), unit=unit, names=names),
        width="stretch",
        key="sections",
        alt="Both runs, section by section",
    )
    st.dataframe(
        table,
        hide_index=True,
        column_config=table_columns(table, COMPARISON_HEADS),
        placeholder=NO_TEXT,
        key="differences",
        alt="Differences by section with intervals and p-values",
    )
    st.caption(
        f"Intervals from {found.resamples:,} paired resamples of videos, p from {found.permutations:,} sign flips over "
        "videos, Holm's correction over sections and average."
    )
    downloads(
        [
            Download("CSV", lambda: comparison_csv(table), "vdc-comparison.csv", "text/csv"),
            Download("JSON", lambda: comparison_json(found), "vdc-comparison.json", "application/json"),
        ],
        key="comparison",
    )


def differing(site: SiteBoard, runs: tuple[RunInfo, RunInfo]) -> pd.DataFrame:
    """Questions on which only one of the runs has a match."""
    with reading(site.services.engine) as session:
        files = [run_file(session, run.id) for run in runs]
        site.verdicts.forget_older(board_version(session))
    first, second = (site.verdicts.table(sha256 or "") for sha256 in files)
    return disagreements(first, second)


def show_disagreements(found: pd.DataFrame) -> None:
    """The questions, narrowed down, a page of them, one in full."""
    st.subheader("Where they disagree", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        section = st.selectbox(
            "Section",
            (ALL, *found["section"].unique()),
            format_func=lambda name: CELL_NAMES.get(name, name),
            key="within",
            bind="query-params",
            width=170,
        )
        side = st.segmented_control("Match", tuple(SIDES), default=ALL, required=True, key="side", bind="query-params")
    if section != ALL:
        found = found[found["section"] == section]
    if winner := SIDES[side or ALL]:
        found = found[found[f"match_{winner}"].fillna(False).astype(bool)]
    if found.empty:
        nothing_here("They agree on every one of these questions.", "Choose another section, or both sides.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{len(found):,} {'question' if len(found) == 1 else 'questions'}**")
        pages = -(-len(found) // PAGE_SIZE)
        number = st.pagination(pages, key="differences", bind="query-params") if pages > 1 else 1
    shown = found.iloc[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    event = st.dataframe(
        disagreement_table(shown),
        hide_index=True,
        column_config={"Question": st.column_config.TextColumn(width=330)},
        placeholder=NO_TEXT,
        on_select="rerun",
        selection_mode="single-row",
        key="disagreements",
        alt="Questions on which only one run has a match",
    )
    picked = [line for line in event["selection"]["rows"] if line < len(shown)]
    row = shown.iloc[picked[0] if picked else 0]
    with st.container(border=True, key="question"):
        st.caption("In full: the question chosen in the table, else the first one")
        labelled("Question", row["question"])
        labelled("Gold", row["gold"])
        for column, name in zip(st.columns(2), ("a", "b"), strict=True):
            with column:
                labelled(f"Answer of {name.upper()}", row[f"answer_{name}"] or "no answer")


st.title("Compare")
st.caption("A paired test between two runs over the same questions: is one better, or can they not be told apart?")
try:
    site = board()
    if (runs := choose_runs(site)) is None or not may_compare(runs):
        st.stop()
    protocol, metric = choose_rule()
    show_difference(runs, compare(runs[0], runs[1], protocol), metric)
    show_disagreements(differing(site, runs))
except FAILURES as error:
    show_failure("These runs cannot be compared.", error)
