"""What is wrong with the published rows of the board: found by rule, never corrected."""

from __future__ import annotations

import streamlit as st

from leaderboard.audit_table import (
    FINDING_HEADS,
    PRINTED_HEADS,
    RULE_NAMES,
    findings,
    findings_csv,
    findings_json,
    findings_table,
    printed_row,
    printed_table,
    rule_counts,
)
from leaderboard.db.session import reading
from leaderboard.site.access import board
from leaderboard.site.links import model_link, source_link
from leaderboard.site.rows_table import table_columns
from leaderboard.site.show import FAILURES, Download, downloads, nothing_here, show_failure

site = board()
st.title("Data audit")
st.caption(
    "Published rows stand on the board as they were printed. These rules say what does not fit together in them. "
    "Nothing is corrected and nobody is blamed: a finding is a reason to look at the source."
)

try:
    _, rows = site.reader.rows()
except FAILURES as error:
    show_failure("The rows cannot be read.", error)
    st.stop()
published = [row for row in rows if row.kind == "reported" and row.run_id is None]
every = findings(published)
if not published:
    nothing_here("No published rows were imported.", "vdc leaderboard import brings the project's own set.")
    st.stop()

sources = {row.source: row.source_name for row in published}
with st.container(horizontal=True, vertical_alignment="bottom", key="audit-filters"):
    rules = st.multiselect(
        "Rule",
        tuple(RULE_NAMES),
        format_func=lambda rule: RULE_NAMES[rule],
        key="rule",
        bind="query-params",
        placeholder="all",
        width=330,
    )
    source = st.selectbox(
        "Source",
        ("all", *sources),
        format_func=lambda source: sources.get(source, "all"),
        key="source",
        bind="query-params",
        width=280,
    )
    search = st.text_input(
        "Model", key="q", bind="query-params", placeholder="part of its name", max_chars=120, width=220
    )
found = findings(published, rules=rules, source="" if source == "all" else source, search=search.strip())

flagged = {one.row_id for one in every}
with st.container(horizontal=True, key="audit-counts"):
    st.metric("Published rows", f"{len(published):,}", width="content")
    st.metric("Rows with findings", f"{len(flagged):,}", width="content")
    st.metric("Findings", f"{len(every):,}", width="content")
    st.metric("Shown below", f"{len(found):,}", width="content")

st.subheader("Findings")
if not found:
    nothing_here("No finding fits.", "Widen the filters above.")
else:
    table = findings_table(found)
    event = st.dataframe(
        table,
        hide_index=True,
        column_config=table_columns(table, FINDING_HEADS),
        on_select="rerun",
        selection_mode="single-row",
        key="findings",
        alt="What the audit found, one line per finding",
    )
    downloads(
        [
            Download("CSV", lambda: findings_csv(found), "vdc-audit.csv", "text/csv"),
            Download("JSON", lambda: findings_json(found), "vdc-audit.json", "application/json"),
        ],
        key="audit",
    )
    chosen = event["selection"]["rows"]
    one = found[chosen[0]] if chosen and chosen[0] < len(found) else found[0]
    row = next(row for row in published if row.id == one.row_id)
    with reading(site.services.engine) as session:
        printed = printed_row(session, row.id)
    with st.container(border=True, key="audit-row"):
        st.caption("The row chosen in the table, else the first one")
        st.text(one.model)
        st.text("\n".join(f"• {flag.get('text', '')}" for flag in row.flags))
        if printed is not None:
            st.dataframe(
                printed_table(printed),
                hide_index=True,
                column_config=dict(PRINTED_HEADS),
                key="printed",
                alt="The row as it was printed",
            )
            facts = {"Frames": printed.frames, "Tokens per frame": printed.tokens_per_frame, "Judge": printed.judge}
            st.text("\n".join(f"{name}: {text}" for name, text in facts.items() if text))
        source_link(row.source_name, row.source_url, row.source_date)
        if row.note:
            st.text(row.note)
        model_link(f"All rows of {row.model}", row.model_slug)

st.subheader("Rules")
st.dataframe(
    rule_counts(every),
    hide_index=True,
    column_config={"rule": "Rule", "findings": "Findings", "rows": "Rows", "means": "What it means"},
    key="rules",
    alt="The rules with their counts over all published rows",
)
st.caption(
    "Averages may differ by rounding: by at most 0.02 percentage points, or 0.011 points of the score, they do not "
    "count as different. The questions of the benchmark are audited with `vdc audit`."
)
