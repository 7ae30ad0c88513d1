"""What a prediction set is, once read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vdc.sections import Section


@dataclass(frozen=True, slots=True)
class Prediction:
    """One caption by one captioner.

    Args:
        video_id: Without file extension.
        section: The section it answers to.
        caption: The text as read (lone surrogates already replaced by U+FFFD).
        line: Line, row or list position it came from, from 1; for messages.
    """

    video_id: str
    section: Section
    caption: str
    line: int


@dataclass(frozen=True)
class PredictionSet:
    """All captions of one file.

    Args:
        path: The file, as given by the user.
        format: Name of the sniffed format, for example ``jsonl`` or ``lmms-eval-samples``.
        sha256: Of the file's bytes as they lie on disk.
        captions: (video_id, section) -> prediction.
        duplicates: How many further captions were given for a key that already had one (only with ``lenient``).
        unknown: How many captions were left out because the benchmark has no such video (only with ``lenient``).
        empty: How many captions are empty or blank; they are kept.
        notes: Sentences about what was tolerated, for the report.
    """

    path: str
    format: str
    sha256: str
    captions: Mapping[tuple[str, Section], Prediction]
    duplicates: int = 0
    unknown: int = 0
    empty: int = 0
    notes: tuple[str, ...] = field(default_factory=tuple)

    @property
    def sections(self) -> frozenset[Section]:
        """Sections that have at least one caption."""
        return frozenset(section for _, section in self.captions)
