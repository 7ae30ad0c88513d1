"""What every step is given, and what it gives back."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builders.benchmark.config import BuildConfig, ConfigFile
from builders.benchmark.engine import Engine
from builders.benchmark.model import Dropped, Row

if TYPE_CHECKING:
    from builders.benchmark.calls import Model


@dataclass(frozen=True, slots=True)
class Context:
    """A build under way.

    Args:
        file: The configuration.
        folder: The build's folder.
        engine: For work on many videos.
        model: The server that captions and asks, found out on first use.
        told: Receives lines for people.
    """

    file: ConfigFile
    folder: Path
    engine: Engine
    model: Callable[[], Model]
    told: Callable[[str], None]

    @property
    def config(self) -> BuildConfig:
        """The checked configuration."""
        return self.file.config

    def relative(self, path: Path) -> str:
        """A path as manifests hold it: relative to the build's folder, with forward slashes."""
        return Path(os.path.relpath(path, self.folder)).as_posix()

    def counter(self, words: str, total: int) -> Callable[[int], None]:
        """Tells about every tenth part of ``total`` done, and of small totals nothing."""
        step = max(10, total // 10)

        def count(done: int) -> None:
            if done % step == 0 and done < total:
                self.told(f"  {words}: {done:,} of {total:,}")

        return count


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """What a step made of what it was given.

    Args:
        taken: How many it was given.
        rows: What it passes on.
        dropped: What it does not, with the reasons.
        notes: Further counts.
    """

    taken: int
    rows: Sequence[Row]
    dropped: Sequence[Dropped] = ()
    notes: Mapping[str, int] = field(default_factory=dict)


Settings = Mapping[str, Any]
"""JSON values that decide, with the input manifests, what a step makes."""
