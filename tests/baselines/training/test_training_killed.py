"""One run that is really killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

from baselines.training.curve import CURVE
from baselines.training.inputs import TrainOptions
from baselines.training.recipe_files import load_recipe
from baselines.training.run import train

CHANGES = [
    "max_steps=12",
    "save_every=2",
    "llavolta={stages: [{layer: 1, stride: 8, share: 1/2}, {layer: null, share: 1/2}]}",
]

PROGRAM = """
import sys, time
from pathlib import Path
import torch
torch.set_num_threads(1)
from baselines.training.inputs import TrainOptions
from baselines.training.recipe_files import load_recipe
from baselines.training.run import train
model, data, media, out, *changes = sys.argv[1:]
recipe = load_recipe("llavolta/toy-4stage", changes)
options = TrainOptions(recipe, Path(model), Path(data), Path(out), Path(media), cpu=True)
train(options, told=lambda point, steps: time.sleep(30 if point.step == 9 else 0))
"""


@pytest.mark.slow
def test_a_killed_run_goes_on_in_the_middle_of_its_stage(
    llavolta_toy: Path, mixed: Path, media: Path, tmp_path: Path
) -> None:
    places = [llavolta_toy, mixed, media]
    killed = tmp_path / "killed"
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, *map(str, [*places, killed]), *CHANGES])
    try:
        deadline = time.monotonic() + 200
        while time.monotonic() < deadline and process.poll() is None:
            if (killed / CURVE).is_file() and (killed / CURVE).read_bytes().count(b"\n") == 9:
                break
            time.sleep(0.05)
    finally:
        process.kill()
    assert process.wait() == -signal.SIGKILL  # and not an end of its own
    recipe = load_recipe("llavolta/toy-4stage", CHANGES)
    result = train(TrainOptions(recipe, llavolta_toy, mixed, killed, media, cpu=True))
    whole = train(TrainOptions(recipe, llavolta_toy, mixed, tmp_path / "whole", media, cpu=True))
    assert result.resumed_from == 8  # the second stage has steps 7 to 12
    assert (killed / CURVE).read_bytes() == (tmp_path / "whole" / CURVE).read_bytes()
    name = "model.safetensors"
    assert (result.result / name).read_bytes() == (whole.result / name).read_bytes()
