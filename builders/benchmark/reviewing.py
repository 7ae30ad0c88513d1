"""Step ``review``, and the desk behind the page: which clip is next, what was decided, what to write down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from builders.benchmark.config import BuildConfig
from builders.benchmark.context import Context, Settings, StepOutcome
from builders.benchmark.decisions import (
    DECISIONS,
    About,
    Action,
    Decision,
    Replay,
    append_decision,
    clip_basis,
    read_decisions,
    replay,
    text_basis,
)
from builders.benchmark.manifest import file_hash, read_rows
from builders.benchmark.model import Clip, ClipQuestions, Item
from builders.benchmark.support import REASONS, refusal
from vdc.errors import InputError, Problem, RunIncomplete
from vdc.sections import Section


def review_settings(context: Context) -> Settings:
    """Whether every clip needs a decision, and the decisions there are."""
    return {
        "required": context.config.review.required,
        "support": context.config.questions.support,
        "decisions": file_hash(context.folder / DECISIONS),
    }


def run_review(context: Context) -> StepOutcome:
    """Replay the decisions over the audited clips. Without ``review.required`` an undecided clip counts as accepted.

    Raises:
        RunIncomplete: Decisions are required and missing.
    """
    rows = read_rows(context.folder, "audit", ClipQuestions)
    done = replay(rows, read_decisions(context.folder / DECISIONS), context.config.questions.support)
    if context.config.review.required and done.undecided:
        raise RunIncomplete(
            f"found {len(done.undecided)} of {len(rows)} clips without a decision; expected one for each, because the "
            "configuration says review.required; do next: vdc build benchmark CONFIG --review, decide, and repeat the "
            "command"
        )
    notes = {"undecided": len(done.undecided), "edited": done.edited, "stale_decisions": done.stale}
    return StepOutcome(len(rows), done.rows, done.dropped, notes)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the review is: clips in all, accepted, rejected, open."""

    clips: int
    accepted: int
    rejected: int
    open: int


class ReviewDesk:
    """A build's clips for review. Every decision is on the disk before it shows; nothing else is kept.

    Args:
        folder: The build's folder.
        support, max_answer_words: As in the configuration; an edited question is checked against them.

    Raises:
        InputError: The audit step has not been done yet.
    """

    def __init__(self, folder: Path, support: float = 1.0, max_answer_words: int = 12) -> None:
        if not (folder / "audit" / "kept.jsonl").is_file():
            raise InputError(
                Problem(
                    "a build without audited clips",
                    "a build that has reached the step audit",
                    "run vdc build benchmark CONFIG --until audit first",
                    str(folder),
                )
            )
        self.folder = folder
        self._support = support
        self._max_answer_words = max_answer_words
        self._rows = {row.clip_id: row for row in read_rows(folder, "audit", ClipQuestions)}
        self._clips = {clip.clip_id: clip for clip in read_rows(folder, "clips", Clip)}
        self._decisions = read_decisions(folder / DECISIONS)

    @classmethod
    def of(cls, config: BuildConfig, folder: Path) -> ReviewDesk:
        """The desk of a build with the rules of its configuration."""
        return cls(folder, config.questions.support, config.questions.max_answer_words)

    @property
    def clip_ids(self) -> tuple[str, ...]:
        """All clips, in the order of the build."""
        return tuple(self._rows)

    @property
    def state(self) -> Replay:
        """The clips after all decisions up to now."""
        return replay(list(self._rows.values()), self._decisions, self._support)

    @property
    def progress(self) -> Progress:
        """How far the review is."""
        verdicts = [self.verdict(clip_id) for clip_id in self._rows]
        accepted, rejected = verdicts.count("accept"), verdicts.count("reject")
        return Progress(len(verdicts), accepted, rejected, len(verdicts) - accepted - rejected)

    def verdict(self, clip_id: str) -> Action | None:
        """The last word on a clip as it is now; None while it is open."""
        basis = clip_basis(self._rows[clip_id])
        found = [d.action for d in self._decisions if (d.about, d.clip_id, d.basis) == ("clip", clip_id, basis)]
        return found[-1] if found else None

    def next_open(self, after: str | None = None) -> str | None:
        """The next clip without a decision, from the beginning again after the last; None when all are decided."""
        ids = list(self._rows)
        start = ids.index(after) + 1 if after in self._rows else 0
        return next((clip_id for clip_id in ids[start:] + ids[:start] if self.verdict(clip_id) is None), None)

    def original(self, clip_id: str) -> ClipQuestions:
        """A clip as the audit left it; decisions refer to these texts."""
        return self._rows[clip_id]

    def video(self, clip_id: str) -> Path:
        """The file of a clip."""
        return self.folder / self._clips[clip_id].path

    def facts(self, clip_id: str) -> Mapping[str, Any]:
        """What a reviewer should know of a clip: length, size, licence, origin."""
        clip = self._clips[clip_id]
        return {
            "seconds": clip.duration_s,
            "size": f"{clip.width}x{clip.height}",
            "licence": clip.licence,
            "origin": clip.origin,
        }

    def current(self, clip_id: str, section: Section, item: Item | None = None) -> Decision | None:
        """The last decision about a caption (no item) or a question of the original."""
        about, basis = _about(self._rows[clip_id], section, item)
        wanted = (clip_id, about, section, basis)
        found = [d for d in self._decisions if (d.clip_id, d.about, d.section, d.basis) == wanted]
        return found[-1] if found else None

    def decide_clip(self, clip_id: str, action: Action, *, reviewer: str = "", reason: str = "") -> None:
        """Accept a clip with all decisions about its texts, or reject it."""
        basis = clip_basis(self._rows[clip_id])
        self._add(Decision(clip_id, "clip", action, basis, reviewer=reviewer, reason=reason))

    def edit_caption(self, clip_id: str, section: Section, text: str, *, reviewer: str = "") -> None:
        """Replace a caption; the original text takes an earlier edit back.

        Raises:
            InputError: An empty caption.
        """
        text = " ".join(text.split())
        if not text:
            raise InputError(Problem("an empty caption", "a text", "write one, or reject the clip", clip_id))
        row = self._rows[clip_id]
        about, basis = _about(row, section, None)
        action: Action = "accept" if text == row.captions[section] else "edit"
        self._add(Decision(clip_id, about, action, basis, section, text, reviewer=reviewer))

    def decide_question(
        self,
        clip_id: str,
        section: Section,
        item: Item,
        action: Action,
        *,
        question: str = "",
        answer: str = "",
        reviewer: str = "",
        reason: str = "",
    ) -> None:
        """Accept, edit or reject a question of the original.

        Raises:
            InputError: An edited question that the rules refuse against the caption as it is now.
        """
        row = self._rows[clip_id]
        about, basis = _about(row, section, item)
        question, answer = " ".join(question.split()), " ".join(answer.split())
        if action == "edit":
            change = self.current(clip_id, section)
            caption = change.text if change is not None and change.action == "edit" else row.captions[section]
            edited = Item(question, answer, item.category)
            why = refusal(edited, caption, (), support=self._support, max_answer_words=self._max_answer_words)
            if why is not None:
                found = f"{question!r} -> {answer!r}: {REASONS[why]}"
                raise InputError(Problem(found, "a question the rules allow", "change it, or edit the caption first"))
        self._add(Decision(clip_id, about, action, basis, section, question, answer, reviewer, reason=reason))

    def _add(self, decision: Decision) -> None:
        dated = replace(decision, time=datetime.now(UTC).isoformat(timespec="seconds"))
        append_decision(self.folder / DECISIONS, dated)
        self._decisions.append(dated)


def _about(row: ClipQuestions, section: Section, item: Item | None) -> tuple[About, str]:
    if item is None:
        return "caption", text_basis(section, row.captions[section])
    return "question", text_basis(section, item.question, item.answer)
