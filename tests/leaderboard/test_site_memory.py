"""What stays for ever is not looked at after every drawing."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import pytest

pytest.importorskip("streamlit", reason="the extra leaderboard is not installed")

from leaderboard.site import memory


@pytest.fixture(autouse=True)
def unfrozen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(memory, "_drawn", set())
    yield
    gc.unfreeze()


def test_the_first_drawing_of_each_page_takes_what_is_there_out_of_collections() -> None:
    kept = [[] for _ in range(1000)]
    memory.settle_memory("model")
    frozen = gc.get_freeze_count()
    assert frozen > len(kept)
    more = [[] for _ in range(1000)]
    memory.settle_memory("model")
    assert gc.get_freeze_count() <= frozen
    memory.settle_memory("arena")
    assert gc.get_freeze_count() >= frozen + len(more) - 100


def test_what_is_no_longer_referred_to_is_freed_all_the_same() -> None:
    class Window:
        freed = 0

        def __del__(self) -> None:
            Window.freed += 1

    window = Window()
    memory.settle_memory("board")
    del window
    assert Window.freed == 1


def test_what_pages_draw_with_is_there_before_the_first_visitor() -> None:
    memory.import_ahead()
    assert all(name in sys.modules for name in memory.DRAWING)
