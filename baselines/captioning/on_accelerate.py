"""Data parallel captioning on one machine: a process per GPU, or several on the CPU."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from baselines.captioning.output import PART, beside, decode_result, part_files
from baselines.captioning.plan import WorkerPlan
from baselines.captioning.types import CaptionJob, ClipCaptions
from vdc.errors import InputError, MissingExtra, Problem, RunFailed

_POLL_S: Final = 0.2
_STOP_S: Final = 15.0


class AccelerateEngine:
    """Starts worker processes and passes on what they write; see :class:`baselines.captioning.types.CaptionEngine`.

    Each worker keeps its results in a file of its own beside the predictions, so that nothing is lost when this process
    is killed.

    Args:
        plan: What the workers need, without jobs.
        out: The predictions file.
        processes: Workers; None takes one per GPU, or one on a machine without.

    Raises:
        MissingExtra: accelerate is not installed.
    """

    def __init__(self, plan: WorkerPlan, out: Path, processes: int | None = None) -> None:
        if find_spec("accelerate") is None:
            raise MissingExtra("the engine accelerate", "baselines")
        if plan.device is not None and plan.device not in ("cpu", "cuda"):
            raise InputError(
                Problem(f"--device {plan.device} with several processes", "cpu, or nothing", "leave --device out")
            )
        self._plan = plan if plan.device == "cpu" else replace(plan, device=None)
        self._out = out
        self._processes = processes or _gpu_count() or 1

    def facts(self) -> dict[str, Any]:
        """What identifies the model."""
        return self._plan.checkpoint.facts()

    def run(self, jobs: Sequence[CaptionJob]) -> Iterator[ClipCaptions]:
        """Results in the order in which the workers finish them.

        Raises:
            RunFailed: A worker ended before its share was done; its own message is on stderr.
        """
        with tempfile.TemporaryDirectory(prefix="vdc-caption-") as folder:
            plan_file = Path(folder) / "plan.json"
            plan_file.write_text(replace(self._plan, jobs=tuple(jobs)).to_text(), encoding="utf-8")
            part = beside(self._out, PART).resolve()
            process = subprocess.Popen(  # noqa: S603
                self._command(plan_file, part), stdin=subprocess.DEVNULL, env=self._environment()
            )
            tails = _Tails(self._out)
            try:
                while process.poll() is None:
                    yield from tails.new_results()
                    time.sleep(_POLL_S)
                yield from tails.new_results()
            finally:
                _stop(process)
        if process.returncode != 0:
            raise RunFailed(
                f"found that the workers ended with code {process.returncode}; expected every job done; do next: read "
                "what they wrote above, then repeat the command (it goes on where it was)"
            )
        for path in part_files(self._out):
            path.unlink()

    def _environment(self) -> dict[str, str]:
        # the launcher would otherwise give each process one thread and print a page about it
        threads = max(1, (os.cpu_count() or 1) // self._processes)
        return {"OMP_NUM_THREADS": str(threads), **os.environ}

    def _command(self, plan_file: Path, part: Path) -> list[str]:
        launcher = [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--standalone",
            f"--nproc-per-node={self._processes}",
        ]
        return [*launcher, "-m", "baselines.captioning.worker", str(plan_file), str(part)]


class _Tails:
    """Reads files of workers while they grow."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._rest: dict[Path, tuple[int, bytes]] = {}

    def new_results(self) -> Iterator[ClipCaptions]:
        for path in part_files(self._out):
            offset, rest = self._rest.get(path, (0, b""))
            with path.open("rb") as file:
                file.seek(offset)
                data = file.read()
            *lines, unfinished = (rest + data).split(b"\n")
            self._rest[path] = (offset + len(data), unfinished)
            for line in lines:
                yield decode_result(line.decode("ascii"))


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_S)
    if process.poll() is None:
        process.kill()
        process.wait()


def _gpu_count() -> int:
    import torch

    return torch.cuda.device_count()
