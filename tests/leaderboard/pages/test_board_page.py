"""The page of the board: what is shown, narrowed down, shared and taken away."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from leaderboard.board import BoardQuery, BoardReader
from leaderboard.db.session import writing
from leaderboard.db.upsert import bump_version
from leaderboard.import_rows import import_published
from leaderboard.services import Services
from leaderboard.site import access
from tests.leaderboard.filled_board import GAPS_NAME, HOSTILE_NAME, SECRET_NAME, STRONG_NAME, WEAK_NAME
from vdc.errors import InputError, Problem


def models(page: AppTest) -> list[str]:
    return [name for frame in page.dataframe for name in frame.value["model"]]


def words(page: AppTest) -> str:
    parts = [*page.markdown, *page.caption, *page.text, *page.error]
    return "\n".join(str(part.value) for part in parts)


def test_every_row_is_shown_once_in_its_group_and_counted(filled: Services, open_page) -> None:
    page = open_page("board")
    assert not page.exception
    rows = BoardReader(filled.engine).page(BoardQuery()).rows
    assert sorted(models(page)) == sorted(f"{row.model} [{row.setting}]" if row.setting else row.model for row in rows)
    groups = len({row.group for row in rows})
    assert (
        f"**{len(rows)} rows in {groups} groups by average accuracy: 4 verified, {len(rows) - 4} reported**"
        in words(page)
    )
    assert len(page.dataframe) == groups
    first = page.dataframe[0].value
    assert list(first["model"])[:3] == [STRONG_NAME, WEAK_NAME, GAPS_NAME]
    assert list(first["kind"].unique()) == ["✓ verified"] and list(first["rank"])[:3] == [1, 2, 3]


def test_a_judge_that_is_not_comparable_is_labelled(filled: Services, open_page) -> None:
    page = open_page("board", {"kind": "verified"})
    assert any("not comparable with LLM judges" in caption.value.replace("\\", "") for caption in page.caption)


def test_private_rows_are_not_there(filled: Services, open_page) -> None:
    page = open_page("board", {"mixed": "true", "figures": "true"})
    assert SECRET_NAME not in models(page) and len(page.dataframe) == 1


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"q": "harbour"}, {STRONG_NAME}),
        ({"kind": "verified", "q": "2b"}, {WEAK_NAME}),
        ({"judge": "lexical (tf-idf-1)", "kind": "reported"}, {"Paper Boat 3B"}),
    ],
    ids=["search", "kind", "judge"],
)
def test_the_address_decides_what_is_shown(filled: Services, open_page, query: dict, expected: set[str]) -> None:
    page = open_page("board", query)
    assert not page.exception and set(models(page)) == expected


def test_metric_and_section_stand_first_with_their_unit(filled: Services, open_page) -> None:
    page = open_page("board", {"metric": "Score", "section": "Camera", "kind": "verified"})
    table = page.dataframe[0].value
    assert list(table.columns)[:4] == ["rank", "model", "value", "interval"]
    row = BoardReader(filled.engine).page(BoardQuery(metric="score", section="camera", kind="verified")).rows[0]
    assert table["value"][0] == pytest.approx(row.value("score", "camera"), abs=0.005) and 0 <= table["value"][0] <= 5


def test_values_of_an_address_that_mean_nothing_are_ignored(filled: Services, open_page) -> None:
    page = open_page("board", {"section": "nonsense", "metric": "<script>", "kind": "0"})
    assert not page.exception
    assert page.selectbox(key="section").value == "average"


def test_nothing_found_offers_to_clear_the_filters(filled: Services, open_page) -> None:
    page = open_page("board", {"q": "no such model"})
    assert "No row fits" in words(page) and not page.dataframe
    page.button(key="clear").click().run()
    assert not page.exception and page.text_input(key="q").value == "" and STRONG_NAME in models(page)


def test_an_empty_board_says_what_to_do(empty: Services, open_page) -> None:
    page = open_page("board")
    assert not page.exception and "has no row yet" in words(page) and not page.dataframe


def test_a_new_row_shows_at_once(empty: Services, open_page) -> None:
    page = open_page("board")
    with writing(empty.engine) as session:
        import_published(session)
    page.run()
    assert len(models(page)) > 50
    before = len(models(page))
    with writing(empty.engine) as session:
        bump_version(session)
    assert len(models(page.run())) == before


def test_text_from_outside_stays_text(filled: Services, open_page) -> None:
    page = open_page("board", {"q": "script"})
    assert models(page) == [HOSTILE_NAME]
    assert not any(HOSTILE_NAME in str(markdown.value) for markdown in page.markdown)


def test_a_failure_is_shown_as_found_expected_do_next(filled: Services, open_page, monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise InputError(Problem("a broken <b>table</b>", "a whole one", "restore a backup"))

    monkeypatch.setattr(BoardReader, "choices", fail)
    page = open_page("board")
    assert not page.exception and page.error[0].value == "The rows cannot be read."
    assert page.text[0].value == "Found: a broken <b>table</b>\nExpected: a whole one\nDo next: restore a backup"


def test_what_is_shown_is_what_the_api_sends(filled: Services, open_page) -> None:
    page = open_page("board", {"kind": "verified"})
    names = {button.proto.label for button in page.download_button}
    assert names == {"CSV", "JSON"}
    assert access.board().reader.page(BoardQuery(kind="verified")).csv.startswith(b"rank,rank_low,rank_high,model")
