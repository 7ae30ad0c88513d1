"""What a submitter says about a submission: checked, and made into the key that recognises it again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Final

from leaderboard.benchmarks import Benchmarks
from leaderboard.db.models import SubmissionKind
from leaderboard.intake import PREDICTIONS, RUN_RECORD, VERDICTS
from leaderboard.names import check_text, check_url, slug_of
from leaderboard.tokens import Holder
from leaderboard.views import NewSubmission
from vdc.errors import InputError, Problem
from vdc.sections import parse_section

_NEEDED: Final = {SubmissionKind.PREDICTIONS: {PREDICTIONS}, SubmissionKind.RUN: {RUN_RECORD, VERDICTS}}
_MAX_NUMBER: Final = 10_000_000


def check_details(new: NewSubmission, benchmarks: Benchmarks) -> dict[str, object]:
    """Everything the submitter said, checked.

    Raises:
        InputError: The files are not those of its kind, or a value cannot be used; all that is wrong at once.
    """
    problems: list[Problem] = []
    details: dict[str, object] = {}
    roles = {file.role for file in new.files}
    allowed = _NEEDED[new.kind] | {PREDICTIONS}
    if not _NEEDED[new.kind] <= roles or not roles <= allowed:
        found = f"the files {', '.join(sorted(roles)) or 'none'} for a submission of kind {new.kind}"
        expected = " and ".join(sorted(_NEEDED[new.kind]))
        problems.append(Problem(found, expected, "send these files under these names"))
    for name, value in (("frames", new.frames), ("tokens_per_frame", new.tokens_per_frame)):
        if value is not None and not 0 < value <= _MAX_NUMBER:
            problems.append(Problem(f"{name} = {value}", "a number above 0", "correct it, or leave it out"))
        details[name] = value
    try:
        if new.benchmark is not None and new.benchmark not in benchmarks.names:
            benchmarks.load(new.benchmark)
        details["section"] = None if new.section is None else parse_section(new.section, "section")
        details["note"] = check_text(new.note, "note")
        details["model_url"] = check_url(new.model_url, "model_url")
    except InputError as error:
        problems += error.problems
    if problems:
        raise InputError(problems)
    return details


def content_key(holder: Holder, name: str, new: NewSubmission, details: dict[str, object]) -> str:
    """Hash over what was handed in and by whom: the same again is the same submission."""
    files: Sequence[tuple[str, str]] = sorted((file.role, file.sha256) for file in new.files)
    parts = [holder.token_id, new.kind, slug_of(name), files, new.benchmark, details["section"], new.private]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
