"""The table of all rules of the benchmark audit, in the order of reports."""

from __future__ import annotations

from typing import Final

from builders.audit.answers import ANSWER_RULES
from builders.audit.categories import CATEGORY_RULES
from builders.audit.cross_section import CROSS_RULES
from builders.audit.identity import IDENTITY_RULES
from builders.audit.model import SectionRule
from builders.audit.questions import QUESTION_RULES
from builders.audit.rows import ROW_RULES

__all__ = ["CROSS_RULES", "REMOVING_RULES", "SECTION_RULES"]

SECTION_RULES: Final[tuple[SectionRule, ...]] = (
    *IDENTITY_RULES,
    *QUESTION_RULES,
    *ANSWER_RULES,
    *ROW_RULES,
    *CATEGORY_RULES,
)

REMOVING_RULES: Final[tuple[SectionRule, ...]] = tuple(rule for rule in SECTION_RULES if rule.removes)
"""Rules of the clean list; where several fire on a question, the first is named as the reason."""
