"""A toy of each family and a folder of small videos, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.baselines.captioning.toy_families import FAMILIES, Toy, make_toy


@pytest.fixture(scope="session")
def toys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Toy]:
    pytest.importorskip("transformers", reason="transformers is not installed (extra baselines)")
    return {family: make_toy(family, tmp_path_factory.mktemp(family)) for family in FAMILIES}


@pytest.fixture(params=FAMILIES)
def any_toy(request: pytest.FixtureRequest, toys: dict[str, Toy]) -> Toy:
    return toys[request.param]


@pytest.fixture(scope="session")
def released_toy(toys: dict[str, Toy]) -> Path:
    return toys["auroracap"].released


@pytest.fixture(scope="session")
def toy_folder(toys: dict[str, Toy]) -> Path:
    return toys["auroracap"].native


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
