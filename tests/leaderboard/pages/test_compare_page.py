"""The page that compares two runs: the test, the refusal, the questions."""

from __future__ import annotations

from sqlalchemy import select, update
from streamlit.testing.v1 import AppTest

from leaderboard.db.models import Model, Run
from leaderboard.db.session import reading, writing
from leaderboard.db.upsert import bump_version
from leaderboard.services import Services
from leaderboard.site import access
from tests.leaderboard.filled_board import CLAIMED_NAME, GAPS_NAME, HOSTILE_NAME, SECRET_NAME, STRONG_NAME, WEAK_NAME


def run_of(board: Services, name: str) -> str:
    with reading(board.engine) as session:
        return session.scalar(select(Run.id).join(Model).where(Model.name == name)) or ""


def compare(board: Services, open_page, first: str, second: str, **query: str) -> AppTest:
    return open_page("compare", {"a": run_of(board, first), "b": run_of(board, second), **query})


def words(page: AppTest) -> str:
    parts = [*page.markdown, *page.caption, *page.text, *page.error, *page.warning]
    return "\n".join(str(part.value) for part in parts)


def test_a_clear_difference_is_said_in_one_sentence(filled: Services, open_page) -> None:
    page = compare(filled, open_page, WEAK_NAME, STRONG_NAME)
    assert not page.exception
    assert page.text[0].value.startswith(
        f"{STRONG_NAME} is better than {WEAK_NAME} by 51.76 points of average accuracy"
    )
    table = page.dataframe[0].value
    assert list(table["section"])[-1] == "Average" and set(table["verdict"]) == {"▲ B better"}
    assert "not comparable with LLM" in words(page).replace("\\", "")


def test_the_order_of_the_runs_turns_the_signs(filled: Services, open_page) -> None:
    page = compare(filled, open_page, STRONG_NAME, WEAK_NAME)
    assert page.dataframe[0].value["difference"].iloc[-1] == "−51.76"
    assert page.text[0].value.startswith(f"{STRONG_NAME} is better than {WEAK_NAME}")


def test_equal_runs_cannot_be_told_apart_and_agree_everywhere(filled: Services, open_page) -> None:
    page = compare(filled, open_page, STRONG_NAME, CLAIMED_NAME)
    assert "cannot be told apart" in page.text[0].value
    assert "They agree on every one of these questions." in words(page)


def test_questions_with_one_match_are_listed_by_who_has_it(filled: Services, open_page) -> None:
    page = compare(filled, open_page, GAPS_NAME, WEAK_NAME, side="only B matches", within="Camera")
    assert not page.exception
    table = page.dataframe[1].value
    assert set(table["Section"]) == {"Camera"} and set(table["B"]) == {"✓ match"}
    assert "○ no caption" in set(table["A"])


def test_runs_with_a_section_in_common_have_no_average(filled: Services, open_page) -> None:
    page = compare(filled, open_page, WEAK_NAME, HOSTILE_NAME)
    assert not page.exception and "no average to compare" in page.text[0].value


def test_runs_of_other_judges_are_refused_until_somebody_insists(own_filled: Services, open_page) -> None:
    run_id = run_of(own_filled, WEAK_NAME)
    with writing(own_filled.engine) as session:
        report = dict(session.get_one(Run, run_id).report)
        report["judge"] = {**report["judge"], "model": "another"}
        session.execute(update(Run).where(Run.id == run_id).values(report=report))
    page = compare(own_filled, open_page, STRONG_NAME, WEAK_NAME)
    assert page.warning[0].value.startswith("These runs were not judged alike")
    assert "different judges" in words(page) and not page.dataframe
    page.toggle(key="insist").set_value(True).run()
    assert not page.exception and len(page.dataframe) == 2


def test_other_questions_are_refused_even_then(own_filled: Services, open_page, monkeypatch) -> None:
    from leaderboard import comparison

    real = comparison.read_stored_run

    def shortened(store, run_id, files, report):
        run = real(store, run_id, files, report)
        if run_id == run_of(own_filled, WEAK_NAME):
            object.__setattr__(run, "verdicts", run.verdicts.iloc[1:])
        return run

    monkeypatch.setattr(comparison, "read_stored_run", shortened)
    page = compare(own_filled, open_page, STRONG_NAME, WEAK_NAME)
    assert page.error[0].value == "These runs cannot be compared."
    assert "Expected: the same questions in both runs" in words(page)


def test_states_without_two_runs_say_what_to_do(filled: Services, open_page) -> None:
    assert "Choose two runs." in words(open_page("compare"))
    assert "Choose two runs." in words(open_page("compare", {"a": run_of(filled, WEAK_NAME)}))
    assert "Both are the same run." in words(compare(filled, open_page, WEAK_NAME, WEAK_NAME))


def test_a_private_run_is_as_unknown_as_any_other(filled: Services, open_page) -> None:
    for second in (run_of(filled, SECRET_NAME), "0" * 32):
        page = open_page("compare", {"a": run_of(filled, WEAK_NAME), "b": second})
        assert "One of these runs is not on the board." in words(page) and not page.dataframe
        assert SECRET_NAME not in " ".join(page.selectbox(key="pick-b").options)


def test_an_empty_board_has_nothing_to_compare(empty: Services, open_page) -> None:
    page = open_page("compare")
    assert not page.exception and "There are not two runs" in words(page)


def test_tables_of_an_earlier_board_are_forgotten(own_filled: Services, open_page) -> None:
    reader = access.board().verdicts
    compare(own_filled, open_page, WEAK_NAME, STRONG_NAME)
    kept = dict(reader._tables)
    with writing(own_filled.engine) as session:
        bump_version(session)
    compare(own_filled, open_page, WEAK_NAME, STRONG_NAME)
    assert kept.keys() == reader._tables.keys() and all(reader._tables[key] is not kept[key] for key in kept)
