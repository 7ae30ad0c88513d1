from __future__ import annotations

from dataclasses import replace

import pytest

from leaderboard.arena import Arena
from leaderboard.arena_standings import make_standings
from leaderboard.arena_table import doubt_words
from leaderboard.failures import NotFound
from leaderboard.services import Services
from tests.leaderboard.board_kit import STRONG, WEAK, new_holder, predictions_submission, submit_and_score
from vdc.errors import InputError

pytestmark = pytest.mark.usefixtures("remembered_scoring")


@pytest.fixture
def arena(board: Services) -> Arena:
    holder, _ = new_holder(board)
    submit_and_score(board, holder, predictions_submission(STRONG, "Strong"))
    submit_and_score(board, holder, predictions_submission(WEAK, "Weak"))
    return Arena(board)


def test_an_empty_board_has_no_pair(board: Services) -> None:
    assert Arena(board).next_pair(0) is None
    assert Arena(board).standings() == []


def test_a_pair_shows_two_captions_of_one_video_in_either_order(arena: Arena) -> None:
    pairs = [arena.next_pair(seed) for seed in range(12)]
    assert len({pair.left_run for pair in pairs if pair}) == 2
    assert all(pair and pair.left != "" and pair.left_run != pair.right_run for pair in pairs)


def test_the_same_words_twice_are_no_pair(board: Services) -> None:
    for name in ("One", "The same again"):
        submit_and_score(board, new_holder(board, name)[0], predictions_submission(STRONG, name))
    arena = Arena(board)
    assert arena.captioners() == 2 and arena.next_pair(0) is None


def test_one_voter_has_one_vote_on_a_pair_whichever_way_round(arena: Arena) -> None:
    pair = arena.next_pair(1)
    assert pair is not None
    turned = replace(pair, left=pair.right, right=pair.left, left_run=pair.right_run, right_run=pair.left_run)
    assert arena.vote(pair, "left", "somebody") is True
    assert arena.vote(turned, "left", "somebody") is False
    assert arena.vote(turned, "left", "somebody else") is True
    assert sorted(choice for _, _, choice in arena.votes()) == ["first", "second"]


def test_votes_for_one_captioner_put_it_first_with_an_interval(arena: Arena) -> None:
    strong = next(run for run, name in arena.names().items() if name == "Strong")
    for seed in range(20):
        pair = arena.next_pair(seed)
        assert pair is not None
        # Three of four for the strong one.
        for_strong = seed % 4 != 0
        arena.vote(pair, "left" if (pair.left_run == strong) == for_strong else "right", f"voter {seed}")
    (group,) = arena.standings()
    assert [row.model for row in group.rows] == ["Strong", "Weak"]
    best = group.rows[0]
    # Odds of 15 to 5 are 191 points on the chess scale.
    assert group.rows[0].rating - group.rows[1].rating == pytest.approx(190.8, abs=1)
    assert best.low is not None and best.high is not None and best.low <= best.rating <= best.high
    assert best.accuracy is not None and group.votes == 20 and group.correlation is None


def test_few_votes_and_votes_that_all_went_one_way_have_no_interval() -> None:
    names = {"a": "A", "b": "B"}
    (one,) = make_standings([("a", "b", "first")], names, {})
    assert not one.bounded and {row.low for row in one.rows} == {None} and "only the order" in doubt_words(one)
    (clean_sweep,) = make_standings([("a", "b", "first")] * 50, names, {})
    assert not clean_sweep.bounded and {row.high for row in clean_sweep.rows} == {None}
    (few,) = make_standings([("a", "b", "tie")], names, {})
    assert few.bounded and {row.low for row in few.rows} == {None} and "from 10 votes" in doubt_words(few)
    (enough,) = make_standings([("a", "b", "first"), ("b", "a", "first")] * 5, names, {})
    assert enough.bounded and all(row.low is not None for row in enough.rows) and doubt_words(enough) == ""


def test_a_pair_that_never_was_is_refused(arena: Arena) -> None:
    pair = arena.next_pair(1)
    assert pair is not None
    with pytest.raises(InputError):
        arena.vote(replace(pair, video_id="nobody"), "left", "x")
    with pytest.raises(InputError):
        arena.vote(replace(pair, right_run=pair.left_run), "left", "x")
    with pytest.raises(InputError):
        arena.vote(pair, "both", "x")  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        arena.vote(replace(pair, right_run="f" * 32), "left", "x")


def test_a_voter_is_never_asked_the_same_twice(arena: Arena) -> None:
    seen = set()
    for seed in range(8):
        pair = arena.next_pair(seed, "somebody")
        assert pair is not None
        key = (pair.video_id, pair.section)
        assert key not in seen
        seen.add(key)
        assert arena.vote(pair, "tie", "somebody") is True


def test_a_voter_who_has_seen_everything_gets_no_pair(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Arena, "_read", lambda _self, run: {("v", "short"): f"a caption of {run}"})
    pair = arena.next_pair(0, "somebody")
    assert pair is not None and arena.vote(pair, "left", "somebody") is True
    assert arena.next_pair(0, "somebody") is None
    assert arena.next_pair(0, "somebody else") is not None


def test_a_new_vote_changes_the_standings_at_once(arena: Arena) -> None:
    for seed in range(2):
        pair = arena.next_pair(seed, "x")
        assert pair is not None
        arena.vote(pair, "tie", "x")
        (group,) = arena.standings()
        assert group.votes == seed + 1
    assert arena.standings() is arena.standings()


def test_captions_of_a_withdrawn_run_leave_the_memory(board: Services) -> None:
    holder, _ = new_holder(board)
    submit_and_score(board, holder, predictions_submission(STRONG, "Strong"))
    gone = submit_and_score(board, holder, predictions_submission(WEAK, "Weak"))
    arena = Arena(board)
    pair = arena.next_pair(1, "x")
    assert pair is not None and arena.captioners() == 2
    arena.vote(pair, "tie", "x")
    board.submissions.withdraw(holder, gone.id)
    with pytest.raises(NotFound):
        arena.vote(pair, "left", "y")
    assert gone.run_id not in arena._captions
    assert (arena.next_pair(1), arena.standings(), arena.captioners()) == (None, [], 0)
