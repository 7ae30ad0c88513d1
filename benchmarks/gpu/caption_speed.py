"""How fast the three models caption: time to the first token, tokens a second, memory.

    python benchmarks/gpu/caption_speed.py [--device cuda] [--repeats 5] [--frames 8] [--write]
    python benchmarks/gpu/caption_speed.py --device cpu --toy

One video of random frames at a time, random weights at 7B shapes, greedy, 128 new tokens whatever they are. AuroraCap
keeps a fifth of its visual tokens, LLaVolta compresses before layer 2 to an eighth, LLaMA-VID has two tokens a frame.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch

from baselines.bench.memory import peak_bytes
from benchmarks.gpu.subjects import BUILDERS, Subject
from benchmarks.gpu.timing import Run, options, publish, seconds, spread

NEW = 128
"""Tokens of a caption."""


def measure(subject: Subject, run: Run) -> list[str]:
    """One line of the table."""
    new = 8 if run.toy else NEW
    first, whole = seconds(partial(_caption, subject, 1), run), seconds(partial(_caption, subject, new), run)
    rest = statistics.median(whole) - statistics.median(first)
    rate = (new - 1) / rest if rest > 0 else float("nan")
    weights = sum(parameter.numel() * parameter.element_size() for parameter in subject.model.parameters())
    work: Callable[[], Any] = partial(_caption, subject, new)
    peak = peak_bytes(work, torch.device(run.device))
    gibibytes = (f"{size / 2**30:.2f}" for size in (weights, peak))
    return [subject.name, spread(first), f"{rate:.1f}", spread(whole), *gibibytes]


def _caption(subject: Subject, new: int) -> Any:
    return subject.model.generate(**subject.inputs, max_new_tokens=new, min_new_tokens=new, do_sample=False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write the page where asked."""
    run = options(__doc__, arguments, frames=8)
    intro = (
        f"One video of {run.frames} frames, from pixels in memory; tokens a second are those behind the first. "
        "Made by `benchmarks/gpu/caption_speed.py`."
    )
    header = [
        "model",
        "to the first token, s",
        "tokens a second",
        "whole caption, s",
        "weights, GiB",
        "peak beyond, GiB",
    ]
    table = [
        measure(build(run.toy, run.frames, torch.device(run.device), run.dtype), run) for build in BUILDERS.values()
    ]
    publish("Captioning speed on a GPU", intro, header, table, run, "gpu_caption_speed.md")


if __name__ == "__main__":
    main()
