"""How far bfloat16 on a device is from float32 on the same device, for all three models.

    python benchmarks/gpu/parity_bf16.py [--device cuda] [--frames 4] [--write]
    python benchmarks/gpu/parity_bf16.py --device cpu --toy

Both models have the same random weights, rounded to bfloat16 first, so that only arithmetic differs. Compared are the
logits of the prompt: the largest and the mean difference beside the spread of the logits, and how often both name the
same best token. By arithmetic a 7B model in float32 and its rounding take about 45 GB. The golden files of the
published code are float32 on a CPU; ``vdc parity`` compares those.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from benchmarks.gpu.subjects import BUILDERS
from benchmarks.gpu.timing import Run, options, publish


def compare(name: str, run: Run) -> list[str]:
    """One line of the table."""
    exact, rounded = (_logits(name, run, dtype) for dtype in (torch.float32, torch.bfloat16))
    difference = (exact - rounded).abs()
    agree = (exact.argmax(dim=-1) == rounded.argmax(dim=-1)).float().mean()
    best = exact.topk(2, dim=-1).values
    margin = (best[..., 0] - best[..., 1]).median()
    cells = [float(difference.max()), float(difference.mean()), float(exact.std()), float(margin)]
    return [name, str(exact.shape[1]), *(f"{value:.3g}" for value in cells), f"{100 * float(agree):.1f}"]


@torch.no_grad()
def _logits(name: str, run: Run, dtype: torch.dtype) -> Tensor:
    subject = BUILDERS[name](run.toy, run.frames, torch.device(run.device), torch.float32)
    model: Any = subject.model.to(torch.bfloat16).to(dtype)
    inputs = {key: _rounded(value, dtype) for key, value in subject.inputs.items()}
    logits: Tensor = model(**inputs).logits
    return logits.float().cpu()


def _rounded(value: Any, dtype: torch.dtype) -> Any:
    if isinstance(value, list):
        return [_rounded(one, dtype) for one in value]
    return value.to(torch.bfloat16).to(dtype) if value.is_floating_point() else value


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare, print, and write the page where asked."""
    run = options(__doc__, arguments, frames=4)
    intro = (
        "Logits of one prompt. With random weights the best tokens lie close together, so the last column is lower "
        "than it would be with released ones. Made by `benchmarks/gpu/parity_bf16.py`."
    )
    header = ["model", "positions", "largest difference", "mean", "spread of logits", "median margin", "same best, %"]
    table = [compare(name, run) for name in BUILDERS]
    publish("bfloat16 beside float32", intro, header, table, run, "gpu_parity_bf16.md")


if __name__ == "__main__":
    main()
