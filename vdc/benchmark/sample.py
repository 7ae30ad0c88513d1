"""Where the bundled sample lies: invented videos, their captions and questions, and two sets of predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from vdc.errors import InputError, unknown_name

SAMPLE_FOLDER: Final = Path(__file__).parent.parent / "sample"

SAMPLE_FILES: Final[dict[str, str]] = {
    "benchmark": "",
    "strong": "predictions_strong.jsonl",
    "weak": "predictions_weak.jsonl",
}
"""What the sample holds -> its path below the sample's folder."""


def sample_path(name: str = "benchmark") -> Path:
    """Path of a part of the bundled sample.

    Args:
        name: ``benchmark`` (a folder in the published layout), ``strong`` or ``weak`` (files of captions).

    Raises:
        InputError: Another name; lists the valid ones.
    """
    if name not in SAMPLE_FILES:
        raise InputError(unknown_name("sample file", name, SAMPLE_FILES))
    return SAMPLE_FOLDER / SAMPLE_FILES[name]
