"""The arena's page: blind before the vote, open after it."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from leaderboard.arena import Arena
from leaderboard.arena_table import labels, standings_csv, standings_json
from leaderboard.services import Services
from tests.leaderboard.board_kit import STRONG, WEAK, new_holder, predictions_submission, submit_and_score
from tests.leaderboard.filled_board import HOSTILE_NAME


def said(page: AppTest) -> str:
    parts = [*page.text, *page.caption, *page.success, *page.error, *page.info, *page.markdown]
    return "\n".join(str(part.value) for part in parts)


def test_an_empty_board_says_what_the_arena_needs(empty: Services, open_page) -> None:
    page = open_page("arena")
    assert not page.exception
    assert "two public submissions" in said(page) and "Nobody has voted yet." in said(page)


def two_captioners(board: Services) -> None:
    holder, _ = new_holder(board)
    submit_and_score(board, holder, predictions_submission(STRONG, "Strong"))
    submit_and_score(board, holder, predictions_submission(WEAK, "Weak"))


def test_names_are_shown_only_after_the_vote_and_the_vote_counts(empty: Services, open_page) -> None:
    two_captioners(empty)
    page = open_page("arena")
    assert not page.exception
    assert "Strong" not in said(page) and "Weak" not in said(page)
    page = page.button(key="vote-left").click().run()
    assert "You preferred the left caption." in said(page)
    assert "[Strong]" in said(page) and "[Weak]" in said(page)
    assert len(Arena(empty).votes()) == 1
    assert all(button.key != "vote-left" for button in page.button)
    table = page.dataframe[0].value
    assert sorted(table["model"]) == ["Strong", "Weak"] and list(table["votes"]) == [1, 1]
    page = page.button(key="next-pair").click().run()
    assert page.button(key="vote-right") is not None
    assert "[Strong]" not in said(page)


def test_skipping_shows_another_pair_and_counts_nothing(empty: Services, open_page) -> None:
    two_captioners(empty)
    page = open_page("arena")
    before = [text.value for text in page.text]
    for _ in range(5):
        page = page.button(key="vote-skip").click().run()
    assert [text.value for text in page.text] != before
    assert Arena(empty).votes() == []


def test_one_window_never_votes_twice_on_a_pair(empty: Services, open_page) -> None:
    two_captioners(empty)
    page = open_page("arena")
    pair = page.session_state["arena-pair"]
    page = page.button(key="vote-tie").click().run()
    page = page.button(key="next-pair").click().run()
    page.session_state["arena-pair"] = pair
    page = page.run()
    page = page.button(key="vote-left").click().run()
    assert "the first vote counts" in said(page)
    assert len(Arena(empty).votes()) == 1


def test_a_pair_whose_captioner_left_is_told(empty: Services, open_page) -> None:
    two_captioners(empty)
    page = open_page("arena")
    holder, _ = new_holder(empty, "boss", admin=True)
    pair = page.session_state["arena-pair"]
    run_of = {view.run_id: view.id for view in submissions(empty)}
    empty.submissions.withdraw(holder, run_of[pair.left_run])
    page = page.button(key="vote-left").click().run()
    assert not page.exception
    assert "This vote does not count." in said(page) and "left the board" in said(page)
    assert "nothing to compare yet" in said(page)
    assert pair.left not in said(page) and page.session_state["arena-pair"] is None


@pytest.mark.parametrize("voted", [False, True])
def test_a_pair_is_not_shown_again_once_a_captioner_left(empty: Services, open_page, voted: bool) -> None:
    two_captioners(empty)
    page = open_page("arena")
    pair = page.session_state["arena-pair"]
    if voted:
        page = page.button(key="vote-left").click().run()
    assert pair.left in said(page)
    holder, _ = new_holder(empty, "boss", admin=True)
    run_of = {view.run_id: view.id for view in submissions(empty)}
    empty.submissions.withdraw(holder, run_of[pair.left_run])
    page = page.run()
    assert not page.exception and "nothing to compare yet" in said(page)
    assert pair.left not in said(page) and pair.right not in said(page)


def test_a_long_caption_is_cut_with_what_is_left_out(empty: Services, open_page) -> None:
    two_captioners(empty)
    page = open_page("arena")
    page.session_state["arena-pair"] = replace(page.session_state["arena-pair"], left="x" * 20_000 + "the end")
    page = page.run()
    assert "x" * 20_000 in [text.value for text in page.text] and "the end" not in said(page)
    assert "7 more characters are not shown." in said(page)


def submissions(board: Services):
    from sqlalchemy import select

    from leaderboard.db.models import Token
    from leaderboard.db.session import reading
    from leaderboard.tokens import Holder

    with reading(board.engine) as session:
        owner = session.scalars(select(Token).where(Token.name == "lab")).one()
    return board.submissions.list_for(Holder(owner.id, owner.name))


def test_captions_and_names_that_try_to_be_markup_stay_text(own_filled: Services, open_page) -> None:
    page = open_page("arena")
    for _ in range(6):
        page = page.button(key="vote-tie").click().run()
        assert not page.exception
        assert not any("<script>" in markdown.value for markdown in page.markdown)
        page = page.button(key="next-pair").click().run()
    assert HOSTILE_NAME in list(page.dataframe[0].value["model"])


def test_downloads_hold_what_is_shown_and_no_formulas(own_filled: Services) -> None:
    groups = Arena(own_filled).standings()
    rows = list(csv.DictReader(io.StringIO(standings_csv(groups).decode())))
    plain = json.loads(standings_json(groups))
    assert [row["model"] for row in rows] == [row["model"] for group in plain["groups"] for row in group["rows"]]
    assert float(rows[0]["rating"]) == groups[0].rows[0].rating
    assert not any(row["model"].startswith("=") for row in rows)


def test_two_rows_of_one_name_are_told_apart(own_filled: Services) -> None:
    rows = list(Arena(own_filled).standings()[0].rows)
    twice = [rows[0], rows[0], rows[-1]]
    assert len(set(labels(twice))) == 2 and labels(twice)[2] == rows[-1].model


def test_a_holder_is_one_voter_in_every_window(empty: Services, open_page) -> None:
    two_captioners(empty)
    _, key = new_holder(empty, "voter")
    pairs = []
    for choice in ("left", "right"):
        page = open_page("arena")
        page.session_state["holder-key"] = key
        if pairs:
            page.session_state["arena-pair"] = pairs[0]
        page = page.run()
        pairs.append(page.session_state["arena-pair"])
        page = page.button(key=f"vote-{choice}").click().run()
    assert "the first vote counts" in said(page)
    assert len(Arena(empty).votes()) == 1
