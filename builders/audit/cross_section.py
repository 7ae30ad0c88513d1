"""Sections against each other: do the questions of one section ask about the content of another?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final

from builders.audit.model import AuditTables, CrossRule, Finding, Rule, WordOverlap
from vdc.benchmark.normalise import jaccard
from vdc.sections import SECTIONS, Section

UNRELATED_QUANTILE: Final = 0.99


def word_overlap(tables: AuditTables) -> Mapping[tuple[Section, Section], WordOverlap]:
    """Overlap of content words for every ordered pair of sections; the control of the two orders differs.

    The control compares video number i of the sorted common ids in the first section with number i + 1 (the last with
    the first) in the second one.
    """
    result: dict[tuple[Section, Section], WordOverlap] = {}
    for first in tables.sections:
        for second in tables.sections:
            ids = common_ids(tables, first, second)
            if first != second and ids:
                same = [jaccard(tables.words[first][video], tables.words[second][video]) for video in ids]
                result[first, second] = WordOverlap(
                    len(ids),
                    round(math.fsum(same) / len(ids), 4),
                    round(math.fsum(unrelated_overlaps(tables, first, second)) / len(ids), 4),
                )
    return result


def common_ids(tables: AuditTables, first: Section, second: Section) -> list[str]:
    """Sorted ids that both sections have."""
    return sorted(tables.video_ids[first] & tables.video_ids[second])


def unrelated_overlaps(tables: AuditTables, first: Section, second: Section) -> list[float]:
    """Jaccard of content words of each common video in ``first`` with the next one, cyclic, in ``second``."""
    ids = common_ids(tables, first, second)
    return [
        jaccard(tables.words[first][video], tables.words[second][following])
        for video, following in zip(ids, ids[1:] + ids[:1], strict=True)
    ]


def find_background_about_main_object(tables: AuditTables) -> Iterator[Finding]:
    """Background rows whose words are those of the main-object row."""
    if not {"background", "main_object"} <= set(tables.sections):
        return
    unrelated = sorted(unrelated_overlaps(tables, "background", "main_object"))
    if len(unrelated) < 2:
        return
    chance = unrelated[math.ceil(UNRELATED_QUANTILE * len(unrelated)) - 1]
    others = [section for section in tables.sections if section not in ("background", "main_object")]
    for video in common_ids(tables, "background", "main_object"):
        words = tables.words["background"][video]
        overlap = jaccard(words, tables.words["main_object"][video])
        next_best = max((jaccard(words, tables.words[other].get(video, frozenset())) for other in others), default=0.0)
        if overlap > chance and overlap >= 2 * next_best:
            detail = f"overlap {overlap:.2f} with main_object, at most {next_best:.2f} with the other sections"
            yield Finding(video, tables.last_rows["background"][video].line, None, detail)


def find_absent_sections(tables: AuditTables) -> Iterator[Finding]:
    """Sections without a file."""
    for section in SECTIONS:
        if section not in tables.rows:
            yield Finding("", None, None, f"no questions for {section}")


CROSS_RULES: Final[tuple[CrossRule, ...]] = (
    Rule(
        "background_about_main_object",
        "Background questions that ask about the main object reward captions of the wrong section.",
        "background rows whose content words overlap with the main_object row of the same video (Jaccard) more than "
        f"the {UNRELATED_QUANTILE:.2f} quantile of unrelated videos, and at least twice as much as with any other "
        "section; last rows only",
        "warning",
        "row",
        find_background_about_main_object,
    ),
    Rule(
        "absent_section",
        "Without all five sections there is no average.",
        "sections that have no file",
        "warning",
        "file",
        find_absent_sections,
    ),
)
