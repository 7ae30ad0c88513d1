"""One of several processes on this machine that share a list of jobs by index; started by ``on_accelerate``.

python -m torch.distributed.run --standalone --nproc-per-node N -m baselines.captioning.worker PLAN PART
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from accelerate import PartialState  # type: ignore[import-untyped, import-not-found, unused-ignore]

from baselines.captioning.local import LocalEngine
from baselines.captioning.models import open_model
from baselines.captioning.output import encode_result
from baselines.captioning.plan import WorkerPlan
from vdc.errors import VdcError


def main(plan_file: str, part: str) -> int:
    """Caption this process's share and write the results to its own file.

    Args:
        plan_file: JSON of a :class:`WorkerPlan`.
        part: Beginning of the names of the result files.

    Returns:
        The exit code.
    """
    plan = WorkerPlan.from_text(Path(plan_file).read_text(encoding="utf-8"))
    state = PartialState(cpu=plan.device == "cpu")
    share = plan.jobs[state.process_index :: state.num_processes]
    try:
        if share:
            device = plan.device or (f"cuda:{state.local_process_index}" if state.device.type == "cuda" else "cpu")
            model = open_model(plan.settings, device=device, checkpoint=plan.checkpoint)
            engine = LocalEngine(model, batch_size=plan.batch_size)
            with Path(f"{part}{state.process_index:05}.jsonl").open("ab") as file:
                for result in engine.run(share):
                    file.write(encode_result(result).encode("ascii") + b"\n")
                    file.flush()
                    os.fsync(file.fileno())
    except VdcError as error:
        sys.stderr.write(f"worker {state.process_index}: {error}\n")
        return error.exit_code
    finally:
        # without this the other processes' goodbye is reported as a fault
        state.destroy_process_group()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
