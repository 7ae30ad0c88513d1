"""What a captioning run will do: which captions are missing, and what travels to the processes that write them."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from baselines.captioning.checkpoints import Checkpoint
from baselines.captioning.instructions import InstructionSet
from baselines.captioning.output import Key
from baselines.captioning.types import CaptionJob, Clip, ModelSettings
from vdc.sections import SECTIONS, Section

EngineName = Literal["local", "accelerate", "ray"]
ENGINES: Final[tuple[EngineName, ...]] = ("local", "accelerate", "ray")


def missing_jobs(
    clips: Sequence[Clip],
    sections: Collection[Section],
    instructions: InstructionSet,
    seed: int,
    done: Collection[Key],
) -> list[CaptionJob]:
    """A job per clip that lacks captions, in the order of the clips."""
    wanted = [(section, instructions.instruction(section, seed)) for section in SECTIONS if section in sections]
    jobs = []
    for clip in clips:
        left = tuple((section, text) for section, text in wanted if (clip.video_id, section) not in done)
        if left:
            jobs.append(CaptionJob(clip, left))
    return jobs


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """What a worker in another process needs.

    Args:
        settings: Model and decoding.
        checkpoint: Where the model lies; seen from every machine.
        batch_size: Clips captioned together.
        device: As :func:`baselines.captioning.models.open_model`; None takes the worker's own GPU.
        jobs: All jobs; workers share them by index.
    """

    settings: ModelSettings
    checkpoint: Checkpoint
    batch_size: int
    device: str | None
    jobs: tuple[CaptionJob, ...] = ()

    def to_text(self) -> str:
        """As JSON."""
        jobs = [encode_job(job) for job in self.jobs]
        return json.dumps(
            {
                "settings": asdict(self.settings),
                "checkpoint": asdict(self.checkpoint),
                "batch_size": self.batch_size,
                "device": self.device,
                "jobs": jobs,
            }
        )

    @classmethod
    def from_text(cls, text: str) -> WorkerPlan:
        """The inverse of :meth:`to_text`."""
        table: dict[str, Any] = json.loads(text)
        return cls(
            settings=ModelSettings(**table["settings"]),
            checkpoint=Checkpoint(**table["checkpoint"]),
            batch_size=table["batch_size"],
            device=table["device"],
            jobs=tuple(decode_job(job) for job in table["jobs"]),
        )


def encode_job(job: CaptionJob) -> dict[str, Any]:
    """A job as JSON values."""
    path = None if job.clip.path is None else str(job.clip.path)
    return {"video_id": job.clip.video_id, "path": path, "instructions": [list(pair) for pair in job.instructions]}


def decode_job(table: dict[str, Any]) -> CaptionJob:
    """The inverse of :func:`encode_job`."""
    clip = Clip(table["video_id"], None if table["path"] is None else Path(table["path"]))
    return CaptionJob(clip, tuple((section, text) for section, text in table["instructions"]))
