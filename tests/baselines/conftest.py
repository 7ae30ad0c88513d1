"""Toy models, clips and a naive second implementation, for every test of the baselines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

REFERENCE = Path(__file__).parents[3] / "shared" / "reference"


def _golden(model: str) -> Path:
    folder = REFERENCE / model / "golden"
    if not folder.is_dir():
        pytest.skip("the golden files of the published code are not part of this project and not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def auroracap_golden() -> Path:
    return _golden("auroracap")


@pytest.fixture(scope="session")
def llama_vid_golden() -> Path:
    return _golden("llama_vid")


@pytest.fixture(scope="session")
def llavolta_golden() -> Path:
    return _golden("llavolta")


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Toy tensors are faster on one thread, and on a busy machine by a great deal."""
    torch = sys.modules.get("torch")  # loaded by the test modules that need it; the others must not pay for it
    if torch is None:
        yield
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def toy() -> Any:
    """A random AuroraCap whose answers depend on what it sees; tests must leave it as it was."""
    pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
    pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")
    from baselines.auroracap.toy import toy_model

    return toy_model()


@pytest.fixture(scope="session")
def make_clip(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Writes a clip whose frame number can be read from its brightness: frame n is grey of level 8 n."""
    av = pytest.importorskip("av", reason="the baselines extra (PyAV) is not installed")

    def make(
        frames: int, *, name: str = "clip.mp4", pts: list[int] | None = None, size: tuple[int, int] = (64, 48)
    ) -> Path:
        path = tmp_path_factory.mktemp("clip") / name
        with av.open(str(path), "w") as container:
            codec = "libvpx" if name.endswith("webm") else "libx264"
            stream = container.add_stream(codec, rate=10)
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            for number in range(frames):
                picture = np.full((size[1], size[0], 3), 8 * number, dtype=np.uint8)
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                if pts is not None:
                    frame.pts = pts[number]
                    frame.time_base = Fraction(1, 10)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return make
