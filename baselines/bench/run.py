"""``vdc bench tokens`` for Python users."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from baselines.bench.shapes import SHAPES
from baselines.bench.table import TokenTable, add_scores, read_scores
from vdc.errors import InputError, MissingExtra, Problem, unknown_name

if TYPE_CHECKING:
    from baselines.bench.measure import Measurement

DEVICES: Final = ("cpu", "cuda", "none")
CLOCKS: Final[dict[str, Callable[[], float]]] = {"wall": time.perf_counter, "processor": time.process_time}
"""Name -> seconds. The processor's leave out what other programs take; with several threads they add up."""


def bench_tokens(
    *,
    shapes: str = "toy",
    device: str = "cpu",
    repeats: int = 5,
    seed: int = 0,
    clock: str = "wall",
    scores: Mapping[str, Path] | None = None,
    told: Callable[[str], None] | None = None,
) -> TokenTable:
    """Measure every token reduction at equal inputs.

    Args:
        shapes: One of :data:`baselines.bench.shapes.SHAPES`.
        device: ``cpu`` (float32), ``cuda`` (bfloat16), or ``none``: count tokens and operations, run nothing.
        repeats: Timed runs of each stage.
        seed: Of the random weights and the random video.
        clock: ``wall``, or ``processor`` for a busy machine; see :data:`CLOCKS`.
        scores: Name of a reduction -> run folder of ``vdc score`` whose average belongs to it.
        told: Given the name of each reduction when it is done.

    Raises:
        InputError: Unknown shape or device, no GPU, or runs that cannot be used.
        MissingExtra: torch or transformers is not installed.
    """
    problems = []
    if shapes not in SHAPES:
        problems.append(unknown_name("shape", shapes, SHAPES))
    if device not in DEVICES:
        problems.append(unknown_name("device", device, DEVICES))
    if clock not in CLOCKS:
        problems.append(unknown_name("clock", clock, CLOCKS))
    if clock == "processor" and device == "cuda":
        problems.append(Problem("--clock processor on a GPU", "--clock wall", "the processor only waits for a GPU"))
    if repeats < 1:
        problems.append(Problem(f"{repeats} repeats", "1 or more", "raise --repeats"))
    if problems:
        raise InputError(problems)
    try:
        import torch

        from baselines.bench.every_line import make_lines
        from baselines.bench.measure import count, measure
        from baselines.bench.training_schemes import scheme_rows
    except ImportError as error:
        raise MissingExtra("measuring token reductions", "baselines") from error
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError(Problem("no CUDA device", "a GPU that torch can use", "use --device cpu, or another machine"))
    chosen = SHAPES[shapes]
    known = read_scores(scores or {}, [line.name for line in make_lines(chosen)])

    def table_of(words: str, dtype: str, repeats: int, rows: Sequence[Measurement]) -> TokenTable:
        made = TokenTable(shapes, chosen.frames, words, dtype, repeats, tuple(rows), scheme_rows(chosen, rows))
        return add_scores(made, known)

    if device == "none":
        return table_of("counted only", "-", 0, list(count(chosen)))
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    rows = []
    where = torch.device(device)
    for row in measure(chosen, device=where, dtype=dtype, repeats=repeats, seed=seed, clock=CLOCKS[clock]):
        rows.append(row)
        if told is not None:
            told(row.name)
    threads = torch.get_num_threads()
    words = torch.cuda.get_device_name() if device == "cuda" else f"CPU, {threads} thread{'s' if threads > 1 else ''}"
    if clock == "processor":
        words += ", processor time"
    return table_of(words, str(dtype).removeprefix("torch."), repeats, rows)
