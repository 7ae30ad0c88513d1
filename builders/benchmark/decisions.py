"""What reviewers decided: an append-only file that, replayed over the audited clips, gives the reviewed ones.

Every decision names what it was about by a hash of the text, so that one about a text that has changed since is never
applied to another: it is counted as stale, and the clip waits for a decision again.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

from builders.benchmark.manifest import fingerprint_of
from builders.benchmark.model import ClipQuestions, Dropped, Item
from builders.benchmark.support import support_of
from vdc.benchmark.normalise import normal_answer
from vdc.errors import InputError, Problem, RunFailed
from vdc.fileio import read_bytes, show_path
from vdc.sections import SECTIONS, Section
from vdc.textio import iter_json_lines

logger = logging.getLogger(__name__)

DECISIONS: Final = "review/decisions.jsonl"

About = Literal["clip", "caption", "question"]
Action = Literal["accept", "edit", "reject"]

_ACTIONS: Final[dict[str, tuple[str, ...]]] = {
    "clip": ("accept", "reject"),
    "caption": ("accept", "edit"),
    "question": ("accept", "edit", "reject"),
}


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision. A later one about the same thing replaces it.

    Args:
        clip_id: The clip.
        about: The whole clip (accepting or rejecting it settles it), a caption, or a question.
        action: ``accept`` of a caption or question takes an earlier decision about it back.
        basis: See :func:`clip_basis` and :func:`text_basis`.
        section: Of the caption or question; empty for a clip.
        text: New caption, or new question.
        answer: New answer.
        reviewer: Who; may be empty.
        time: UTC, ISO 8601; not looked at.
        reason: Why, in the reviewer's words.
    """

    clip_id: str
    about: About
    action: Action
    basis: str
    section: Section | Literal[""] = ""
    text: str = ""
    answer: str = ""
    reviewer: str = ""
    time: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Replay:
    """The clips after all decisions.

    Args:
        rows: Clips that were not rejected, with their edits.
        dropped: Rejected clips and questions.
        undecided: Ids of clips that are neither accepted nor rejected.
        stale: Decisions about texts that are no longer there.
        edited: Captions and questions that were edited.
    """

    rows: tuple[ClipQuestions, ...]
    dropped: tuple[Dropped, ...]
    undecided: tuple[str, ...]
    stale: int
    edited: int


@dataclass(slots=True)
class _Ledger:
    clips: dict[str, Decision] = field(default_factory=dict)
    texts: dict[tuple[str, str, str, str], Decision] = field(default_factory=dict)


def clip_basis(row: ClipQuestions) -> str:
    """Hash of all captions and questions of a clip as the audit left them."""
    return fingerprint_of(row.to_json())[:16]


def text_basis(section: Section, *texts: str) -> str:
    """Hash of a caption, or of a question and its answer."""
    return fingerprint_of(section, *texts)[:16]


def append_decision(path: Path, decision: Decision) -> None:
    """Add a decision to the file; on the disk when this returns.

    Raises:
        RunFailed: The file cannot be written.
    """
    line = json.dumps(asdict(decision), ensure_ascii=False).encode("utf-8", "replace") + b"\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        with os.fdopen(descriptor, "r+b", buffering=0) as file:
            # a line that a killed process left unfinished must not swallow this one
            if file.seek(0, os.SEEK_END) and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n":
                line = b"\n" + line
            file.write(line)
            os.fsync(file.fileno())
    except OSError as error:
        raise RunFailed(
            f"{show_path(path)}: found that it cannot be written ({error.strerror}); expected a writable file; "
            "do next: free space or check its permissions"
        ) from error


def read_decisions(path: Path) -> list[Decision]:
    """The decisions of a file, in order; none where there is no file. An unfinished last line is no decision.

    Raises:
        InputError: Other lines; lists all of them.
    """
    if not path.is_file():
        return []
    content = read_bytes(path)
    whole = content.data[: content.data.rfind(b"\n") + 1]
    problems: list[Problem] = []
    decisions = []
    for line, value in iter_json_lines(replace(content, data=whole), problems):
        decision = _parse(value)
        if decision is None:
            where = f"{show_path(path)}:{line}"
            problems.append(Problem("another kind of line", "a decision of the review page", "remove the line", where))
        else:
            decisions.append(decision)
    # a line cut by a killed process and ended by the next one
    cut = [problem for problem in problems if "no valid JSON" in problem.found]
    for problem in cut:
        logger.warning("%s: an unfinished decision, not applied", problem.where)
    if len(cut) < len(problems):
        raise InputError([problem for problem in problems if problem not in cut])
    return decisions


def replay(rows: Sequence[ClipQuestions], decisions: Sequence[Decision], support: float = 1.0) -> Replay:
    """The clips after all decisions, in the order of the clips.

    Questions whose answer an edited caption no longer supports are dropped, unless they were edited themselves.

    Args:
        rows: As the audit left them.
        decisions: In the order they were made.
        support: As in the configuration's ``questions.support``.
    """
    known = {row.clip_id: clip_basis(row) for row in rows}
    ledger = _Ledger()
    for decision in decisions:
        if decision.about == "clip":
            ledger.clips[decision.clip_id] = decision
        else:
            key = (decision.clip_id, decision.about, decision.section, decision.basis)
            ledger.texts[key] = decision
    stale = sum(known.get(clip_id) != decision.basis for clip_id, decision in ledger.clips.items())
    used: set[tuple[str, str, str, str]] = set()
    kept, dropped, undecided = [], [], []
    edited = 0
    for row in rows:
        verdict = ledger.clips.get(row.clip_id)
        if verdict is None or verdict.basis != known[row.clip_id]:
            undecided.append(row.clip_id)
        changed, left_out, edits = _apply(row, ledger, used, support)
        if verdict is not None and verdict.basis == known[row.clip_id] and verdict.action == "reject":
            dropped.append(Dropped(row.clip_id, "rejected", "filter", verdict.reason or "rejected by a reviewer"))
            continue
        dropped += left_out
        empty = [section for section in SECTIONS if not changed.questions[section]]
        if empty:
            found = f"no question left in {', '.join(empty)}"
            dropped.append(Dropped(row.clip_id, "no_questions_left", "filter", found))
            continue
        edited += edits
        kept.append(changed)
    stale += len(ledger.texts.keys() - used)
    return Replay(tuple(kept), tuple(dropped), tuple(undecided), stale, edited)


def _apply(
    row: ClipQuestions, ledger: _Ledger, used: set[tuple[str, str, str, str]], support: float
) -> tuple[ClipQuestions, list[Dropped], int]:
    captions, questions = dict(row.captions), {}
    dropped: list[Dropped] = []
    edits = 0

    def find(about: About, section: Section, basis: str) -> Decision | None:
        key = (row.clip_id, about, section, basis)
        decision = ledger.texts.get(key)
        if decision is not None:
            used.add(key)
        return decision

    for section in SECTIONS:
        change = find("caption", section, text_basis(section, row.captions[section]))
        rewritten = change is not None and change.action == "edit"
        if change is not None and rewritten:
            captions[section] = change.text
            edits += 1
        items: list[Item] = []
        for index, item in enumerate(row.questions[section]):
            decision = find("question", section, text_basis(section, item.question, item.answer))
            key = f"{row.clip_id}/{section}/{index}"
            if decision is not None and decision.action == "reject":
                dropped.append(Dropped(key, "rejected", "filter", decision.reason or item.question))
            elif decision is not None and decision.action == "edit":
                items.append(replace(item, question=decision.text, answer=decision.answer))
                edits += 1
            elif rewritten and support_of(normal_answer(item.answer), captions[section]) < support - 1e-9:
                found = f"{item.question} -> {item.answer}: the edited caption does not say so"
                dropped.append(Dropped(key, "unsupported_after_edit", "filter", found))
            else:
                items.append(item)
        questions[section] = tuple(items)
    return replace(row, captions=captions, questions=questions), dropped, edits


def _parse(value: Any) -> Decision | None:
    if not isinstance(value, dict):
        return None
    try:
        decision = Decision(**value)
    except TypeError:
        return None
    texts = all(isinstance(text, str) for text in asdict(decision).values())
    if not texts or decision.action not in _ACTIONS.get(decision.about, ()):
        return None
    if decision.about != "clip" and decision.section not in SECTIONS:
        return None
    if decision.action == "edit" and not decision.text.strip():
        return None
    if decision.action == "edit" and decision.about == "question" and not decision.answer.strip():
        return None
    return decision
