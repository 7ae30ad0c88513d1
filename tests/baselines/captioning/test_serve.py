"""Toy models behind transformers' own server, with pictures, as a captioner."""

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
from baselines.captioning.serve import SERVED, main
from baselines.captioning.types import ModelSettings
from tests.baselines.captioning.toy_families import Toy
from vdc.predictions.read import read_predictions

ROOT = Path(__file__).parents[3]


@pytest.fixture
def served(isolated_user: Path) -> Iterator[str]:
    """A server that loads the models it is asked for."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-m", "baselines.captioning.serve", "--device", "cpu", "--port", port]
    log = (isolated_user / "serve.log").open("wb")
    process = subprocess.Popen([*command, "--host", "127.0.0.1"], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield wait_for(f"http://127.0.0.1:{port}", process)
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def wait_for(url: str, process: subprocess.Popen[bytes]) -> str:
    give_up = time.monotonic() + 120  # a busy machine takes long to load torch
    while time.monotonic() < give_up:
        assert process.poll() is None, "the server ended by itself"
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=5):
                return url
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server did not start")


def test_exported_models_caption_through_their_server(
    served: str, toys: dict[str, Toy], videos: Path, tmp_path: Path
) -> None:
    for family in SERVED:
        options = CaptionOptions(
            out=tmp_path / f"{family}.jsonl",
            videos=videos,
            base_url=served,
            store=tmp_path / "s.sqlite",
            sections=("short", "camera"),
        )
        run = caption_videos(ModelSettings(str(toys[family].native), frames=2, max_new_tokens=6), options)
        assert (run.written, run.failed) == (6, 0)
        captions = read_predictions(options.out).captions
        assert all(row.caption for row in captions.values())
        # the pictures count: another video, another caption
        assert len({row.caption for row in captions.values()}) > 1


@pytest.mark.parametrize(("family", "folder"), [("auroracap", "released"), ("llama_vid", "native")])
def test_a_folder_that_cannot_be_served_is_refused(
    toys: dict[str, Toy], family: str, folder: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(getattr(toys[family], folder))]) == 2
    assert "convert it first" in capsys.readouterr().err
