"""The caption writer: its shares are exact, its truth is right, and a judge sees what it knows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from scipy.stats import spearmanr

from builders.synthetic import WrittenCaptions, draw_scene, plan_section, scene_facts, write_captions
from builders.synthetic.captions import NOTHING_STATED, write_prediction_files
from builders.synthetic.facts import KINDS
from scoring.judges.lexical import LexicalJudge
from scoring.parsing import parse_verdict
from scoring.types import JudgeRequest, Verdict
from vdc.errors import InputError
from vdc.sections import SECTIONS

SCENES = [draw_scene(seed=5, index=index) for index in range(12)]
BY_ID = {scene.video_id: scene for scene in SCENES}


def stated_facts(written: WrittenCaptions, section: str) -> dict[tuple[str, str], bool]:
    """(video, fact) -> right, of the stated facts."""
    return {(row.video_id, row.fact): row.correct for row in written.truth if row.section == section and row.stated}


@pytest.mark.parametrize("recall", [0.0, 0.13, 0.5, 0.97, 1.0])
@pytest.mark.parametrize("precision", [0.0, 0.71, 1.0])
def test_the_stated_and_the_right_shares_are_exact(recall: float, precision: float) -> None:
    written = write_captions(SCENES, recall, precision, seed=1)
    for section in SECTIONS:
        facts = sum(len(plan_section(scene, section).facts) for scene in SCENES)
        stated = stated_facts(written, section)
        assert len(stated) == int(recall * facts + 0.5)
        assert len(stated) - sum(stated.values()) == int((1 - precision) * len(stated) + 0.5)


def test_the_truth_is_what_the_captions_say() -> None:
    written = write_captions(SCENES, recall=0.6, precision=0.7, seed=2)
    captions = {(row.video_id, row.section): row.caption.lower() for row in written.predictions}
    for row in written.truth:
        gold = scene_facts(BY_ID[row.video_id])[row.fact].value
        if row.correct:
            assert re.search(rf"\b{re.escape(gold)}\b", captions[row.video_id, row.section])
        elif KINDS[row.fact].category in ("colour", "number"):  # every such word stands for one fact of a scene only
            assert not re.search(rf"\b{re.escape(gold)}\b", captions[row.video_id, row.section])


def test_sections_can_have_shares_of_their_own() -> None:
    recall = {**dict.fromkeys(SECTIONS, 1.0), "camera": 0.0}
    written = write_captions(SCENES, recall, 1.0, seed=1)
    assert written.accuracy("camera") == 0.0
    assert written.accuracy("short") == 1.0
    assert written.accuracy() == pytest.approx(0.8)
    assert {row.caption for row in written.predictions if row.section == "camera"} == {NOTHING_STATED}


def test_the_same_seed_writes_the_same_captions_and_another_seed_others() -> None:
    first, second, other = (write_captions(SCENES, 0.5, 0.8, seed=seed) for seed in (3, 3, 4))
    assert first == second
    assert first.predictions != other.predictions


@pytest.mark.parametrize(("recall", "precision"), [(1.2, 1.0), (0.5, -0.1), (float("nan"), 1.0)])
def test_a_share_outside_zero_to_one_is_refused(recall: float, precision: float) -> None:
    with pytest.raises(InputError, match="from 0 to 1"):
        write_captions(SCENES, recall, precision, seed=0)


def test_no_scenes_are_refused() -> None:
    with pytest.raises(InputError, match="at least one"):
        write_captions([], 1.0, 1.0, seed=0)


def measured_accuracy(written: WrittenCaptions) -> float:
    """Mean over sections of the lexical judge's accuracy, as VDCscore averages."""
    sections = []
    for section in SECTIONS:
        videos = []
        for row in written.predictions:
            if row.section == section:
                questions = plan_section(BY_ID[row.video_id], section).questions
                replies = LexicalJudge().judge([JudgeRequest(question, row.caption) for question in questions])
                verdicts = [parse_verdict(reply.raw or "") for reply in replies]
                videos.append(sum(isinstance(one, Verdict) and one.match for one in verdicts) / len(verdicts))
        sections.append(sum(videos) / len(videos))
    return sum(sections) / len(sections)


@pytest.mark.parametrize("precision", [1.0, 0.8])
def test_measured_accuracy_rises_with_the_known_recall(precision: float) -> None:
    ladder = [write_captions(SCENES[:3], step / 10, precision, seed=6) for step in range(11)]
    measured = [measured_accuracy(written) for written in ladder]
    assert spearmanr(range(11), measured).statistic >= 0.98
    assert max(abs(written.accuracy() - found) for written, found in zip(ladder, measured, strict=True)) < 0.01


def test_prediction_files_hold_captions_and_truth(tmp_path: Path) -> None:
    written = write_captions(SCENES[:2], 0.5, 1.0, seed=1)
    write_prediction_files(written, tmp_path, "half", {"name": "half", "seed": 1})
    lines = (tmp_path / "predictions" / "half.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 10
    assert set(json.loads(lines[0])) == {"video_id", "section", "caption"}
    truth = [json.loads(line) for line in (tmp_path / "truth" / "half.jsonl").read_text(encoding="utf-8").splitlines()]
    summary = json.loads((tmp_path / "truth" / "half.json").read_text(encoding="utf-8"))
    assert summary["average_accuracy"] == written.accuracy()
    assert sum(section["questions"] for section in summary["sections"].values()) == len(truth)
    assert sum(row["correct"] for row in truth) == sum(section["correct"] for section in summary["sections"].values())
