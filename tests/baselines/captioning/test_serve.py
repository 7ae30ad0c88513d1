"""The toy AuroraCap behind transformers' own server, with pictures, as a captioner."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

for package in ("torch", "transformers", "fastapi", "uvicorn", "av"):
    pytest.importorskip(package, reason=f"{package} is not installed")

from baselines.captioning.run import CaptionOptions, caption_videos
from baselines.captioning.serve import main
from baselines.captioning.types import ModelSettings
from vdc.predictions.read import read_predictions

ROOT = Path(__file__).parents[3]


@pytest.fixture
def served(toy_folder: Path, isolated_user: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "baselines.captioning.serve",
        str(toy_folder),
        "--device",
        "cpu",
        "--port",
        str(port),
    ]
    log = (isolated_user / "serve.log").open("wb")
    process = subprocess.Popen([*command, "--host", "127.0.0.1"], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield wait_for(f"http://127.0.0.1:{port}", process)
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def wait_for(url: str, process: subprocess.Popen[bytes]) -> str:
    for _ in range(300):
        assert process.poll() is None, "the server ended by itself"
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return url
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server did not start")


def test_the_exported_model_captions_through_its_server(
    served: str, toy_folder: Path, videos: Path, tmp_path: Path
) -> None:
    settings = ModelSettings(model=str(toy_folder), frames=2, max_new_tokens=6)
    options = CaptionOptions(
        out=tmp_path / "p.jsonl",
        videos=videos,
        base_url=served,
        store=tmp_path / "s.sqlite",
        sections=("short", "camera"),
    )
    run = caption_videos(settings, options)
    assert (run.written, run.failed) == (6, 0)
    captions = read_predictions(options.out).captions
    assert all(row.caption for row in captions.values())
    # the pictures count: another video, another caption
    assert len({row.caption for row in captions.values()}) > 1


def test_a_folder_that_is_not_converted_is_refused(released_toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(released_toy)]) == 2
    assert "convert it first" in capsys.readouterr().err
