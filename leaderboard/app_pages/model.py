"""One captioner: its rows by source, its runs under every protocol, every question of them."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

import streamlit as st

from leaderboard.board import render_csv, rows_json
from leaderboard.board_rows import BoardRow
from leaderboard.board_table import NO_TEXT, group_title, model_label, model_table
from leaderboard.db.queries import RunInfo, find_run, list_models
from leaderboard.db.session import reading
from leaderboard.failures import NotFound
from leaderboard.run_tables import PROTOCOL_HEADS, drop_bias, protocol_table, run_json, run_record, status_table
from leaderboard.site.access import SiteBoard, board, public_run
from leaderboard.site.explorer import explore_questions
from leaderboard.site.links import compare_link, model_link, source_link
from leaderboard.site.pick import pick
from leaderboard.site.rows_table import rows_table, table_columns
from leaderboard.site.show import FAILURES, Download, downloads, inert, nothing_here, show_failure


def choose_model(site: SiteBoard) -> str | None:
    """The model that the address or the box names; says so where there is none."""
    with reading(site.services.engine) as session:
        names = {model.slug: model.name for model in list_models(session)}
    if not names:
        nothing_here("The board has no model yet.", "Submit captions on the page Submit.")
        return None
    slug = pick("Model", names, key="model", placeholder="Choose a model", width=420)
    if slug is None and (wanted := st.query_params.get("model")):
        nothing_here("There is no such model on this board.", "Choose one above, or one of these:")
        close = get_close_matches(wanted, names, n=5, cutoff=0.3) or list(names)[:5]
        for other in close:
            model_link(names[other], other)
    elif slug is None:
        nothing_here("Choose a model.", "Its rows, runs and questions are shown here.")
    return slug


def still_there(site: SiteBoard, slug: str) -> list[BoardRow]:
    """The model's rows as they are when somebody takes them away.

    Raises:
        NotFound: None is left.
    """
    if rows := site.reader.model_rows(slug):
        return rows
    raise NotFound("found a model that has left the board; expected its rows; do next: load the page again")


def show_rows(site: SiteBoard, slug: str, rows: Sequence[BoardRow]) -> None:
    """The model's rows and what is wrong with them."""
    st.subheader(inert(rows[0].model if rows else slug), anchor=False)
    st.caption("Rows by source. The rank is the one among rows that were judged alike.")
    rows_table(model_table(rows), key="rows", about="Rows of this model", links=False)
    # A run's address is the submitter's page of the model, a published row's the place where it was published.
    sources = {("Submitter's page" if row.run_id else row.source_name, row.source_url) for row in rows}
    with st.container(horizontal=True):
        for source, url in sorted((source, url) for source, url in sources if url):
            source_link(source, url, None)
    downloads(
        [
            Download(
                "Rows as CSV",
                lambda: render_csv(still_there(site, slug)).encode("utf-8", "replace"),
                "vdc-model.csv",
                "text/csv",
            ),
            Download("Rows as JSON", lambda: rows_json(still_there(site, slug)), "vdc-model.json", "application/json"),
        ],
        key="model",
    )
    for row in rows:
        if row.reason:
            st.text(f"Only reported: {row.reason}")
    found = [(row, flag) for row in rows for flag in row.flags]
    if found:
        with st.expander(f"{len(found)} findings of the data audit", icon=":material/warning:"):
            for row, flag in found:
                st.text(f"{row.source_name}, {model_label(row)}: {flag.get('text', '')}")


def choose_run(rows: Sequence[BoardRow]) -> str | None:
    """The run to look into: the address's, else the newest."""
    newest = sorted(rows, key=lambda row: row.created_at, reverse=True)
    runs = {row.run_id: f"{row.source_date}, {group_title(row)}, {row.run_id[:8]}" for row in newest if row.run_id}
    if not runs:
        return None
    if len(runs) == 1:
        return next(iter(runs))
    return pick("Run", runs, key="run", placeholder="The newest run") or next(iter(runs))


def show_run(site: SiteBoard, run: RunInfo) -> None:
    """The run's numbers under every protocol, and how it was judged."""
    st.subheader("Protocols", anchor=False)
    st.caption(
        "The same verdicts under five rules. Four of them can leave something out: here is what, and what it does."
    )
    if not run.report["judge"].get("comparable"):
        st.warning("This run's judge is not comparable with LLM judges.", icon=":material/balance:")
    if sentence := drop_bias(run.report):
        st.markdown(sentence)
    table = protocol_table(run.report)
    st.dataframe(
        table,
        hide_index=True,
        column_config=table_columns(table, PROTOCOL_HEADS),
        placeholder=NO_TEXT,
        key="protocols",
        alt="The run's average under every protocol",
    )
    with st.expander("What became of the questions", icon=":material/rule:"):
        st.dataframe(status_table(run.report), hide_index=True, placeholder=NO_TEXT, key="statuses")
        for warning in run.report["warnings"]:
            st.text(f"· {warning}")
    with st.expander("How this run was judged", icon=":material/receipt_long:"):
        st.dataframe(run_record(run), hide_index=True, key="record", height="content")
    with st.container(horizontal=True, vertical_alignment="center"):
        report = Download(
            "Report as JSON", lambda: run_json(public_run(site, run.id)), "vdc-run.json", "application/json"
        )
        downloads([report], key="run")
        compare_link(run.id)


st.title("Model")
try:
    site = board()
    if (slug := choose_model(site)) is None:
        st.stop()
    rows = site.reader.model_rows(slug)
    show_rows(site, slug, rows)
    if (run_id := choose_run(rows)) is not None:
        with reading(site.services.engine) as session:
            run = find_run(session, run_id)
        # Withdrawn or made private in the meantime: the next look at the board no longer lists it.
        if run is not None and not run.private:
            show_run(site, run)
            st.subheader("Questions", anchor=False)
            explore_questions(site, run)
    else:
        st.caption("No run of this model was scored here, so there are no verdicts to look into.")
except FAILURES as error:
    show_failure("This cannot be shown.", error)
