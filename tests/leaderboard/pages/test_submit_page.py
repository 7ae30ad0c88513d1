"""The submit page: signing in, checking, sending, following, withdrawing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from leaderboard.db.models import State
from leaderboard.db.session import writing
from leaderboard.services import Services
from leaderboard.submissions import SubmissionService
from leaderboard.tokens import find_holder, revoke_token
from tests.leaderboard.board_kit import STRONG, WEAK, new_holder, predictions_submission, submit_and_score, work

pytestmark = pytest.mark.usefixtures("remembered_scoring")

HOSTILE = "<script>window.x=1</script> ![p](http://127.0.0.1:9/b)"


@pytest.fixture
def signed_in(empty: Services, open_page) -> tuple[AppTest, str]:
    _, key = new_holder(empty)
    page = open_page("submit")
    return sign_in(page, key), key


def sign_in(page: AppTest, key: str) -> AppTest:
    page.text_input(key="token").set_value(key)
    return page.button(key="use-token").click().run()


def choose(page: AppTest, *files: tuple[str, bytes]) -> AppTest:
    page.file_uploader(key="new-files").set_value([(name, data, "application/octet-stream") for name, data in files])
    return page.run()


def send(page: AppTest, name: str, **fields: object) -> AppTest:
    page.text_input(key="new-model-name").set_value(name)
    if fields.get("private"):
        page.checkbox(key="new-private").check()
    if "note" in fields:
        page.text_area(key="new-note").set_value(str(fields["note"]))
    return page.button(key="send").click().run()


def said(page: AppTest) -> str:
    parts = [*page.text, *page.caption, *page.success, *page.error, *page.warning, *page.info, *page.markdown]
    return "\n".join(str(part.value) for part in parts)


def test_without_a_token_there_is_no_form_and_the_way_to_one_is_told(empty: Services, open_page) -> None:
    page = open_page("submit")
    assert not page.exception
    assert len(page.file_uploader) == 0
    assert "vdc leaderboard token create" in said(page)


@pytest.mark.parametrize("key", ["", "vdc_x_y", "<script>", "vdc_" + "a" * 190])
def test_a_wrong_token_is_refused_without_a_form(empty: Services, open_page, key: str) -> None:
    page = sign_in(open_page("submit"), key)
    assert not page.exception
    assert len(page.file_uploader) == 0
    assert "found no valid token" in said(page)


def test_a_submission_is_checked_sent_followed_and_scored(signed_in: tuple[AppTest, str], empty: Services) -> None:
    page, _ = signed_in
    page = choose(page, ("captions.jsonl", STRONG.read_bytes()))
    assert "The files can be sent." in said(page) and "recognised by its videos" in said(page)
    page = send(page, HOSTILE, note="a note")
    assert not page.exception
    submission_id = page.query_params["submission"]
    assert "queued, place 1" in said(page)
    work(empty)
    page = page.run()
    assert not page.exception
    assert "stands on the board" in said(page) and "verified" in said(page)
    table = page.dataframe[1].value
    assert list(table["Section"])[-1] == "Average" and all(0 <= value <= 100 for value in table["Accuracy (%)"])
    assert list(page.dataframe[0].value["State"])[-1] == "published"
    # The name stands on the page as text, and nowhere as markup.
    assert HOSTILE in [text.value for text in page.text]
    assert not any(HOSTILE in markdown.value for markdown in page.markdown)
    assert submission_id in said(page)


def test_the_same_content_again_is_the_same_submission_and_says_so(
    signed_in: tuple[AppTest, str], empty: Services
) -> None:
    page, _ = signed_in
    page = send(choose(page, ("a.jsonl", STRONG.read_bytes())), "A")
    first = page.query_params["submission"]
    page = page.button(key="back").click().run()
    page = send(choose(page, ("b.jsonl", STRONG.read_bytes())), "A")
    assert page.query_params["submission"] == first
    assert "The same content was sent before" in said(page)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b'{"video_id": 1}\n', "caption"),
        (b"not json", "a captions file"),
        (b"<html>", "web page"),
        (b"\x80pickle", "pickle"),
        (b"", "empty"),
    ],
    ids=["no-caption", "no-json", "html", "pickle", "empty"],
)
def test_a_file_that_would_be_rejected_is_told_before_it_is_sent(
    signed_in: tuple[AppTest, str], content: bytes, word: str
) -> None:
    page = choose(signed_in[0], ("../../captions.jsonl", content))
    assert not page.exception
    assert "The board would reject these files." in said(page)
    assert word in said(page) and "/tmp" not in said(page)
    assert all(button.key != "send" for button in page.button)


def test_half_a_run_and_two_caption_files_are_told(signed_in: tuple[AppTest, str]) -> None:
    page = choose(signed_in[0], ("run.json", b"{}"), ("a.jsonl", b"x"), ("b.jsonl", b"y"))
    assert "a run without verdicts.parquet" in said(page)
    assert "two files for predictions" in said(page)


def test_missing_captions_are_told_before_sending(signed_in: tuple[AppTest, str]) -> None:
    part = b"\n".join(STRONG.read_bytes().splitlines()[:3]) + b"\n"
    page = choose(signed_in[0], ("part.jsonl", part))
    assert "missing. They count as wrong." in said(page)


def test_a_rejected_submission_shows_found_expected_and_do_next(empty: Services, open_page) -> None:
    holder, key = new_holder(empty)
    wrong = Path(str(empty.settings.files_url)).parent / "wrong.jsonl"
    wrong.write_text('{"video_id": "nobody", "section": "short", "caption": "x"}\n')
    view, _ = empty.submissions.submit(holder, predictions_submission(wrong, "A"))
    assert view.state is State.REJECTED
    page = sign_in(open_page("submit", {"submission": view.id}), key)
    assert not page.exception
    assert "rejected" in said(page) and "Do next: " in said(page)


def test_limits_are_answered_in_words(empty: Services, open_page, show) -> None:
    limits = replace(empty.settings.limits, open_submissions=1, upload_bytes=1000)
    settings = replace(empty.settings, limits=limits)
    service = SubmissionService(empty.engine, empty.store, empty.queue, settings)
    show(replace(empty, settings=settings, submissions=service))
    holder, key = new_holder(empty)
    page = sign_in(open_page("submit"), key)
    page = choose(page, ("a.jsonl", b"x" * 1001))
    assert "expected at most 1,000" in said(page)
    row = STRONG.read_bytes().splitlines()[0] + b"\n"
    page = send(choose(page, ("a.jsonl", row)), "one")
    page = page.button(key="back").click().run()
    page = send(choose(page, ("a.jsonl", row)), "two")
    assert "This was not sent." in said(page) and "wait for one to end" in said(page)
    assert len(empty.submissions.list_for(holder)) == 1


def test_a_private_submission_is_seen_with_its_token_only(empty: Services, open_page) -> None:
    holder, key = new_holder(empty, "mine")
    _, other = new_holder(empty, "other")
    view = submit_and_score(empty, holder, predictions_submission(STRONG, "Secret", private=True))
    mine = sign_in(open_page("submit", {"submission": view.id}), key)
    assert "Secret" in said(mine) and "private" in said(mine)
    for page in (open_page("submit", {"submission": view.id}),):
        assert "no such submission" in said(page) and "Secret" not in said(page)
        page = sign_in(page, other)
        assert "no such submission" in said(page) and "Secret" not in said(page)
        assert len(page.dataframe) == 0


def test_everybody_may_follow_a_published_one_without_its_steps(empty: Services, open_page) -> None:
    holder, _ = new_holder(empty)
    view = submit_and_score(empty, holder, predictions_submission(STRONG, "Open"))
    page = open_page("submit", {"submission": view.id})
    assert "stands on the board" in said(page)
    assert all("Reason" not in table.value.columns for table in page.dataframe)
    assert all(button.key != "withdraw" for button in page.button)


@pytest.mark.parametrize("wrong", ["0" * 32, "x", "' or 1=1 --", "../..", "<script>"])
def test_ids_that_are_none_are_told(empty: Services, open_page, wrong: str) -> None:
    page = open_page("submit", {"submission": wrong})
    assert not page.exception and "no such submission" in said(page)


def test_withdrawing_needs_a_yes_and_leaves_nothing(empty: Services, open_page) -> None:
    holder, key = new_holder(empty)
    view = submit_and_score(empty, holder, predictions_submission(WEAK, "Gone soon", note="a note"))
    page = sign_in(open_page("submit", {"submission": view.id}), key)
    assert page.button(key="withdraw").disabled
    page.checkbox(key="withdraw-sure").check()
    page = page.run()
    page = page.button(key="withdraw").click().run()
    assert not page.exception
    assert "deleted for good" in said(page) and "Gone soon" not in said(page)
    assert list(empty.store.every()) == []
    assert list(page.dataframe[-1].value["Model"]) == ["–"]


def test_a_revoked_token_ends_at_once(signed_in: tuple[AppTest, str], empty: Services) -> None:
    page, key = signed_in
    with writing(empty.engine) as session:
        holder = find_holder(session, key)
        assert holder is not None
        revoke_token(session, holder.token_id)
    page = page.run()
    assert len(page.file_uploader) == 0 and "Sign in" in said(page)


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, object]]:
    """What a login with a provider leaves in the session."""
    claims: dict[str, object] = {"is_logged_in": True, "iss": "https://id.example.org", "sub": "42", "name": "Ada"}
    monkeypatch.setattr(st, "user", claims)
    yield claims


def test_a_login_is_a_holder_with_a_key_of_their_own(empty: Services, open_page, person, monkeypatch) -> None:
    monkeypatch.setattr("leaderboard.site.identity.login_configured", lambda: True)
    page = open_page("submit")
    assert "Signed in as Ada" in said(page)
    page = send(choose(page, ("a.jsonl", STRONG.read_bytes())), "A")
    page = page.button(key="new-key").click().run()
    key = page.code[0].value
    with writing(empty.engine) as session:
        holder = find_holder(session, key)
    assert holder is not None and holder.name == "Ada"
    assert [view.model for view in empty.submissions.list_for(holder)] == ["A"]
    person["sub"] = "43"
    assert len(open_page("submit").dataframe) == 0
