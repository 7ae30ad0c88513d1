"""Captioning on many machines with Ray Data: every worker loads the model once and is fed clips.

Videos and checkpoint must lie under the same path on all machines (a common folder, or a Hub name).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from baselines.captioning.output import decode_result, encode_result
from baselines.captioning.plan import WorkerPlan, decode_job, encode_job
from baselines.captioning.types import CaptionJob, ClipCaptions
from vdc.errors import MissingExtra


class RayEngine:
    """Runs jobs on a Ray cluster; see :class:`baselines.captioning.types.CaptionEngine`.

    Args:
        plan: What the workers need, without jobs.
        workers: How many; None takes one per GPU of the cluster, or one where it has none.

    Raises:
        MissingExtra: Ray is not installed.
    """

    def __init__(self, plan: WorkerPlan, workers: int | None = None) -> None:
        if find_spec("ray") is None:
            raise MissingExtra("the engine ray", "ray")
        self._plan = plan
        self._workers = workers

    def facts(self) -> dict[str, Any]:
        """What identifies the model."""
        return self._plan.checkpoint.facts()

    def run(self, jobs: Sequence[CaptionJob]) -> Iterator[ClipCaptions]:
        """Results in the order in which the workers finish them."""
        if not jobs:
            return
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray  # type: ignore[import-not-found, unused-ignore]
        import ray.data  # type: ignore[import-not-found, unused-ignore]

        if not ray.is_initialized():
            ray.init(log_to_driver=False)
        ray.data.DataContext.get_current().enable_progress_bars = False
        gpus = 0 if self._plan.device == "cpu" else int(ray.cluster_resources().get("GPU", 0))
        # a block per clip: a block is what a lost machine has to repeat
        rows = ray.data.from_items(
            [{"job": json.dumps(encode_job(job))} for job in jobs], override_num_blocks=len(jobs)
        )
        done = rows.map_batches(
            CaptionWorker,
            fn_constructor_args=(self._plan.to_text(),),
            batch_size=self._plan.batch_size,
            compute=ray.data.ActorPoolStrategy(size=min(len(jobs), self._workers or gpus or 1)),
            num_gpus=1 if gpus else 0,
        )
        for row in done.iter_rows():
            yield decode_result(str(row["result"]))


class CaptionWorker:
    """What Ray runs on a machine.

    Args:
        plan: JSON of a :class:`WorkerPlan` without jobs.
    """

    def __init__(self, plan: str) -> None:
        from baselines.captioning.local import LocalEngine
        from baselines.captioning.models import open_model

        known = WorkerPlan.from_text(plan)
        model = open_model(known.settings, device=known.device, checkpoint=known.checkpoint)
        self._engine = LocalEngine(model, batch_size=known.batch_size)

    def __call__(self, batch: Mapping[str, Sequence[Any]]) -> dict[str, list[str]]:
        """Caption a batch of jobs."""
        jobs = [decode_job(json.loads(str(text))) for text in batch["job"]]
        return {"result": [encode_result(result) for result in self._engine.run(jobs)]}
