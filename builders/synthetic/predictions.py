"""What a user asks for with ``--predictions``: named prediction sets of known quality."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vdc.errors import InputError, Problem
from vdc.sections import SECTIONS, Section, find_section

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
FORM = "NAME=RECALL:PRECISION[,SECTION=RECALL:PRECISION...] with numbers from 0 to 1"


@dataclass(frozen=True, slots=True)
class PredictionRequest:
    """One prediction set to write.

    Args:
        name: Of its files; letters, digits, ``-`` and ``_``.
        recall: Section -> share of the asked facts that are stated.
        precision: Section -> share of the stated facts that are right.
    """

    name: str
    recall: Mapping[Section, float]
    precision: Mapping[Section, float]


def parse_requests(texts: Sequence[str]) -> tuple[PredictionRequest, ...]:
    """Read ``NAME=RECALL:PRECISION``, with other values for single sections after commas.

    Example: ``strong=0.9:0.95,short=0.5:1`` is 0.9 and 0.95 everywhere but in ``short``.

    Raises:
        InputError: A text has another form or a name stands twice; all such texts are listed.
    """
    problems: list[Problem] = []
    requests: list[PredictionRequest] = []
    for text in texts:
        request = _parse(text)
        if request is None:
            problems.append(Problem(f"--predictions {text!r}", FORM, "for example --predictions strong=0.9:0.95"))
        elif any(other.name == request.name for other in requests):
            problems.append(Problem(f"name {request.name!r} twice", "a name for each set", "rename one of them"))
        else:
            requests.append(request)
    if problems:
        raise InputError(problems)
    return tuple(requests)


def _parse(text: str) -> PredictionRequest | None:
    first, *others = text.split(",")
    name, _, shares = first.partition("=")
    base = _parse_shares(shares)
    if not _NAME.fullmatch(name) or base is None:
        return None
    by_section = dict.fromkeys(SECTIONS, base)
    for other in others:
        section_name, _, shares = other.partition("=")
        section, own = find_section(section_name), _parse_shares(shares)
        if section is None or own is None:
            return None
        by_section[section] = own
    return PredictionRequest(
        name,
        {section: recall for section, (recall, _) in by_section.items()},
        {section: precision for section, (_, precision) in by_section.items()},
    )


def _parse_shares(text: str) -> tuple[float, float] | None:
    recall, _, precision = text.partition(":")
    try:
        shares = float(recall), float(precision)
    except ValueError:
        return None
    return shares if all(0 <= share <= 1 for share in shares) else None
