"""Rules about whole rows: how many questions, about what, and whether another row says the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from builders.audit.answers import is_category_word
from builders.audit.checks import each_row, shorten
from builders.audit.model import AuditRow, AuditTables, Finding, Rule, SectionRule
from builders.audit.near_duplicates import similar_pairs
from builders.audit.other_videos import RANK_SHARE, SMALLEST_BENCHMARK, find_rows_unlike_own_video
from vdc.sections import Section

MOST_QUESTIONS: Final = 25
INVENTED_WORD: Final = "protagonist"


def _too_many_questions(row: AuditRow, _: AuditTables) -> str | None:
    count = len(row.questions)
    return f"{count} questions" if count > MOST_QUESTIONS else None


def _invented_story(row: AuditRow, _: AuditTables) -> str | None:
    count = sum(
        INVENTED_WORD in f"{question.source.question} {question.source.gold}".lower() for question in row.questions
    )
    return f"{count} of {len(row.questions)} questions" if count and 4 * count >= len(row.questions) else None


def _category_words(row: AuditRow, tables: AuditTables) -> str | None:
    count = sum(is_category_word(question, tables) for question in row.questions)
    return f"{count} of {len(row.questions)} answers" if count and 2 * count >= len(row.questions) else None


def _one_answer(row: AuditRow, _: AuditTables) -> str | None:
    answers = Counter(question.normal_answer for question in row.questions)
    answer, count = answers.most_common(1)[0]
    if count < 2 or 2 * count < len(row.questions):
        return None
    return f"{count} of {len(row.questions)} answers are {shorten(answer)!r}"


def find_near_duplicate_rows(section: Section, tables: AuditTables) -> Iterator[Finding]:
    """Pairs of rows of different videos that share half of their questions with answers, or more."""
    rows = tables.rows[section]
    sets = [frozenset((question.normal_question, question.normal_answer) for question in row.questions) for row in rows]
    for pair in similar_pairs(sets):
        first, second = rows[pair.first], rows[pair.second]
        if first.video_id != second.video_id:
            detail = f"{pair.similarity:.2f} alike with {first.video_id}, line {first.line}"
            yield Finding(second.video_id, second.line, None, detail)


ROW_RULES: Final[tuple[SectionRule, ...]] = (
    Rule(
        "invented_story",
        "The questions are about a tale that no other section of the video knows, so no captioner can be right.",
        f"a quarter or more of the row's questions hold {INVENTED_WORD!r} in lower-cased question and answer",
        "error",
        "row",
        each_row(_invented_story),
        removes=True,
    ),
    Rule(
        "category_word_row",
        "A row whose gold answers are labels punishes every correct caption.",
        "half or more of the row's answers are in the category vocabulary (see answer_is_category_word)",
        "error",
        "row",
        each_row(_category_words),
    ),
    Rule(
        "near_duplicate_rows",
        "Two videos with the same questions are one video counted twice, or questions that fit any video.",
        "pairs of rows of a file with different ids whose sets of (normal question, normal answer) have a Jaccard of "
        "one half or more",
        "warning",
        "row",
        find_near_duplicate_rows,
    ),
    Rule(
        "question_count_outlier",
        "Every video weighs the same, so each question of a long row weighs less.",
        f"row with more than {MOST_QUESTIONS} questions",
        "warning",
        "row",
        each_row(_too_many_questions),
    ),
    Rule(
        "one_answer_row",
        "One word answers the whole row.",
        "the same normal answer stands at least twice and makes up half or more of the row's answers",
        "warning",
        "row",
        each_row(_one_answer),
    ),
    Rule(
        "row_unlike_own_video",
        "The row's words fit many other videos better than its own: it may belong elsewhere or be made up.",
        "TF-IDF similarity (words of two or more characters, logarithmic counts) of the row with the other sections' "
        f"questions and answers of a video, last rows only: {RANK_SHARE:.0%} or more of the other videos come before "
        f"its own; not looked for below {SMALLEST_BENCHMARK} videos",
        "warning",
        "row",
        find_rows_unlike_own_video,
    ),
)
