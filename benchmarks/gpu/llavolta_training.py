"""What LLaVolta's training schemes cost in time and memory per step, beside what the paper says.

    python benchmarks/gpu/llavolta_training.py [--device cuda] [--repeats 5] [--frames 1] [--write]
    python benchmarks/gpu/llavolta_training.py --device cpu --toy

Each setting of the schemes is run forward and backward at 7B shapes: one row, gradient checkpointing, the vision tower
frozen, bfloat16. The optimiser's step is left out: it is the same in every stage, and its state does not fit beside a
7B model on one card. A scheme's time is the mean over its stages, weighted by their shares; its memory is that of its
largest stage. The paper's hours are for one epoch on 8 RTX 6000 Ada, with the optimiser.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from baselines.bench.memory import peak_bytes
from baselines.llavolta.schemes import Scheme, schemes
from baselines.llavolta.setting import Compression
from benchmarks.gpu.subjects import BUILDERS
from benchmarks.gpu.timing import Run, options, publish, seconds, spread

UNCOMPRESSED = "reproduce"


@dataclass(frozen=True, slots=True)
class Step:
    """One training step with one setting.

    Args:
        times: Seconds of each run.
        peak: Bytes beyond the weights.
    """

    times: tuple[float, ...]
    peak: int


def measure(run: Run) -> dict[Compression, Step]:
    """A step with each setting that any scheme has."""
    subject = BUILDERS["llavolta"](run.toy, run.frames, torch.device(run.device), run.dtype)
    model: Any = subject.model
    model.model.vision_tower.requires_grad_(False)
    model.train()
    model.activation_checkpointing_enable()
    labels = subject.inputs["input_ids"].clone()
    labels[labels < 0] = -100
    settings = {stage.compression for scheme in schemes().values() for stage in scheme.schedule.stages}

    def step(setting: Compression) -> None:
        model(**subject.inputs, labels=labels, compression=setting).loss.backward()
        model.zero_grad(set_to_none=True)

    made = {}
    for setting in sorted(settings, key=lambda one: (one.grouping, one.layer, one.stride)):
        times = seconds(lambda chosen=setting: step(chosen), run)  # type: ignore[misc]
        peak = peak_bytes(lambda chosen=setting: step(chosen), torch.device(run.device))  # type: ignore[misc]
        made[setting] = Step(tuple(times), peak)
    return made


def scheme_seconds(scheme: Scheme, steps: dict[Compression, Step]) -> list[float]:
    """Mean seconds of a step over the whole training, run by run."""
    stages = scheme.schedule.stages
    turns = zip(*(steps[stage.compression].times for stage in stages), strict=True)
    return [sum(float(stage.share) * one for stage, one in zip(stages, turn, strict=True)) for turn in turns]


def rows(steps: dict[Compression, Step]) -> list[list[str]]:
    """One line per scheme."""
    known = schemes()
    plain = statistics.median(scheme_seconds(known[UNCOMPRESSED], steps))
    hours = known[UNCOMPRESSED].published["train_hours"]
    table = []
    for name, scheme in known.items():
        times = scheme_seconds(scheme, steps)
        peak = max(steps[stage.compression].peak for stage in scheme.schedule.stages) / 2**30
        published = scheme.published.get("train_hours")
        theirs = "-" if published is None else f"{published / hours:.2f} ({published} of {hours} h)"
        ratio = statistics.median(times) / plain
        table.append([name, spread(times), f"{ratio:.2f}", theirs, f"{peak:.2f}"])
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write the page where asked."""
    run = options(__doc__, arguments, frames=1)
    intro = (
        "One row with gradient checkpointing, vision tower frozen, without the optimiser's step, which is the same in "
        "every stage. `of none` is the time beside no compression. Made by `benchmarks/gpu/llavolta_training.py`."
    )
    header = ["scheme", "step, s", "of none: here", "of none: paper", "peak beyond the weights, GiB"]
    publish("LLaVolta: training steps on a GPU", intro, header, rows(measure(run)), run, "gpu_llavolta_training.md")


if __name__ == "__main__":
    main()
