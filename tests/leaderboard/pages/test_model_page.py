"""The page of a captioner: rows, protocols, record, every question."""

from __future__ import annotations

import pytest
import streamlit as st
from sqlalchemy.exc import OperationalError
from streamlit.testing.v1 import AppTest

from leaderboard.db.queries import find_run, run_file
from leaderboard.db.session import reading, writing
from leaderboard.db.upsert import bump_version
from leaderboard.failures import NotFound
from leaderboard.names import slug_of
from leaderboard.services import Services
from leaderboard.site import access, explorer
from leaderboard.site.explorer import explore_questions
from leaderboard.site.show import Download, downloads, inert
from tests.leaderboard.board_kit import new_holder
from tests.leaderboard.filled_board import CLAIMED_NAME, GAPS_NAME, HOSTILE_NAME, SECRET_NAME, STRONG_NAME


def words(page: AppTest) -> str:
    parts = [*page.subheader, *page.markdown, *page.caption, *page.text, *page.error, *page.warning, *page.code]
    return "\n".join(str(part.value) for part in parts)


def questions(page: AppTest):
    return next(frame.value for frame in page.dataframe if "question" in frame.value.columns)


def model(open_page, name: str, **query: str) -> AppTest:
    return open_page("model", {"model": slug_of(name), **query})


def test_a_run_is_shown_under_every_protocol_with_what_each_dropped(filled: Services, open_page) -> None:
    page = model(open_page, GAPS_NAME)
    assert not page.exception
    table = next(frame.value for frame in page.dataframe if "bias" in frame.value.columns).set_index("protocol")
    assert list(table.index) == ["strict", "observed", "official", "lmms_eval", "vlmevalkit"]
    assert table.loc["official", "dropped"] > 0 and "no caption" in table.loc["official", "why"]
    assert table.loc["strict", "bias"] == "+0.00" and table.loc["official", "bias"].startswith("+")
    assert "The published script's rule (official) drops" in words(page)
    assert "not comparable with LLM judges" in words(page)


def test_missing_empty_and_wrong_stay_apart(filled: Services, open_page) -> None:
    seen = {
        status: set(questions(model(open_page, GAPS_NAME, status=status))["verdict"])
        for status in ("judged", "no caption", "empty caption")
    }
    assert seen == {
        "judged": {"✓ match", "✗ no match"},
        "no caption": {"○ no caption"},
        "empty caption": {"□ empty caption"},
    }


def test_the_explorer_narrows_down_by_the_address(filled: Services, open_page) -> None:
    page = model(open_page, STRONG_NAME, within="Camera", match="no match")
    table = questions(page)
    assert set(table["section"]) == {"Camera"} and set(table["verdict"]) == {"✗ no match"}
    assert len(table) <= 25
    nothing = model(open_page, STRONG_NAME, words="zzzz")
    assert "No question fits." in words(nothing)


def test_a_question_is_shown_in_full_with_its_caption(filled: Services, open_page) -> None:
    page = model(open_page, STRONG_NAME, within="Short")
    row = access.board().verdicts.table(_verdicts(filled, STRONG_NAME)).iloc[0]
    shown = [text.value for text in page.text]
    assert row["question"] in shown and row["gold"] in shown and row["answer"] in shown
    assert any(text.startswith("In this clip a small apricot figure") for text in shown)
    assert row["raw"] in [code.value for code in page.code]


def test_a_run_without_captions_says_so_and_why_it_is_only_reported(filled: Services, open_page) -> None:
    page = model(open_page, CLAIMED_NAME)
    assert not page.exception and "Only reported: the captions were not handed in" in words(page)
    assert "not handed in with this run" in words(page)


def test_a_private_model_is_as_unknown_as_any_other(filled: Services, open_page) -> None:
    page = model(open_page, SECRET_NAME)
    assert not page.exception and "There is no such model" in words(page)
    assert SECRET_NAME not in words(page) and not page.dataframe
    assert SECRET_NAME not in page.selectbox(key="pick-model").options


def test_an_unknown_slug_offers_the_closest_names(filled: Services, open_page) -> None:
    page = open_page("model", {"model": "harbor-7"})
    assert "There is no such model" in words(page) and "Harbour 7B" in words(page)


def test_no_slug_asks_for_one_and_an_empty_board_says_so(filled: Services, open_page) -> None:
    assert "Choose a model." in words(open_page("model"))


def test_an_empty_board_has_no_model(empty: Services, open_page) -> None:
    page = open_page("model", {"model": "any"})
    assert not page.exception and "no model yet" in words(page)


def test_choosing_a_model_puts_it_into_the_address(filled: Services, open_page) -> None:
    page = open_page("model")
    page.selectbox(key="pick-model").select("harbour-7b").run()
    assert not page.exception and page.query_params["model"] == "harbour-7b"
    assert page.subheader[0].value == STRONG_NAME


def test_a_published_model_shows_its_findings_and_no_questions(filled: Services, open_page) -> None:
    page = open_page("model", {"model": "videocap-r1"})
    assert not page.exception and "findings of the data audit" in page.expander[0].label
    assert "no verdicts to look into" in words(page)


def test_hostile_names_captions_and_answers_stay_text(filled: Services, open_page) -> None:
    page = model(open_page, HOSTILE_NAME)
    assert not page.exception
    assert any("<img src=x onerror=alert(1)>" in text.value for text in page.text)
    markup = "\n".join(str(part.value) for part in [*page.markdown, *page.caption])
    assert "<img" not in markup and "![x](" not in markup
    assert "![x](" not in page.subheader[0].value


def test_verdicts_that_are_gone_are_a_failure_with_words(own_filled: Services, open_page) -> None:
    own_filled.store.delete(_verdicts(own_filled, HOSTILE_NAME))
    page = model(open_page, HOSTILE_NAME)
    assert not page.exception and page.error[0].value == "This cannot be shown."
    assert "restore a backup" in words(page)


def test_a_window_gives_nothing_away_of_a_run_that_left(own_filled: Services, open_page, monkeypatch) -> None:
    made = {}
    monkeypatch.setattr(st, "download_button", lambda _label, data, name, *_, **__: made.update({name: data}))
    page = model(open_page, STRONG_NAME)
    run = _run(STRONG_NAME)
    names = {"vdc-model.csv", "vdc-model.json", "vdc-run.json", f"verdicts-{run[:8]}.csv", f"verdicts-{run[:8]}.json"}
    assert not page.exception and made.keys() == names
    assert all(b"left the board" not in make() and len(make()) > 200 for make in made.values())
    reader = access.board().verdicts
    assert reader._tables
    own_filled.submissions.withdraw(new_holder(own_filled, "boss", admin=True)[0], _submission(own_filled, run))
    for make in made.values():
        assert make().decode().startswith("found a") and b"left the board" in make() and len(make()) < 200
    model(open_page, GAPS_NAME)
    assert len(reader._tables) == 1


def test_a_download_without_a_database_says_so(filled: Services, monkeypatch) -> None:
    made = []
    monkeypatch.setattr(st, "download_button", lambda _label, data, *_, **__: made.append(data))

    def away() -> bytes:
        raise OperationalError("select secret", {}, Exception("host"))

    downloads([Download("CSV", away, "a.csv", "text/csv")], key="any")
    assert b"cannot reach its database" in made[0]() and b"secret" not in made[0]()


def test_questions_of_a_run_that_left_are_not_drawn(own_filled: Services, open_page, monkeypatch) -> None:
    site, run = access.board(), _run(STRONG_NAME)
    info = access.public_run(site, run)
    own_filled.submissions.withdraw(new_holder(own_filled, "boss", admin=True)[0], _submission(own_filled, run))
    with pytest.raises(NotFound, match="left the board"):
        explore_questions(site, info)


def test_captions_are_kept_for_one_version_of_the_board(own_filled: Services, open_page, monkeypatch) -> None:
    asked = []
    real = explorer.read_captions
    monkeypatch.setattr(explorer, "read_captions", lambda *args: asked.append(args[1]) or real(*args))
    for _ in range(2):
        model(open_page, STRONG_NAME)
    assert len(asked) == 1
    with writing(own_filled.engine) as session:
        bump_version(session)
    model(open_page, STRONG_NAME)
    assert len(asked) == 2


def test_a_long_caption_is_cut_with_what_is_left_out(filled: Services, open_page, monkeypatch) -> None:
    monkeypatch.setattr(explorer, "_caption", lambda *_: "x" * 20_000 + "the end")
    page = model(open_page, STRONG_NAME)
    assert "x" * 20_000 in [text.value for text in page.text] and "the end" not in words(page)
    assert "7 more characters are not shown." in words(page)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("www.evil.example", "www\u2060\\.evil\\.example"),
        ("WWW.evil.example", "WWW\u2060\\.evil\\.example"),
        ("https://evil", "https\\:\\/\\/\u2060evil"),
        ("me@evil.example", "me\\@\u2060evil\\.example"),
        ("Qwen2.5-VL", "Qwen2\\.5\\-VL"),
    ],
)
def test_a_bare_address_does_not_become_a_link(text: str, shown: str) -> None:
    assert inert(text) == shown


def _run(name: str) -> str:
    return next(row.run_id for row in access.board().reader.rows()[1] if row.model == name and row.run_id)


def _submission(board: Services, run: str) -> str:
    with reading(board.engine) as session:
        found = find_run(session, run)
    assert found is not None
    return found.submission_id


def _verdicts(board: Services, name: str) -> str:
    with reading(board.engine) as session:
        return run_file(session, _run(name)) or ""
