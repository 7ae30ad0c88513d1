"""The table of steps, in their order: what each needs, what decides its result, and what it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from builders.benchmark.auditing import audit_settings, run_audit
from builders.benchmark.captioning import caption_settings, run_captions
from builders.benchmark.clips import clip_settings, run_clips
from builders.benchmark.context import Context, Settings, StepOutcome
from builders.benchmark.key_frames import frame_settings, run_frames
from builders.benchmark.model import Clip, ClipFrames, SourceVideo, StepName
from builders.benchmark.publishing import publish_settings, run_publish
from builders.benchmark.questioning import question_settings, run_questions
from builders.benchmark.reviewing import review_settings, run_review
from builders.benchmark.sources import run_sources, source_settings


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Args:
        name: Its name, and that of its folder.
        needs: Steps whose manifests it reads.
        settings: JSON values that decide its result beside those manifests.
        run: Does it.
        version: Raised when the step makes something else of the same input.
        rows_with_files: Type of its rows where each names a file that must be there; None otherwise.
    """

    name: StepName
    needs: tuple[StepName, ...]
    settings: Callable[[Context], Settings]
    run: Callable[[Context], StepOutcome]
    version: int = 1
    rows_with_files: type[SourceVideo] | type[Clip] | type[ClipFrames] | None = None


STEPS: Final[tuple[Step, ...]] = (
    Step("sources", (), source_settings, run_sources, rows_with_files=SourceVideo),
    Step("clips", ("sources",), clip_settings, run_clips, rows_with_files=Clip),
    Step("frames", ("clips",), frame_settings, run_frames, rows_with_files=ClipFrames),
    Step("captions", ("clips", "frames"), caption_settings, run_captions),
    Step("questions", ("captions",), question_settings, run_questions),
    Step("audit", ("questions",), audit_settings, run_audit),
    Step("review", ("audit",), review_settings, run_review),
    Step("publish", ("review", "clips"), publish_settings, run_publish),
)

STEP_NAMES: Final[tuple[StepName, ...]] = tuple(step.name for step in STEPS)
