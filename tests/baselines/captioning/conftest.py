"""A toy AuroraCap in the native layout and a folder of small videos, made once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def released_toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("transformers", reason="transformers is not installed (extra baselines)")
    from baselines.auroracap.toy import write_toy_release

    return write_toy_release(tmp_path_factory.mktemp("released") / "toy", seed=1)


@pytest.fixture(scope="session")
def toy_folder(released_toy: Path) -> Path:
    """Converted; writes printable letters alone, because random bytes are no text and would all read the same."""
    from baselines.auroracap.convert import convert
    from baselines.common.byte_tokenizer import EOS, FIRST_BYTE

    folder = convert(released_toy, released_toy.parent / "native")
    spoken = {EOS, *(FIRST_BYTE + byte for byte in range(32, 127))}
    settings = {"suppress_tokens": [token for token in range(320) if token not in spoken], "eos_token_id": EOS}
    (folder / "generation_config.json").write_text(json.dumps(settings))
    return folder


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three videos, one of a single frame."""
    pytest.importorskip("av", reason="PyAV is not installed (extra baselines)")
    from tests.builders.made_videos import moving_square, write_video

    folder = tmp_path_factory.mktemp("videos")
    write_video(folder / "a.mp4", moving_square(1, 6))
    write_video(folder / "deep" / "b.mp4", moving_square(2, 9))
    write_video(folder / "one.mp4", moving_square(3, 1))
    return folder
