"""The questions of a run, one by one: filters, a page of them, and one in full with its caption."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from leaderboard.arena import read_captions
from leaderboard.board_table import CELL_NAMES, NO_TEXT
from leaderboard.db.queries import RunInfo, run_file
from leaderboard.db.session import reading
from leaderboard.db.upsert import board_version
from leaderboard.intake import PREDICTIONS
from leaderboard.question_table import (
    QUESTION_HEADS,
    STATUS_NAMES,
    question_table,
    verdict_words,
    verdicts_csv,
    verdicts_json,
)
from leaderboard.site.access import SiteBoard, public_run
from leaderboard.site.show import Download, downloads, labelled, nothing_here
from leaderboard.verdict_pages import VerdictQuery
from vdc.errors import RunFailed

if TYPE_CHECKING:
    import pandas as pd

PAGE_SIZE: Final = 25
_ALL: Final = "all"
_MATCHES: Final = {_ALL: None, "match": True, "no match": False}


def explore_questions(site: SiteBoard, run: RunInfo) -> None:
    """Draw the explorer of a run that everybody may see.

    Raises:
        NotFound: It has left the board in the meantime.
        RunFailed: Its verdicts are gone from the file store.
    """
    public_run(site, run.id)
    with reading(site.services.engine) as session:
        version = board_version(session)
        verdicts, captions = run_file(session, run.id), run_file(session, run.id, PREDICTIONS)
    if verdicts is None:
        raise RunFailed("found a run without its verdicts; expected them in the file store; do next: tell the board")
    site.verdicts.forget_older(version)
    table = site.verdicts.table(verdicts)
    query = _filters(list(table["section"].unique()), list(table["video_id"].unique()))
    found = site.verdicts.page(verdicts, query)
    if not found.total:
        nothing_here("No question fits.", "Widen the filters above the table.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{found.total:,} of {len(table):,} questions**")
        chosen = replace(query, page=1)

        def still_there() -> pd.DataFrame:
            public_run(site, run.id)
            return site.verdicts.matching(verdicts, chosen)

        name = f"verdicts-{run.id[:8]}"
        downloads(
            [
                Download("CSV", lambda: verdicts_csv(still_there()), f"{name}.csv", "text/csv"),
                Download("JSON", lambda: verdicts_json(still_there()), f"{name}.json", "application/json"),
            ],
            key="verdicts",
        )
        number = st.pagination(found.pages, key="page", bind="query-params") if found.pages > 1 else 1
    if number > 1:
        found = site.verdicts.page(verdicts, replace(query, page=number))
    row = _table(found.rows)
    _question(row, _caption(site, run.id, version, row) if captions else None)


def _filters(sections: list[str], videos: list[str]) -> VerdictQuery:
    with st.container(horizontal=True, vertical_alignment="bottom", key="question-filters"):
        section = st.selectbox(
            "Section",
            (_ALL, *sections),
            format_func=lambda name: CELL_NAMES.get(name, name),
            # Not the key of the board's filter: what is bound under one key goes along from page to page.
            key="within",
            bind="query-params",
            width=150,
        )
        video = st.selectbox("Video", (_ALL, *videos), key="video", bind="query-params", width=240)
        status = st.selectbox(
            "Status",
            (_ALL, *STATUS_NAMES),
            format_func=lambda name: STATUS_NAMES.get(name, name),
            key="status",
            bind="query-params",
            width=160,
        )
        match = st.segmented_control(
            "Verdict", tuple(_MATCHES), default=_ALL, required=True, key="match", bind="query-params"
        )
        search = st.text_input(
            "Words",
            key="words",
            bind="query-params",
            placeholder="in question, gold or answer",
            max_chars=200,
            width=240,
        )
    return VerdictQuery(
        section=None if section == _ALL else section,
        video_id=None if video == _ALL else video,
        status=None if status == _ALL else status,
        match=_MATCHES[match or _ALL],
        search=search.strip(),
        size=PAGE_SIZE,
    )


def _table(rows: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    """Draw a page of questions and return the chosen one, the first unless somebody chose another."""
    columns = {
        "verdict": st.column_config.TextColumn(QUESTION_HEADS["verdict"], width=120),
        "score": st.column_config.NumberColumn(QUESTION_HEADS["score"], width=90, format="%.1f"),
        "video": st.column_config.TextColumn(QUESTION_HEADS["video"], width=150),
        "section": st.column_config.TextColumn(QUESTION_HEADS["section"], width=95),
        "number": st.column_config.NumberColumn(QUESTION_HEADS["number"], width=50, format="%d"),
        "question": st.column_config.TextColumn(QUESTION_HEADS["question"], width=330),
        "gold": st.column_config.TextColumn(QUESTION_HEADS["gold"], width=160),
        "answer": st.column_config.TextColumn(QUESTION_HEADS["answer"], width=220),
    }
    event = st.dataframe(
        question_table(rows),
        hide_index=True,
        column_config=columns,
        placeholder=NO_TEXT,
        on_select="rerun",
        selection_mode="single-row",
        key="questions",
        alt="Questions of the run with answers and verdicts",
    )
    picked = [line for line in event["selection"]["rows"] if line < len(rows)]
    return rows[picked[0]] if picked else rows[0]


def _caption(site: SiteBoard, run_id: str, version: int, row: Mapping[str, Any]) -> str:
    return _captions(run_id, version, site).get((row["video_id"], row["section"]), "")


# A run's captions never change, but it may be withdrawn: then the board has another version. Few, for the same reason.
@st.cache_data(ttl=600, max_entries=2, show_spinner="Reading the captions")
def _captions(run_id: str, version: int, _site: SiteBoard) -> dict[tuple[str, str], str]:  # noqa: ARG001  (a key)
    return {(video, section): text for (video, section), text in read_captions(_site.services, run_id).items()}


def _question(row: Mapping[str, Any], caption: str | None) -> None:
    """One question in full; all of it is text from outside and stays text."""
    place = f"{row['video_id']} · {CELL_NAMES.get(row['section'], row['section'])}"
    score = "no score" if row["score"] is None else f"score {row['score']:g}"
    with st.container(border=True, key="question"):
        st.caption("In full: the question chosen in the table, else the first one")
        left, right = st.columns(2)
        with left:
            labelled("Verdict", f"{verdict_words(row['status'], row['match'])}, {score}")
            labelled(f"Question {row['question_index'] + 1}", row["question"])
            labelled("Gold", row["gold"])
            labelled("Answer", row["answer"] or "no answer")
        with right:
            labelled("Video and section", place)
            labelled("Caption", _caption_words(caption))
            st.caption("The judge's reply")
            st.code(row["raw"] or "no reply", language=None, wrap_lines=True)


def _caption_words(caption: str | None) -> str:
    if caption is None:
        return "not handed in with this run"
    return caption if caption.strip() else "no caption, or an empty one"
