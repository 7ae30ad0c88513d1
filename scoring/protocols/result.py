"""What a protocol returns: per-video values, and what it left out and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from scoring.protocols.table import FloatArray
from vdc.sections import SECTIONS, Section

Metric = Literal["accuracy", "score"]
METRICS: tuple[Metric, ...] = ("accuracy", "score")


@dataclass(frozen=True, slots=True)
class SectionResult:
    """One section under one protocol.

    Args:
        accuracy: (videos,) share of matches, 0 to 1; NaN = the video is not counted.
        score: (videos,) mean score; NaN = not counted.
        questions: Questions of the counted videos that entered the means.
        dropped: Reason -> videos of the section that are not counted.
        left_out: Reason -> questions of counted videos that did not enter the means.
        would_crash: Videos over which the published code would have ended its run.
        printed: Metric -> the number as the published code prints it, where it prints rounded.
    """

    accuracy: FloatArray
    score: FloatArray
    questions: int
    dropped: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    would_crash: int = 0
    printed: Mapping[str, str] = field(default_factory=dict)

    @property
    def videos(self) -> int:
        """Videos counted."""
        return int(np.count_nonzero(~np.isnan(self.accuracy)))

    @property
    def dropped_videos(self) -> int:
        """Videos of the section that are not counted, for any reason."""
        return sum(self.dropped.values())

    def mean(self, metric: Metric) -> float | None:
        """Plain mean over the counted videos; None when none is counted."""
        values = self.values(metric)
        counted = values[~np.isnan(values)]
        return float(counted.mean()) if counted.size else None

    def values(self, metric: Metric) -> FloatArray:
        """(videos,) the per-video values of a metric."""
        return self.accuracy if metric == "accuracy" else self.score


@dataclass(frozen=True, slots=True)
class ProtocolResult:
    """A verdict table under one protocol.

    Args:
        protocol: Its name.
        version: Of the rule; raised when a number could change.
        videos: Ids, the order of every per-video array.
        sections: In the order of ``SECTIONS``.
        printed: Metric -> one number over all sections, where the published code prints such a number.
    """

    protocol: str
    version: int
    videos: tuple[str, ...]
    sections: Mapping[Section, SectionResult]
    printed: Mapping[str, str] = field(default_factory=dict)

    def average(self, metric: Metric) -> float | None:
        """Mean of the five section means; None unless all five are there."""
        means = [self.sections[section].mean(metric) for section in SECTIONS if section in self.sections]
        known = [mean for mean in means if mean is not None]
        return sum(known) / len(SECTIONS) if len(known) == len(SECTIONS) else None

    def matrix(self, metric: Metric) -> FloatArray:
        """(videos, sections) per-video values, NaN = not counted."""
        return np.column_stack([result.values(metric) for result in self.sections.values()])
