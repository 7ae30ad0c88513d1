"""The page about the board: its example is computed by the protocols, not written down."""

from __future__ import annotations

import pytest

from leaderboard.services import Services
from leaderboard.worked_example import worked_example
from scoring.protocols.rules import PROTOCOLS


@pytest.mark.parametrize("kind", ["empty", "filled"])
def test_the_page_shows_the_example_under_every_protocol(kind: str, request: pytest.FixtureRequest, open_page) -> None:
    request.getfixturevalue(kind)
    page = open_page("about")
    assert not page.exception
    table = next(frame.value for frame in page.dataframe if "Protocol" in frame.value.columns)
    assert list(table["Protocol"]) == list(PROTOCOLS)


def test_the_example_is_the_one_of_the_documentation() -> None:
    """docs/protocols.md, "A worked example"."""
    results = {one.protocol: one for one in worked_example()}
    assert {name: round(one.accuracy or 0.0, 3) for name, one in results.items()} == {
        "strict": 0.333, "observed": 0.5, "official": 0.5, "lmms_eval": 0.25, "vlmevalkit": 0.0}  # fmt: skip
    assert results["official"].videos == {"A": 0.5, "B": None, "C": None}
    assert results["strict"].videos == {"A": 0.5, "B": 0.0, "C": 0.5}


def test_the_board_names_its_judge_and_its_limits(filled: Services, open_page) -> None:
    page = open_page("about")
    assert "lexical" in [text.value for text in page.text]
    shown = " ".join(markdown.value for markdown in page.markdown)
    assert f"{filled.settings.verification.questions:,} questions" in shown
