"""Which rows a page shows: controls that stand in the address, so that every view can be shared."""

from __future__ import annotations

from typing import Final

import streamlit as st

from leaderboard.board import BoardChoices, BoardQuery
from leaderboard.board_rows import KINDS, METRICS, Metric, RowKind
from leaderboard.board_table import CELL_NAMES, METRIC_NAMES
from leaderboard.results import AVERAGE, CELLS, HEADLINE
from scoring.protocols.rules import PROTOCOLS

ALL: Final = "all"
_SECTIONS: Final = (AVERAGE, *(cell for cell in CELLS if cell != AVERAGE))
_DEFAULTS: Final = {
    "section": AVERAGE,
    "metric": "accuracy",
    "kind": ALL,
    "q": "",
    "protocol": HEADLINE,
    "benchmark": ALL,
    "judge": ALL,
    "figures": False,
    "mixed": False,
}
"""Key of each control, which is its name in the address, and what it stands at."""


def board_filters(choices: BoardChoices, *, figures: bool = False) -> BoardQuery:
    """Draw the controls and return what they ask for.

    Args:
        choices: What there is to choose from.
        figures: Whether points read from published figures are shown unless somebody says otherwise.
    """
    with st.container(horizontal=True, vertical_alignment="bottom", key="filters"):
        section = st.selectbox(
            "Rank by", _SECTIONS, format_func=_section_name, key="section", bind="query-params", width=170
        )
        metric = st.segmented_control(
            "Metric",
            METRICS,
            default="accuracy",
            required=True,
            format_func=_metric_name,
            key="metric",
            bind="query-params",
        )
        kind = st.segmented_control(
            "Rows",
            (ALL, *KINDS),
            default=ALL,
            required=True,
            key="kind",
            bind="query-params",
            help="Verified: judged by this board, or a submitted run whose sample was judged again and agreed. "
            "Reported: as somebody published or claimed it.",
        )
        search = st.text_input(
            "Model", key="q", bind="query-params", placeholder="part of its name", max_chars=120, width=220
        )
    with st.expander("More filters", icon=":material/tune:"):
        protocol, benchmark, judge, with_figures, mixed = _more_filters(choices, figures)
    return BoardQuery(
        protocol=protocol,
        metric=_as_metric(metric),
        section=section,
        kind=_as_kind(kind),
        benchmark=None if benchmark == ALL else benchmark,
        judge=None if judge == ALL else judge,
        search=search.strip(),
        figures=with_figures,
        mixed=mixed,
    )


def clear_filters(*, figures: bool = False) -> None:
    """Set every control back, as the callback of a button."""
    for key, value in (_DEFAULTS | {"figures": figures}).items():
        st.session_state[key] = value


def _more_filters(choices: BoardChoices, figures: bool) -> tuple[str, str, str, bool, bool]:
    with st.container(horizontal=True, vertical_alignment="bottom", key="more-filters"):
        protocol = st.selectbox(
            "Protocol",
            tuple(PROTOCOLS),
            key="protocol",
            bind="query-params",
            width=170,
            help="The rule that turns verdicts into numbers, for rows made here. "
            + " ".join(f"`{name}`: {one.summary}." for name, one in PROTOCOLS.items()),
        )
        benchmark = st.selectbox(
            "Benchmark", (ALL, *choices.benchmarks), key="benchmark", bind="query-params", width=170
        )
        judge = st.selectbox("Judge", (ALL, *choices.judges), key="judge", bind="query-params", width=280)
    with st.container(horizontal=True, key="switches"):
        with_figures = st.toggle(
            "Points read from figures",
            figures,
            key="figures",
            bind="query-params",
            help="Numbers that were published only as points of a chart and were read from it.",
        )
        mixed = st.toggle(
            "One ranking for all rows",
            key="mixed",
            bind="query-params",
            help="Ranks rows of different judges, prompts, benchmarks and protocols together, "
            "though their numbers mean different things.",
        )
    return protocol, benchmark, judge, with_figures, mixed


def _section_name(section: str) -> str:
    return CELL_NAMES[section]


def _metric_name(metric: Metric) -> str:
    return METRIC_NAMES[metric]


def _as_metric(word: str | None) -> Metric:
    return next((metric for metric in METRICS if metric == word), "accuracy")


def _as_kind(word: str | None) -> RowKind | None:
    return next((kind for kind in KINDS if kind == word), None)
