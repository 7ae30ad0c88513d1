"""The audit's page: findings by rule and source, one row as it was printed."""

from __future__ import annotations

import csv
import io
import json

from streamlit.testing.v1 import AppTest

from leaderboard.audit_table import (
    RULE_NAMES,
    findings,
    findings_csv,
    findings_json,
    printed_row,
    printed_table,
    rule_counts,
)
from leaderboard.board import BoardReader
from leaderboard.db.session import reading
from leaderboard.published_audit import RULES
from leaderboard.services import Services


def said(page: AppTest) -> str:
    return "\n".join(str(part.value) for part in [*page.text, *page.caption, *page.markdown])


def test_every_rule_has_a_name() -> None:
    assert list(RULE_NAMES) == list(RULES)


def test_a_board_without_published_rows_says_how_to_get_them(empty: Services, open_page) -> None:
    page = open_page("audit")
    assert not page.exception
    assert "vdc leaderboard import" in said(page)


def test_the_counts_are_those_of_the_audit_of_the_official_file(filled: Services) -> None:
    """As docs/audit/board.md counts them: five accuracies, one score, one repeated average."""
    _, rows = BoardReader(filled.engine).rows()
    site = findings(rows, source="site")
    counts = rule_counts(site).set_index("rule")
    assert counts.loc["Average differs", "rows"] == 5 and counts.loc["Average differs", "findings"] == 6
    assert counts.loc["Average repeats a section", "findings"] == 1


def test_filters_stand_in_the_address(filled: Services, open_page) -> None:
    whole = open_page("audit")
    assert not whole.exception
    page = open_page("audit", {"rule": "Average repeats a section", "source": "Official leaderboard site"})
    assert not page.exception
    table = page.dataframe[0].value
    assert list(table["model"]) == ["LLaVA-1.6-7B"] and len(whole.dataframe[0].value) > 50
    assert page.multiselect(key="rule").value == ["average_repeats_section"]
    page.text_input(key="q").set_value("no such model").run()
    assert "No finding fits." in said(page)


def test_words_in_the_address_that_are_no_filters_are_ignored(filled: Services, open_page) -> None:
    page = open_page("audit", {"rule": "<script>", "source": "'; drop table run; --"})
    assert not page.exception
    assert len(page.dataframe[0].value) > 50


def test_a_row_in_full_shows_what_was_printed_and_the_mean(filled: Services) -> None:
    _, rows = BoardReader(filled.engine).rows()
    row = next(row for row in rows if row.model == "LLaVA-1.6-7B" and row.source == "site")
    with reading(filled.engine) as session:
        printed = printed_row(session, row.id)
        assert printed_row(session, "reported-999999") is None and printed_row(session, "run-1") is None
    assert printed is not None
    table = printed_table(printed).set_index("section")
    assert table.loc["Average", "accuracy"] == "36.50"
    assert table.loc["Mean of the five sections", "accuracy"] == "35.698"
    assert table.loc["Camera", "accuracy"] == table.loc["Average", "accuracy"]


def test_downloads_hold_what_is_shown(filled: Services) -> None:
    _, rows = BoardReader(filled.engine).rows()
    found = findings(rows, rules=["alias"])
    lines = list(csv.DictReader(io.StringIO(findings_csv(found).decode())))
    assert [line["model"] for line in lines] == [one.model for one in found] != []
    assert len(json.loads(findings_json(found))["findings"]) == len(found)


def test_rows_made_here_are_not_audited_as_published(filled: Services) -> None:
    _, rows = BoardReader(filled.engine).rows()
    ids = {one.row_id for one in findings(rows)}
    assert ids and all(row_id.startswith("reported-") for row_id in ids)
