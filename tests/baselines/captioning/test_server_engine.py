"""Captioning through a server: a fake one on this machine that answers with what it was sent."""

from __future__ import annotations

import base64
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("av", reason="PyAV is not installed (extra baselines)")
Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed (extra baselines)")

from baselines.captioning.output import FAILURES, RECORD, beside
from baselines.captioning.run import CaptionOptions, caption_videos
from baselines.captioning.server import LONGEST_SIDE, image_part
from baselines.captioning.types import ModelSettings
from vdc.errors import RunFailed
from vdc.llm.fake_server import FakeServer, FakeServerConfig
from vdc.predictions.read import read_predictions

SETTINGS = ModelSettings(model="eyes", frames=2, max_new_tokens=50, seed=3)


def parts(body: dict[str, Any]) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = body["messages"][0]["content"]
    return content


def reply(body: dict[str, Any]) -> str:
    pictures = [part for part in parts(body) if part["type"] == "image_url"]
    return f" {len(pictures)} pictures: {parts(body)[-1]['text']} \n"


def options(videos: Path, tmp_path: Path, url: str) -> CaptionOptions:
    return CaptionOptions(out=tmp_path / "p.jsonl", videos=videos, base_url=url, store=tmp_path / "replies.sqlite")


def test_frames_go_out_as_jpeg_and_the_instruction_comes_last(videos: Path, tmp_path: Path) -> None:
    with FakeServer(reply) as server:
        run = caption_videos(SETTINGS, options(videos, tmp_path, server.base_url))
        bodies = list(server.log)
    assert (run.written, run.failed) == (15, 0)
    found = read_predictions(tmp_path / "p.jsonl").captions
    from baselines.captioning.instructions import load_instructions

    words = load_instructions().instruction("camera", 3)
    assert found["a", "camera"].caption == f"2 pictures: {words}"
    assert found["one", "camera"].caption == f"1 pictures: {words}"
    body = bodies[0]
    assert (body["model"], body["temperature"], body["max_tokens"], body["seed"]) == ("eyes", 0.0, 50, 3)
    kind, _, data = parts(body)[0]["image_url"]["url"].partition(",")
    assert kind == "data:image/jpeg;base64"
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (64, 48)


def test_what_was_answered_is_not_asked_again_even_when_the_file_is_gone(videos: Path, tmp_path: Path) -> None:
    with FakeServer(reply) as server:
        chosen = options(videos, tmp_path, server.base_url)
        caption_videos(SETTINGS, chosen)
        chosen.out.unlink()
        run = caption_videos(SETTINGS, chosen)
        assert run.written == 15
        assert server.stats.requests == 15


def test_the_record_names_no_server(videos: Path, tmp_path: Path) -> None:
    with FakeServer(reply) as server:
        chosen = options(videos, tmp_path, server.base_url)
        caption_videos(SETTINGS, chosen)
        text = beside(chosen.out, RECORD).read_text()
    assert "127.0.0.1" not in text
    assert json.loads(text)["model"]["kind"] == "server"


def test_a_broken_video_costs_no_call(videos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "v"
    folder.mkdir()
    (folder / "bad.mp4").write_bytes(b"bad")
    (folder / "one.mp4").write_bytes((videos / "one.mp4").read_bytes())
    with FakeServer(reply) as server:
        run = caption_videos(SETTINGS, options(folder, tmp_path, server.base_url))
        assert (run.written, run.failed, server.stats.requests) == (5, 5, 5)
    assert all(json.loads(line)["video_id"] == "bad" for line in beside(run.out, FAILURES).read_text().splitlines())


def test_a_server_that_refuses_the_key_ends_the_run_and_the_file_stays_whole(videos: Path, tmp_path: Path) -> None:
    with FakeServer(reply, FakeServerConfig(api_key="right")) as server:
        chosen = options(videos, tmp_path, server.base_url)
        with pytest.raises(RunFailed, match="key"):
            caption_videos(SETTINGS, chosen)
    assert chosen.out.read_bytes() == b""
    with FakeServer(reply) as server:
        assert caption_videos(SETTINGS, replace(chosen, base_url=server.base_url)).written == 15


def test_large_frames_are_shrunk_in_proportion() -> None:
    part = image_part(Image.new("RGB", (4 * LONGEST_SIDE, LONGEST_SIDE)))
    data = base64.b64decode(part["image_url"]["url"].partition(",")[2])
    assert Image.open(io.BytesIO(data)).size == (LONGEST_SIDE, LONGEST_SIDE // 4)
