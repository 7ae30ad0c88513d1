"""What the tests of whole runs share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scoring.report.plots import PLOTS
from tests.scoring.small_world import World, make_world
from vdc.llm.fake_server import FakeServer


@pytest.fixture
def plots_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty plot files: drawing them takes ten times as long as everything else in a small run."""
    monkeypatch.setattr("scoring.report.folder.draw_plots", lambda report: dict.fromkeys(PLOTS.values(), b"PNG"))


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A small benchmark and a caption for each of its videos and sections."""
    return make_world(tmp_path)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """A judge server without faults."""
    with FakeServer() as running:
        yield running
