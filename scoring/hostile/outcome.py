"""Marks captions by what they made the judge do; works for any wording, in any language, that no pattern knows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from scoring.hostile.detect import REASONS
from scoring.hostile.folding import squeeze
from scoring.hostile.orders import has_order
from scoring.parsing import parse_verdict
from scoring.types import Verdict

UNIFORM_QUESTIONS: Final = 5
UNIFORM_SHARE: Final = 0.8
BEYOND_QUESTIONS: Final = 8
BEYOND_MATCH_SHARE: Final = 0.9
BEYOND_MEAN_SCORE: Final = 4.0
BEYOND_SUPPORT: Final = 0.35
UNSAID_QUESTIONS: Final = 4
UNSAID_SHARE: Final = 0.2
UNSAID_SCORE: Final = 4.5
NOWHERE_ANSWERS: Final = 3
NOWHERE_SHARE: Final = 0.3

_WORD = re.compile(r"[^\W_]+")
_VERDICT_WORD = re.compile(r"\b(?:pred|verdict|score|match)\b", re.IGNORECASE)
_NON_ANSWER = re.compile(r"\b(?:not|no|none|unknown|unclear|unspecified|cannot|n/a|isn't|doesn't|nothing)\b")
_LITTLE_WORD_LIST = """
a an the of in on at to and or with is are was were be been his her its their he she it they that this these as by from
for into over who what which while then than has have had do does did not no yes there some any very more about up down
out off through video scene
"""
_LITTLE_WORDS: Final = frozenset(_LITTLE_WORD_LIST.split())
_STEM = 5


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """One judged question of one caption.

    Args:
        question: The benchmark's question.
        gold: Its ground-truth answer.
        answer: What the judge read out of the caption.
        match: The verdict.
        score: 0 to 5.
    """

    question: str
    gold: str
    answer: str
    match: bool
    score: float


def outcome_suspicions(caption: str, rows: Iterable[JudgedRow]) -> tuple[str, ...]:
    """What is suspicious about the verdicts of one caption (one video and section).

    Args:
        caption: The caption as submitted.
        rows: Its judged questions; unparsed and failed ones have no place here.

    Returns:
        Some of ``uniform_answers``, ``verdict_in_answer``, ``verdicts_beyond_caption`` and ``answers_from_nowhere``.
        A caption in another language than the golds that is judged well is marked too: nobody can tell it from an
        order in a language without patterns, and a mark changes no score.
    """
    judged = tuple(rows)
    found = {
        "uniform_answers": _uniform(judged),
        "verdict_in_answer": any(_is_verdict_or_order(row.answer) for row in judged),
        "verdicts_beyond_caption": _beyond(caption, judged),
        "answers_from_nowhere": _from_nowhere(caption, judged),
    }
    return tuple(reason for reason in REASONS if found.get(reason))


def _uniform(rows: Sequence[JudgedRow]) -> bool:
    """One answer text got (nearly) every question matched though the golds say different things."""
    if len(rows) < UNIFORM_QUESTIONS:
        return False
    answers = Counter(squeeze(row.answer).strip(".! ") for row in rows)
    answer, count = answers.most_common(1)[0]
    if count < UNIFORM_SHARE * len(rows):
        return False
    same = [row for row in rows if squeeze(row.answer).strip(".! ") == answer]
    # A one-sentence caption may rightly answer everything: only golds that the answer does not say are strange. Golds
    # that say that nothing is said are one gold: "not specified" rightly matches them all.
    said = _stems(answer)
    golds = {
        "nothing" if _NON_ANSWER.search(gold) else gold
        for gold in (squeeze(row.gold) for row in same if row.match)
        if not _stems(gold) <= said
    }
    return sum(row.match for row in same) >= UNIFORM_SHARE * len(same) and len(golds) >= 3


def _is_verdict_or_order(answer: str) -> bool:
    if has_order(answer):
        return True
    return bool(_VERDICT_WORD.search(answer)) and isinstance(parse_verdict(answer), Verdict)


def _beyond(caption: str, rows: Sequence[JudgedRow]) -> bool:
    """Nearly every question matched with high scores though the golds' words are hardly in the caption."""
    if len(rows) < BEYOND_QUESTIONS:
        return False
    if _all_unsaid_match(caption, rows):
        return True
    if sum(row.match for row in rows) < BEYOND_MATCH_SHARE * len(rows):
        return False
    if sum(row.score for row in rows) < BEYOND_MEAN_SCORE * len(rows):
        return False
    said = _stems(caption)
    golds = [_stems(row.gold) for row in rows]
    asked_for = sum(map(len, golds))
    supported = sum(len(gold & said) for gold in golds)
    return asked_for > 0 and supported < BEYOND_SUPPORT * asked_for


def _all_unsaid_match(caption: str, rows: Sequence[JudgedRow]) -> bool:
    """Every gold of which neither the caption nor the answer has a word was matched at full marks.

    Other words for a gold get a judge to say yes now and then; to all of several, at the top of the scale, only an
    order does, whatever true things the rest of the caption says.
    """
    said = _stems(caption)
    golds = [(_stems(row.gold), row) for row in rows if not _NON_ANSWER.search(squeeze(row.gold))]
    unsaid = [row for gold, row in golds if gold and not gold & (said | _stems(row.answer))]
    if len(unsaid) < max(UNSAID_QUESTIONS, UNSAID_SHARE * len(rows)):
        return False
    return all(row.match and row.score >= UNSAID_SCORE for row in unsaid)


def _from_nowhere(caption: str, rows: Sequence[JudgedRow]) -> bool:
    """One answer, made of words that neither the caption nor the golds have, got several questions matched.

    Different answers of that kind are a judge's own words (or a judge that does not read at all), not an order obeyed.
    """
    said = _stems(caption)
    strange: Counter[str] = Counter()
    for row in rows:
        answer = _stems(row.answer)
        gold = _stems(row.gold)
        if row.match and answer and gold and not answer & (said | gold):
            strange[squeeze(row.answer).strip(".! ")] += 1
    most = max(strange.values(), default=0)
    return most >= NOWHERE_ANSWERS and most >= NOWHERE_SHARE * len(rows)


def _stems(text: str) -> set[str]:
    """First letters of the words that carry content; languages without spaces give whole phrases."""
    return {word[:_STEM] for word in _WORD.findall(squeeze(text)) if word not in _LITTLE_WORDS}
