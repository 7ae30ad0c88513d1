"""The page of what numbers cost."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from leaderboard.services import Services
from tests.leaderboard.filled_board import GAPS_NAME, STRONG_NAME, WEAK_NAME


def words(page: AppTest) -> str:
    parts = [*page.markdown, *page.caption, *page.text, *page.error]
    return "\n".join(str(part.value) for part in parts)


def test_the_front_is_listed_and_what_cannot_be_placed_is_counted(filled: Services, open_page) -> None:
    page = open_page("efficiency", {"kind": "verified"})
    assert not page.exception
    front = next(text.value for text in page.text if text.value.startswith("★"))
    assert [line.split(":")[0][2:] for line in front.splitlines()] == [GAPS_NAME, WEAK_NAME, STRONG_NAME]
    assert "256 tokens" in front and "**3 of 4 rows have a token count and this number**" in words(page)
    assert page.expander[-1].label == "Not shown: 1 without this number"


def test_rows_without_tokens_are_named(filled: Services, open_page) -> None:
    page = open_page("efficiency")
    assert not page.exception
    (left_out,) = [one for one in page.expander if one.label.startswith("Not shown")]
    assert "without a token count" in left_out.label
    count = int(left_out.label.split(" without a token count")[0].split(" ")[-1])
    assert len(left_out.text[0].value.splitlines()) == count > 5
    assert (page.dataframe[0].value["tokens"] > 0).all()


def test_no_row_with_tokens_is_a_state_of_its_own(filled: Services, open_page) -> None:
    page = open_page("efficiency", {"q": "no such model"})
    assert not page.exception and "No row with a token count fits." in words(page)
    page.button(key="clear").click().run()
    assert not page.exception and page.dataframe and page.toggle(key="figures").value is True


def test_an_empty_board_says_what_to_do(empty: Services, open_page) -> None:
    page = open_page("efficiency")
    assert not page.exception and "has no row yet" in words(page)


def test_one_group_is_drawn_and_the_address_says_which(filled: Services, open_page) -> None:
    page = open_page("efficiency", {"figures": "true"})
    assert not page.exception
    box = page.selectbox(key="pick-chart")
    heads = [head.value for head in page.markdown if head.value.startswith("#####")]
    assert len(heads) == 1 and len(box.options) > 1 and box.value is None
    other = next(name for name in box.options if name not in heads[0].replace("\\", ""))
    page = box.select(other).run()
    assert not page.exception
    (head,) = (head.value for head in page.markdown if head.value.startswith("#####"))
    assert head.replace("\\", "").removeprefix("##### ") == other
    given = page.query_params["chart"]
    address = given[0] if isinstance(given, list) else given
    shared = open_page("efficiency", {"figures": "true", "chart": address})
    assert head in [one.value for one in shared.markdown]


def test_a_group_that_the_filters_leave_out_gives_way_to_the_first(filled: Services, open_page) -> None:
    page = open_page("efficiency", {"kind": "verified", "chart": "no such group"})
    assert not page.exception
    assert len([head for head in page.markdown if head.value.startswith("#####")]) == 1
