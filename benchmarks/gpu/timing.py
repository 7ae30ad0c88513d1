"""Clock, options and page that the GPU benchmarks share."""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
TABLES = ROOT / "docs" / "benchmarks"


@dataclass(frozen=True, slots=True)
class Run:
    """Options of one run.

    Args:
        device: ``cuda``, ``cuda:1`` ... or ``cpu``.
        toy: Toy sizes in place of 7B.
        repeats: Timed runs of each kind.
        frames: Frames of the video.
        write: Replace the table in docs/benchmarks.
    """

    device: str
    toy: bool
    repeats: int
    frames: int
    write: bool

    @property
    def dtype(self) -> torch.dtype:
        """bfloat16 on a GPU; float32 on a CPU, where the other is slow."""
        return torch.bfloat16 if self.device.startswith("cuda") else torch.float32

    @property
    def hardware(self) -> str:
        """The device by its own name, and the versions that decide its speed."""
        if not self.device.startswith("cuda"):
            return f"CPU, {torch.get_num_threads()} threads, torch {torch.__version__}"
        memory = torch.cuda.get_device_properties(self.device).total_memory / 2**30
        name = torch.cuda.get_device_name(self.device)
        return f"{name}, {memory:.0f} GiB, CUDA {torch.version.cuda}, torch {torch.__version__}"


def options(description: str | None, arguments: Sequence[str] | None, *, frames: int) -> Run:
    """Read the command line, and refuse what cannot be measured."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--toy", action="store_true", help="toy sizes: shows that the script runs, measures nothing")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--frames", type=int, default=frames)
    parser.add_argument("--write", action="store_true", help="replace the table in docs/benchmarks")
    given = parser.parse_args(arguments)
    if given.device.startswith("cuda") and not torch.cuda.is_available():
        sys.exit("found no GPU; expected CUDA; do next: run on a machine with one, or try --device cpu --toy")
    if given.toy and given.write:
        sys.exit("found --toy with --write; expected 7B shapes in a table; do next: leave one of the two out")
    return Run(given.device, given.toy, given.repeats, given.frames, given.write)


def seconds(work: Callable[[], object], run: Run) -> list[float]:
    """Times of a piece of work, after one run that warms up."""
    times = []
    for number in range(run.repeats + 1):
        wait(run)
        start = time.perf_counter()
        work()
        wait(run)
        if number:
            times.append(time.perf_counter() - start)
    return times


def wait(run: Run) -> None:
    """Let the GPU finish what it was given."""
    if run.device.startswith("cuda"):
        torch.cuda.synchronize(run.device)


def spread(values: Sequence[float]) -> str:
    """Median with the least and the greatest."""
    return f"{statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"


def publish(title: str, intro: str, header: Sequence[str], rows: Sequence[Sequence[str]], run: Run, name: str) -> None:
    """Print a table, and write its page where asked."""
    table = [header, ["---"] * len(header), *rows]
    size = "toy size: no measurement" if run.toy else "7B shapes, random weights"
    lines = [f"# {title}", "", f"{run.hardware}; {size}; {run.repeats} runs of each.", "", intro, ""]
    lines += [f"| {' | '.join(row)} |" for row in table]
    text = "\n".join([*lines, ""])
    sys.stdout.write(text)
    if run.write:
        (TABLES / name).write_text(text, encoding="utf-8")
