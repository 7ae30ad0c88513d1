"""Peak memory of a piece of work: what it allocates beyond what was there before."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import torch

Result = TypeVar("Result")


def peak_bytes(work: Callable[[], Result], device: torch.device) -> int:
    """Most bytes of tensors that live at once while the work runs, beyond those that lived before it.

    On a GPU by the allocator's own count; on the CPU by the profiler's record of every allocation.

    Args:
        work: Run once.
        device: Where it runs.
    """
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        before = torch.cuda.memory_allocated(device)
        torch.cuda.reset_peak_memory_stats(device)
        work()
        torch.cuda.synchronize(device)
        return int(torch.cuda.max_memory_allocated(device) - before)
    # the profiler announces every start and stop on stderr
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        kept = work()
    del kept
    events: Any = record.profiler.kineto_results.events()  # type: ignore[union-attr]
    moments = sorted((event.start_ns(), event.nbytes()) for event in events if event.name() == "[memory]")
    living = peak = 0
    for _, change in moments:
        living += change
        peak = max(peak, living)
    return peak
