"""Reviewers' decisions: on the disk at once, replayed to the same result, never applied to another text."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.benchmark.decisions import (
    DECISIONS,
    Decision,
    append_decision,
    clip_basis,
    read_decisions,
    replay,
    text_basis,
)
from builders.benchmark.manifest import write_manifests
from builders.benchmark.model import Clip, ClipQuestions, Item
from builders.benchmark.reviewing import ReviewDesk
from vdc.errors import InputError
from vdc.sections import SECTIONS


def make_row(clip_id: str) -> ClipQuestions:
    captions = {section: f"A red kite flies over {clip_id} in {section}." for section in SECTIONS}
    items = (Item("What flies?", "a red kite", "object"), Item("Over what?", clip_id, "place"))
    return ClipQuestions(clip_id, captions, dict.fromkeys(SECTIONS, items))


ROWS = [make_row("hill"), make_row("lake"), make_row("town")]


@pytest.fixture
def desk(tmp_path: Path) -> ReviewDesk:
    clips = [
        Clip(row.clip_id, "v", "v.mp4", "0" * 64, 0, 1, 1, 10, 10, 64, 48, 9, 0, (), False, "CC0-1.0", "made")
        for row in ROWS
    ]
    write_manifests(tmp_path, "clips", "x", 3, clips, [])
    write_manifests(tmp_path, "audit", "x", 3, ROWS, [])
    return ReviewDesk(tmp_path)


def test_nothing_decided_keeps_everything_and_says_so(desk: ReviewDesk) -> None:
    assert desk.state.rows == tuple(ROWS)
    assert desk.state.undecided == ("hill", "lake", "town")
    assert (desk.progress.clips, desk.progress.open) == (3, 3)


def test_rejected_clip_goes_with_its_reason(desk: ReviewDesk) -> None:
    desk.decide_clip("lake", "reject", reviewer="ann", reason="wrong film")
    assert [row.clip_id for row in desk.state.rows] == ["hill", "town"]
    assert [(row.key, row.reason, row.found) for row in desk.state.dropped] == [("lake", "rejected", "wrong film")]
    assert desk.next_open("lake") == "town"


def test_last_decision_counts(desk: ReviewDesk) -> None:
    desk.decide_clip("lake", "reject")
    desk.decide_clip("lake", "accept")
    assert desk.verdict("lake") == "accept"
    assert len(desk.state.rows) == 3


def test_edited_question_and_rejected_question(desk: ReviewDesk) -> None:
    first, second = ROWS[0].questions["short"]
    desk.decide_question("hill", "short", first, "edit", question="What is in the air?", answer="a kite")
    desk.decide_question("hill", "short", second, "reject")
    (item,) = desk.state.rows[0].questions["short"]
    assert item == Item("What is in the air?", "a kite", "object")
    desk.decide_question("hill", "short", second, "accept")
    assert len(desk.state.rows[0].questions["short"]) == 2


def test_edited_question_must_keep_the_rules(desk: ReviewDesk) -> None:
    with pytest.raises(InputError, match="does not stand in the description"):
        item = ROWS[0].questions["short"][0]
        desk.decide_question("hill", "short", item, "edit", question="What flies?", answer="a blue whale")
    assert desk.state.edited == 0


def test_question_may_follow_an_edited_caption(desk: ReviewDesk) -> None:
    desk.edit_caption("hill", "short", "A blue whale swims past the hill.")
    item = ROWS[0].questions["short"][0]
    desk.decide_question("hill", "short", item, "edit", question="What swims?", answer="a blue whale")
    assert [item.answer for item in desk.state.rows[0].questions["short"]] == ["a blue whale", "hill"]


def test_edited_caption_drops_what_it_no_longer_says(desk: ReviewDesk) -> None:
    desk.edit_caption("hill", "short", "A blue whale swims past the hill.")
    assert [item.answer for item in desk.state.rows[0].questions["short"]] == ["hill"]
    assert [row.reason for row in desk.state.dropped] == ["unsupported_after_edit"]
    desk.edit_caption("hill", "short", ROWS[0].captions["short"])
    assert desk.state.rows == tuple(ROWS)


def test_empty_caption_is_refused(desk: ReviewDesk) -> None:
    with pytest.raises(InputError):
        desk.edit_caption("hill", "short", "  ")


def test_clip_without_questions_in_a_section_goes(desk: ReviewDesk) -> None:
    for item in ROWS[0].questions["camera"]:
        desk.decide_question("hill", "camera", item, "reject")
    assert [row.reason for row in desk.state.dropped] == ["rejected", "rejected", "no_questions_left"]
    assert [row.clip_id for row in desk.state.rows] == ["lake", "town"]


def test_another_desk_sees_the_same(desk: ReviewDesk) -> None:
    desk.decide_clip("hill", "accept")
    desk.edit_caption("lake", "camera", "The camera follows a red kite over lake.")
    assert ReviewDesk(desk.folder).state == desk.state


def test_decision_about_a_text_that_changed_is_stale() -> None:
    old = replace(ROWS[0], captions={**ROWS[0].captions, "short": "An older caption."})
    item = ROWS[0].questions["short"][0]
    decisions = [
        Decision("hill", "clip", "accept", clip_basis(old)),
        Decision("hill", "caption", "edit", text_basis("short", "An older caption."), "short", "New."),
        Decision("hill", "question", "reject", text_basis("short", item.question, "another answer"), "short"),
        Decision("gone", "clip", "reject", "0" * 16),
    ]
    done = replay(ROWS, decisions)
    assert done.rows == tuple(ROWS)
    assert done.stale == 4
    assert "hill" in done.undecided


def test_line_cut_by_a_killed_process_is_no_decision(tmp_path: Path) -> None:
    path = tmp_path / DECISIONS
    first = Decision("hill", "clip", "accept", clip_basis(ROWS[0]))
    append_decision(path, first)
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:20])
    assert read_decisions(path) == [first]
    append_decision(path, first)
    assert read_decisions(path) == [first, first]


@pytest.mark.parametrize(
    "line",
    [
        '{"clip_id": "a"}',
        "[1]",
        '{"clip_id": "a", "about": "clip", "action": "edit", "basis": "x"}',
        '{"clip_id": "a", "about": "question", "action": "edit", "basis": "x", "section": "short", "text": "q"}',
        '{"clip_id": "a", "about": "caption", "action": "accept", "basis": "x", "section": "sky"}',
    ],
)
def test_other_lines_are_told_with_their_number(tmp_path: Path, line: str) -> None:
    (tmp_path / "d.jsonl").write_text("\n" + line + "\n")
    with pytest.raises(InputError, match=r"d\.jsonl:2"):
        read_decisions(tmp_path / "d.jsonl")


@given(st.lists(st.tuples(st.sampled_from(["hill", "lake", "town"]), st.sampled_from(["accept", "reject"]))))
def test_replay_depends_on_the_last_decision_alone(choices: list[tuple[str, str]]) -> None:
    bases = {row.clip_id: clip_basis(row) for row in ROWS}
    decisions = [Decision(clip, "clip", action, bases[clip]) for clip, action in choices]  # type: ignore[arg-type]
    last = dict(choices)
    done = replay(ROWS, decisions)
    assert [row.clip_id for row in done.rows] == [row.clip_id for row in ROWS if last.get(row.clip_id) != "reject"]
    assert set(done.undecided) == {"hill", "lake", "town"} - last.keys()


def test_desk_needs_an_audited_build(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--until audit"):
        ReviewDesk(tmp_path)
