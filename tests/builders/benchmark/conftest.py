"""A folder with small videos, a configuration for it, and a make-believe vision server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("av", reason="PyAV is not installed (extra builders)")
pytest.importorskip("scenedetect", reason="PySceneDetect is not installed (extra builders)")

from tests.builders.fake_vision import vision_reply
from tests.builders.made_videos import moving_square, write_video
from vdc.llm.fake_server import FakeServer

Configure = Callable[..., Path]

SMALL = """
name: small
out: build
sources:
  - {{kind: folder, path: videos, licence: CC0-1.0, origin: made for a test}}
clips: {{min_s: 1.0, max_s: 4.0, min_side: 32{clips}}}
frames: {{count: 3, per_second: 1, longest_side: 64}}
model: {{model: eye, concurrency: 4, give_up_s: 2{model}}}
questions: {{count: 12, at_least: 3, rounds: 2}}
{more}
"""


@pytest.fixture(scope="session")
def three_videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two good videos, the second of two scenes, and one that is too short. Never changed."""
    folder = tmp_path_factory.mktemp("videos")
    write_video(folder / "first.mp4", moving_square(1, 20))
    write_video(folder / "second.mp4", moving_square(2, 20) + moving_square(3, 20))
    write_video(folder / "tiny.mp4", moving_square(4, 5))
    return folder


@pytest.fixture
def configure(tmp_path: Path, three_videos: Path) -> Configure:
    """Writes a configuration beside a folder ``videos`` with the three videos; returns its path."""

    def write(more: str = "", clips: str = "", model: str = "", videos: bool = True) -> Path:
        folder = tmp_path / "videos"
        folder.mkdir(exist_ok=True)
        if videos:
            for path in three_videos.iterdir():
                (folder / path.name).write_bytes(path.read_bytes())
        config = tmp_path / "build.yaml"
        config.write_text(SMALL.format(more=more, clips=clips, model=model))
        return config

    return write


@pytest.fixture
def eye() -> Iterator[FakeServer]:
    """The server."""
    with FakeServer(vision_reply) as server:
        yield server


@pytest.fixture
def run(eye: FakeServer) -> Callable[..., Any]:
    """Runs a build against the server."""
    from builders.benchmark import BuildOptions, build_benchmark

    def build(config: Path, **options: Any) -> Any:
        return build_benchmark(config, BuildOptions(base_url=eye.base_url, **options))

    return build


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder by name."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
