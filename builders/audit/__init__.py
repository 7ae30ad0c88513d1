"""The audit of a benchmark: named rules over the files as they are, and the clean list that follows from them."""

from builders.audit.board_audit import audit_board, board_json
from builders.audit.clean_list import make_clean_list
from builders.audit.run import audit_benchmark, audit_json

__all__ = [
    "audit_benchmark",
    "audit_board",
    "audit_json",
    "board_json",
    "make_clean_list",
]
