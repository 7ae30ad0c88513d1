"""Step ``questions``: about twenty questions per caption, each with an answer that the caption supports."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from builders.benchmark.calls import CallFailed, Model, ask_text, read_object
from builders.benchmark.config import QuestionSettings
from builders.benchmark.context import Context, Settings, StepOutcome
from builders.benchmark.manifest import read_rows
from builders.benchmark.model import ClipCaptions, ClipQuestions, Dropped, Item
from builders.benchmark.support import REASONS, refusal
from builders.prompts.catalog import PromptTexts, load_texts
from vdc.benchmark.normalise import normal_question
from vdc.llm.types import Ask, Message
from vdc.sections import SECTIONS, Section

VERSION: Final = 1

SUBJECTS: Final[Mapping[Section, str]] = {
    "short": "the video as a whole",
    "background": "the surroundings in the video",
    "main_object": "the main subject of the video",
    "camera": "the camera work of the video",
    "detailed": "everything in the video",
}
"""What each section is about, as the prompt says it."""

_SCENE: Final = ("object", "attribute", "colour", "count", "material", "position")
CATEGORIES: Final[Mapping[Section, tuple[str, ...]]] = {
    "short": ("subject", "action", "object", "attribute", "place", "mood", "other"),
    "background": (*_SCENE, "place", "light", "weather", "motion", "other"),
    "main_object": ("identity", "appearance", *_SCENE, "action", "motion", "interaction", "other"),
    "camera": ("shot", "angle", "movement", "direction", "focus", "transition", "effect", "framing", "other"),
    "detailed": (
        *("identity", "appearance", *_SCENE, "action", "motion", "interaction", "place", "light", "weather", "mood"),
        *("shot", "angle", "movement", "effect", "style", "other"),
    ),
}
"""The closed list of categories of each section; anything else is counted as ``other``."""

SHOWN_REFUSALS: Final = 20


def schema_for(section: Section) -> dict[str, Any]:
    """JSON schema of a reply about a section."""
    item = {
        "type": "object",
        "properties": {
            "question": {"type": "string"},
            "answer": {"type": "string"},
            "category": {"type": "string", "enum": list(CATEGORIES[section])},
        },
        "required": ["question", "answer", "category"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"questions": {"type": "array", "items": item}},
        "required": ["questions"],
        "additionalProperties": False,
    }


SCHEMAS: Final[Mapping[Section, Mapping[str, Any]]] = {section: schema_for(section) for section in SECTIONS}


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of one caption.

    Args:
        items: Good questions, at most as many as wanted.
        refused: Reason -> count.
    """

    items: tuple[Item, ...]
    refused: Counter[str]


def question_settings(context: Context) -> Settings:
    """Model, sampling, prompts and the rules for questions."""
    texts = texts_of(context)
    rules = context.config.questions.model_dump(mode="json")
    return {**context.model().facts, **rules, "prompts": texts.name, "sha256": texts.sha256}


def texts_of(context: Context) -> PromptTexts:
    """The prompt set of the questions; a file's path is relative to the configuration."""
    name = context.config.questions.prompts
    return load_texts("questions", str(context.file.resolve(name)) if name.endswith(".toml") else name)


def run_questions(context: Context) -> StepOutcome:
    """Make the questions of every caption; a clip with too few in any section is dropped."""
    captions = read_rows(context.folder, "captions", ClipCaptions)
    maker = QuestionMaker(context.model(), texts_of(context), context.config.questions)
    rows: list[ClipQuestions] = []
    dropped: list[Dropped] = []
    refused: Counter[str] = Counter()
    for result in maker.model.run(captions, maker.make, "clips asked about"):
        if isinstance(result, Dropped):
            dropped.append(result)
            continue
        row, counts = result
        rows.append(row)
        refused.update(counts)
    notes = {"questions": sum(row.question_count for row in rows)}
    notes |= {f"refused_{reason}": count for reason, count in refused.items()}
    return StepOutcome(len(captions), rows, dropped, notes)


@dataclass(frozen=True, slots=True)
class QuestionMaker:
    """Makes questions from captions.

    Args:
        model: Whom to ask.
        texts: The prompt set.
        settings: How many, and the rules.
    """

    model: Model
    texts: PromptTexts
    settings: QuestionSettings

    async def make(self, row: ClipCaptions, ask: Ask) -> tuple[ClipQuestions, Counter[str]] | Dropped:
        """The questions of a clip's five captions and what was refused, or why there are none."""
        try:
            made = await asyncio.gather(*(self._ask_about(row, section, ask) for section in SECTIONS))
        except CallFailed as error:
            return Dropped(row.clip_id, "call_failed", "failure", str(error), "repeat the command", again=True)
        short = [
            f"{section} {len(asked.items)}"
            for section, asked in zip(SECTIONS, made, strict=True)
            if len(asked.items) < self.settings.at_least
        ]
        refused: Counter[str] = sum((asked.refused for asked in made), Counter())
        if short:
            reasons = ", ".join(f"{reason} {count}" for reason, count in refused.most_common())
            found = f"too few good questions ({', '.join(short)}); refused: {reasons or 'none'}"
            do_next = "try another model, or lower questions.at_least or questions.support"
            return Dropped(row.clip_id, "too_few_questions", "failure", found, do_next)
        questions = {section: asked.items for section, asked in zip(SECTIONS, made, strict=True)}
        return ClipQuestions(row.clip_id, row.captions, questions), refused

    async def _ask_about(self, row: ClipCaptions, section: Section, ask: Ask) -> Asked:
        settings, caption = self.settings, row.captions[section]
        good: list[Item] = []
        bad: list[tuple[Item, str]] = []
        refused: Counter[str] = Counter()
        for attempt in range(settings.rounds):
            missing = settings.count - len(good)
            if missing <= 0:
                break
            request = self._request(row.clip_id, section, caption, good, bad, missing, attempt)
            text, _ = await ask_text(ask, request)
            items = read_items(text, section)
            if items is None:
                refused["unreadable_reply"] += 1
                continue
            for item in items:
                asked = {normal_question(other.question) for other in good}
                reason = refusal(
                    item, caption, asked, support=settings.support, max_answer_words=settings.max_answer_words
                )
                if reason is not None:
                    refused[reason] += 1
                    bad.append((item, reason))
                elif len(good) < settings.count:
                    good.append(item)
        return Asked(tuple(good), refused)

    def _request(
        self,
        clip_id: str,
        section: Section,
        caption: str,
        good: list[Item],
        bad: list[tuple[Item, str]],
        missing: int,
        attempt: int,
    ) -> Any:
        values = {
            "caption": caption,
            "subject": SUBJECTS[section],
            "count": str(missing),
            "words": str(self.settings.max_answer_words),
            "categories": ", ".join(CATEGORIES[section]),
        }
        if good or bad:
            last = bad[-SHOWN_REFUSALS:]
            values["existing"] = "\n".join(item.question for item in good) or "none"
            values["refused"] = "\n".join(
                f"{item.question[:200]} -> {item.answer[:100]} ({REASONS[reason]})" for item, reason in last
            )
            text = self.texts.fill("more", **{**values, "refused": values["refused"] or "none"})
        else:
            text = self.texts.fill("first", **values)
        messages = (Message("system", self.texts.pieces["system"]), Message("user", text))
        return self.model.request(messages, f"{clip_id}/{section}/questions", attempt, SCHEMAS[section])


def read_items(text: str, section: Section) -> list[Item] | None:
    """The questions of a reply; None where it holds no list of them. Entries of another form are left out."""
    table = read_object(text)
    entries = table.get("questions") if table is not None else None
    if not isinstance(entries, list):
        return None
    items = []
    for entry in entries:
        if not isinstance(entry, dict):
            continue
        question, answer = entry.get("question"), entry.get("answer")
        if not isinstance(question, str) or not isinstance(answer, str):
            continue
        label = str(entry.get("category", "")).strip().lower()
        category = label if label in CATEGORIES[section] else "other"
        items.append(Item(" ".join(question.split()), " ".join(answer.split()), category))
    return items
