"""The audit of a published board file, and its stable JSON form."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from builders.audit.board import Board, read_board
from builders.audit.board_rules import BOARD_RULES
from builders.audit.model import SHOWN_ITEMS, Finding
from vdc.fileio import FileBytes

SCHEMA_VERSION: Final = 1


@dataclass(frozen=True)
class BoardAudit:
    """The audit of a board.

    Args:
        board: The board.
        findings: Rule id -> findings; their ``line`` is the row number from 0, ``video_id`` the model.
    """

    board: Board
    findings: Mapping[str, Sequence[Finding]]


def audit_board(source: str | os.PathLike[str] | FileBytes) -> BoardAudit:
    """Audit a published board file.

    Args:
        source: A path, or content already read.

    Raises:
        InputError: See :func:`read_board`. What the rules find is no error.
    """
    board = read_board(source)
    return BoardAudit(board, {rule.id: list(rule.find(board)) for rule in BOARD_RULES})


def board_json(audit: BoardAudit) -> dict[str, Any]:
    """The audit of a board as JSON value, in the form of the benchmark's."""
    rules = {
        rule.id: {
            "severity": rule.severity,
            "count": len(audit.findings[rule.id]),
            "items": [_item(finding) for finding in audit.findings[rule.id][:SHOWN_ITEMS]],
        }
        for rule in BOARD_RULES
    }
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "board",
        "board": {
            "name": audit.board.name,
            "sha256": audit.board.sha256,
            "rows": len(audit.board.rows),
            "rules": rules,
        },
    }


def _item(finding: Finding) -> dict[str, Any]:
    return {"model": finding.video_id, "row": finding.line, "detail": finding.detail}
