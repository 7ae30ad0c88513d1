from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="torch is not installed (extra baselines)")
pytest.importorskip("transformers", reason="transformers is not installed (extra baselines)")

from baselines.reproduce.page import PLACE, refresh

PAGE = Path(__file__).parents[3] / "docs" / "reproduce.md"


def test_the_page_shows_what_the_command_prints_now() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert len(PLACE.findall(text)) == 3
    assert refresh(text) == text


def test_a_place_is_written_again_and_the_rest_is_left() -> None:
    page = "before\n<!-- vdc reproduce llavolta stage_ratios -->\nold\n<!-- end -->\nafter\n"
    made = refresh(page)
    assert "old" not in made
    assert "556.5" in made or "557" in made
    assert made.startswith("before\n")
    assert made.endswith("<!-- end -->\nafter\n")
    assert refresh(made) == made
