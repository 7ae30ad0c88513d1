"""A caption writer of known quality: it leaves out facts and gets facts wrong in exactly the stated shares.

The truth about a caption is therefore known question by question, without any judge: a question is answered rightly
by a caption that states its fact with the right value, and by no other.
"""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from builders.synthetic.facts import Fact, SectionPlan, plan_section, scene_facts, state
from builders.synthetic.scene import Scene
from vdc.errors import InputError, Problem
from vdc.predictions.model import Prediction
from vdc.sections import SECTIONS, Section

NOTHING_STATED = "Nothing in particular can be made out."
"""What a caption says when it states no fact; shares no telling word with any question."""


@dataclass(frozen=True, slots=True)
class QuestionTruth:
    """What a caption really does with one question.

    Args:
        video_id, section, question_index: The question.
        fact: Key of the fact it asks for.
        stated: The caption says something about the fact.
        correct: What it says is right; False when nothing is said.
    """

    video_id: str
    section: Section
    question_index: int
    fact: str
    stated: bool
    correct: bool


@dataclass(frozen=True, slots=True)
class WrittenCaptions:
    """A prediction set and the truth about it, question by question, in the same order of videos and sections."""

    predictions: tuple[Prediction, ...]
    truth: tuple[QuestionTruth, ...]

    def accuracy(self, section: Section | None = None) -> float:
        """Mean over videos of the share of their questions answered rightly, in [0, 1]; all sections: their mean.

        This is how VDCscore averages, so a measured accuracy can be held against it.
        """
        if section is None:
            present = [name for name in SECTIONS if any(row.section == name for row in self.truth)]
            return sum(self.accuracy(name) for name in present) / len(present)
        videos: dict[str, list[bool]] = {}
        for row in self.truth:
            if row.section == section:
                videos.setdefault(row.video_id, []).append(row.correct)
        return sum(sum(rows) / len(rows) for rows in videos.values()) / len(videos)


@dataclass(slots=True)
class _Quota:
    """Deals out a share of a growing total so that, at every moment, the sum is the rounded share of the total."""

    share: float
    total: int = 0
    dealt: int = 0

    def deal(self, count: int) -> int:
        self.total += count
        due = int(self.share * self.total + 0.5) - self.dealt
        given = min(max(due, 0), count)
        self.dealt += given
        return given


def write_captions(
    scenes: Sequence[Scene],
    recall: float | Mapping[Section, float],
    precision: float | Mapping[Section, float],
    seed: int,
    sections: Collection[Section] = SECTIONS,
) -> WrittenCaptions:
    """Captions that state ``recall`` of the asked facts, of which ``precision`` with the right value.

    In each section the share of stated facts is ``recall`` rounded to a whole number of facts over all videos, and
    likewise the share of right ones among the stated. The order in which a video's facts are dealt out depends on
    ``seed`` and the video only, so captions of neighbouring recalls differ by few facts.

    Args:
        scenes: The videos, in the order of the file.
        recall: In [0, 1], for all sections or each.
        precision: In [0, 1], for all sections or each.
        seed: Of the choice of facts, wrong values and wording.
        sections: Sections to write.

    Returns:
        One prediction per video and section, and the truth about each of its questions.

    Raises:
        InputError: A share lies outside [0, 1], a section has none, or there are no scenes.
    """
    ordered = [section for section in SECTIONS if section in sections]
    recalls, precisions = _shares("recall", recall, ordered), _shares("precision", precision, ordered)
    if not scenes or not ordered:
        raise InputError(Problem("no scenes or sections", "at least one of each", "give scenes and sections"))
    predictions: list[Prediction] = []
    truth: list[QuestionTruth] = []
    for section in ordered:
        stated_quota, wrong_quota = _Quota(recalls[section]), _Quota(1 - precisions[section])
        for scene in scenes:
            plan = plan_section(scene, section)
            source = random.Random(f"captions/{seed}/{scene.seed}/{scene.index}/{section}")
            order = source.sample(plan.facts, len(plan.facts))
            stated = order[: stated_quota.deal(len(order))]
            # Drawn for all facts, so that the recall does not move the draws that follow.
            ranks = {fact.key: source.random() for fact in order}
            wrong_values = {fact.key: source.choice(_wrong_values(fact, scene)) for fact in order}
            wrong_count = wrong_quota.deal(len(stated))
            wrong = {fact.key for fact in sorted(stated, key=lambda fact: ranks[fact.key])[:wrong_count]}
            values = {fact.key: wrong_values[fact.key] if fact.key in wrong else fact.value for fact in stated}
            caption = state(section, values, source) or NOTHING_STATED
            predictions.append(Prediction(scene.video_id, section, caption, len(predictions) + 1))
            truth += _truth(plan, values, wrong)
    return WrittenCaptions(tuple(predictions), tuple(truth))


def write_prediction_files(written: WrittenCaptions, folder: Path, name: str, record: Mapping[str, object]) -> None:
    """Write ``predictions/NAME.jsonl``, ``truth/NAME.jsonl`` and ``truth/NAME.json`` under ``folder``.

    Args:
        written: The captions.
        folder: The benchmark's folder.
        name: File name without ending.
        record: How they were made (recall, precision, seed); goes into ``truth/NAME.json`` with the true accuracies.
    """
    for sub in ("predictions", "truth"):
        (folder / sub).mkdir(parents=True, exist_ok=True)
    rows = ({"video_id": row.video_id, "section": row.section, "caption": row.caption} for row in written.predictions)
    (folder / "predictions" / f"{name}.jsonl").write_text(_lines(rows), encoding="utf-8", newline="\n")
    truth = (asdict(row) for row in written.truth)
    (folder / "truth" / f"{name}.jsonl").write_text(_lines(truth), encoding="utf-8", newline="\n")
    summary = {
        **record,
        "sections": {
            section: {
                "questions": sum(row.section == section for row in written.truth),
                "correct": sum(row.section == section and row.correct for row in written.truth),
                "accuracy": written.accuracy(section),
            }
            for section in SECTIONS
            if any(row.section == section for row in written.truth)
        },
        "average_accuracy": written.accuracy(),
    }
    (folder / "truth" / f"{name}.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8", newline="\n")


def _lines(rows: Iterable[Mapping[str, object]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _truth(plan: SectionPlan, values: Mapping[str, str], wrong: Collection[str]) -> list[QuestionTruth]:
    return [
        QuestionTruth(plan.video_id, plan.section, index, key, key in values, key in values and key not in wrong)
        for index, key in enumerate(plan.asked)
    ]


def _wrong_values(fact: Fact, scene: Scene) -> list[str]:
    """Values that share no word with the gold and that no other fact of the scene has."""
    gold_words = set(fact.value.split())
    used = {other.value for other in scene_facts(scene).values()}
    free = [value for value in fact.kind.values if not gold_words & set(value.split())]
    return [value for value in free if value not in used] or free


def _shares(name: str, given: float | Mapping[Section, float], sections: Sequence[Section]) -> dict[Section, float]:
    shares = {section: given.get(section, -1.0) if isinstance(given, Mapping) else given for section in sections}
    problems = [
        Problem(
            f"{name} {share if share != -1.0 else None!r} for section {section}",
            "a number from 0 to 1",
            "give one number for all sections or one for each",
        )
        for section, share in shares.items()
        if not 0 <= share <= 1
    ]
    if problems:
        raise InputError(problems)
    return shares
