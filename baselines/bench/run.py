"""``vdc bench tokens`` for Python users."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from baselines.bench.shapes import SHAPES
from baselines.bench.table import TokenTable, add_scores, read_scores
from vdc.errors import InputError, MissingExtra, Problem, unknown_name

DEVICES: Final = ("cpu", "cuda", "none")


def bench_tokens(
    *,
    shapes: str = "toy",
    device: str = "cpu",
    repeats: int = 5,
    seed: int = 0,
    scores: Mapping[str, Path] | None = None,
    told: Callable[[str], None] | None = None,
) -> TokenTable:
    """Measure every token reduction at equal inputs.

    Args:
        shapes: One of :data:`baselines.bench.shapes.SHAPES`.
        device: ``cpu`` (float32), ``cuda`` (bfloat16), or ``none``: count tokens and operations, run nothing.
        repeats: Timed runs of each stage.
        seed: Of the random weights and the random video.
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
    if repeats < 1:
        problems.append(Problem(f"{repeats} repeats", "1 or more", "raise --repeats"))
    if problems:
        raise InputError(problems)
    try:
        import torch

        from baselines.bench.measure import count, measure
    except ImportError as error:
        raise MissingExtra("measuring token reductions", "baselines") from error
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError(Problem("no CUDA device", "a GPU that torch can use", "use --device cpu, or another machine"))
    chosen = SHAPES[shapes]
    known = read_scores(scores or {}, [reduction.name for reduction in chosen.make_reductions()])
    if device == "none":
        table = TokenTable(shapes, chosen.frames, "counted only", "-", 0, tuple(count(chosen)))
        return add_scores(table, known)
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    rows = []
    for row in measure(chosen, device=torch.device(device), dtype=dtype, repeats=repeats, seed=seed):
        rows.append(row)
        if told is not None:
            told(row.name)
    words = torch.cuda.get_device_name() if device == "cuda" else f"CPU, {torch.get_num_threads()} threads"
    table = TokenTable(shapes, chosen.frames, words, str(dtype).removeprefix("torch."), repeats, tuple(rows))
    return add_scores(table, known)
