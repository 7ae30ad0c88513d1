from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from leaderboard.board import BoardQuery, BoardReader
from leaderboard.db.models import State, SubmissionKind
from leaderboard.services import Services
from leaderboard.settings import Verification
from leaderboard.submissions import SubmissionService
from leaderboard.verification import compare_sample, draw_sample
from leaderboard.views import NewSubmission, SubmissionView
from scoring.score import score
from tests.leaderboard.board_kit import STRONG, WEAK, new_holder, submit_and_score, uploaded
from vdc.benchmark.load import load_benchmark
from vdc.records import read_record, write_record


@pytest.fixture(scope="session")
def honest_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "run"
    score(WEAK, benchmark="sample", judge="lexical", out=folder)
    return folder


def submit_run(board: Services, folder: Path, captions: Path | None = WEAK) -> SubmissionView:
    files = [uploaded(folder / "run.json", "run.json"), uploaded(folder / "verdicts.parquet", "verdicts.parquet")]
    if captions is not None:
        files.append(uploaded(captions))
    return submit_and_score(board, new_holder(board)[0], NewSubmission("Weak", SubmissionKind.RUN, tuple(files)))


def changed(honest: Path, folder: Path, change: object) -> Path:
    """A copy of a run with other verdicts and a record that fits them."""
    shutil.copytree(honest, folder)
    table = pd.read_parquet(folder / "verdicts.parquet")
    change(table).to_parquet(folder / "verdicts.parquet", index=False)  # type: ignore[operator]
    record = read_record(folder)
    names = [link["file"] for link in record["files"]]
    write_record(folder, {key: value for key, value in record.items() if key not in ("files", "schema_version")}, names)
    return folder


def test_an_honest_run_is_verified_with_the_numbers_it_had(board: Services, honest_run: Path) -> None:
    view = submit_run(board, honest_run)
    assert (view.state, view.row, view.row_reason) == (State.PUBLISHED, "verified", "")
    expected = json.loads((honest_run / "report.json").read_text())
    row = BoardReader(board.engine).page(BoardQuery()).rows[0]
    assert row.value("accuracy") == pytest.approx(expected["average"]["accuracy"])


def test_a_run_and_its_captions_end_in_the_same_rank_group(sqlite_board: Services, honest_run: Path) -> None:
    submit_run(sqlite_board, honest_run)
    new = NewSubmission("Weak too", SubmissionKind.PREDICTIONS, (uploaded(WEAK),))
    submit_and_score(sqlite_board, new_holder(sqlite_board)[0], new)
    rows = BoardReader(sqlite_board.engine).page(BoardQuery()).rows
    assert len({row.group for row in rows}) == 1 and [row.rank for row in rows] == [1, 1] and rows[0].tied


def test_match_and_score_are_read_from_the_judges_words_not_from_their_columns(
    sqlite_board: Services, honest_run: Path, tmp_path: Path
) -> None:
    def embellish(table: pd.DataFrame) -> pd.DataFrame:
        judged = table["status"] == "judged"
        return table.assign(match=table["match"].mask(judged, True), score=table["score"].mask(judged, 5.0))

    view = submit_run(sqlite_board, changed(honest_run, tmp_path / "forged", embellish))
    expected = json.loads((honest_run / "report.json").read_text())
    row = BoardReader(sqlite_board.engine).page(BoardQuery()).rows[0]
    assert view.row == "verified"
    assert row.value("accuracy") == pytest.approx(expected["average"]["accuracy"])


def test_a_run_with_invented_judge_words_is_only_reported(
    sqlite_board: Services, honest_run: Path, tmp_path: Path
) -> None:
    def invent(table: pd.DataFrame) -> pd.DataFrame:
        judged = table["status"] == "judged"
        return table.assign(
            raw=table["raw"].mask(judged, "{'pred': 'yes', 'score': 5}"),
            match=table["match"].mask(judged, True),
            score=table["score"].mask(judged, 5.0),
        )

    view = submit_run(sqlite_board, changed(honest_run, tmp_path / "forged", invent))
    assert view.row == "reported" and "judged again" in view.row_reason
    row = BoardReader(sqlite_board.engine).page(BoardQuery()).rows[0]
    assert row.kind == "reported" and row.group.startswith("reported-") and row.reason == view.row_reason


def test_a_run_without_captions_is_only_reported(sqlite_board: Services, honest_run: Path) -> None:
    view = submit_run(sqlite_board, honest_run, captions=None)
    assert view.row == "reported" and "captions were not handed in" in view.row_reason


def test_a_run_by_another_judge_is_only_reported(sqlite_board: Services, honest_run: Path, tmp_path: Path) -> None:
    folder = changed(honest_run, tmp_path / "other", lambda table: table)
    record = json.loads((folder / "run.json").read_text())
    record["judge"] |= {"kind": "openai", "model": "gpt-4o", "comparable": True}
    (folder / "run.json").write_text(json.dumps(record))
    view = submit_run(sqlite_board, folder)
    assert view.row == "reported" and "another judge" in view.row_reason


def dropped(table: pd.DataFrame) -> pd.DataFrame:
    return table.iloc[1:]


def reworded(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(gold=["yes", *table["gold"][1:]])


@pytest.mark.parametrize("change", [dropped, reworded], ids=["question-dropped", "gold-changed"])
def test_a_run_over_other_questions_is_rejected(
    sqlite_board: Services, honest_run: Path, tmp_path: Path, change: object
) -> None:
    view = submit_run(sqlite_board, changed(honest_run, tmp_path / "run", change))
    assert view.state is State.REJECTED and "questions" in view.reason


def test_a_run_with_other_captions_is_rejected(sqlite_board: Services, honest_run: Path) -> None:
    view = submit_run(sqlite_board, honest_run, captions=STRONG)
    assert view.state is State.REJECTED and "captions with the hash" in view.reason


def test_verdicts_that_were_changed_after_the_record_are_rejected(
    sqlite_board: Services, honest_run: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(honest_run, folder)
    pd.read_parquet(folder / "verdicts.parquet").assign(score=5.0).to_parquet(folder / "verdicts.parquet")
    assert submit_run(sqlite_board, folder).state is State.REJECTED


@pytest.mark.parametrize("content", [b"", b"PAR1 not really PAR1", b"{}" * 1000], ids=["empty", "magic-only", "json"])
def test_verdicts_that_are_no_table_are_rejected(
    sqlite_board: Services, honest_run: Path, tmp_path: Path, content: bytes
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(honest_run, folder)
    (folder / "verdicts.parquet").write_bytes(content)
    assert submit_run(sqlite_board, folder).state is State.REJECTED


def test_a_table_that_unpacks_to_far_too_much_is_rejected(
    sqlite_board: Services, honest_run: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(honest_run, folder)
    rows = len(pd.read_parquet(folder / "verdicts.parquet"))
    pd.DataFrame({"raw": ["x" * 100_000] * rows}).to_parquet(folder / "verdicts.parquet", compression="zstd")
    assert (folder / "verdicts.parquet").stat().st_size < 1_000_000
    view = submit_run(sqlite_board, folder)
    assert view.state is State.REJECTED and "unpacked" in view.reason


def test_a_record_of_nested_lists_is_rejected(sqlite_board: Services, honest_run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(honest_run, folder)
    (folder / "run.json").write_text("[" * 100_000)
    assert submit_run(sqlite_board, folder).state is State.REJECTED


def verdicts(matches: list[bool]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "video_id": [f"v{number}" for number in range(len(matches))],
            "section": "short",
            "question_index": 0,
            "status": "judged",
            "match": pd.array(matches, dtype="boolean"),
            "score": [5.0 * match for match in matches],
        }
    )


@pytest.mark.parametrize(
    ("flips_up", "flips_down", "verified"),
    [(0, 0, True), (3, 2, True), (0, 8, True), (8, 0, False), (6, 6, False)],
    ids=["same", "few-both-ways", "modest", "all-in-its-favour", "too-many"],
)
def test_disagreement_in_the_runs_favour_is_not_believed(flips_up: int, flips_down: int, verified: bool) -> None:
    ours = [False] * 100 + [True] * 100
    theirs = [number < flips_up for number in range(100)] + [number >= flips_down for number in range(100)]
    check = compare_sample(verdicts(theirs), verdicts(ours), Verification(), seed=1)
    assert (check.verified, check.claimed_only, check.found_only) == (verified, flips_up, flips_down)
    assert check.agreement == pytest.approx(1 - (flips_up + flips_down) / 200)


def test_scores_and_statuses_are_compared_like_matches() -> None:
    ours = verdicts([True] * 100 + [False] * 100)
    higher = ours.assign(score=[5.0] * 120 + [0.0] * 80)
    check = compare_sample(higher, ours, Verification(), seed=1)
    assert not check.verified and check.agreement == 1.0 and "scores are higher" in check.reason
    assert compare_sample(ours, higher, Verification(), seed=1).verified
    hidden = ours.assign(status=["judged"] * 180 + ["unparsed"] * 20)
    check = compare_sample(hidden, ours, Verification(), seed=1)
    assert not check.verified and check.agreement == pytest.approx(0.9)


@pytest.mark.parametrize("what", ["score", "status"])
def test_judge_words_that_change_only_scores_or_statuses_are_only_reported(
    sqlite_board: Services, honest_run: Path, tmp_path: Path, what: str
) -> None:
    def change(table: pd.DataFrame) -> pd.DataFrame:
        if what == "score":
            raw = table["raw"].str.replace(r"'score': \d", "'score': 5", regex=True)
            return table.assign(raw=raw.where(table["status"] == "judged", table["raw"]))
        wrong = (table["status"] == "judged") & ~table["match"].fillna(True)
        return table.assign(raw=table["raw"].mask(wrong, "I cannot say."))

    view = submit_run(sqlite_board, changed(honest_run, tmp_path / "forged", change))
    assert view.row == "reported" and "judged again" in view.row_reason


def test_a_verified_row_stands_under_the_boards_judge_and_a_reported_one_is_never_comparable(
    sqlite_board: Services, honest_run: Path, tmp_path: Path
) -> None:
    folder = changed(honest_run, tmp_path / "claims", lambda table: table)
    record = json.loads((folder / "run.json").read_text())
    record["judge"] |= {"comparable": True, "match_share": 0.1}
    record["prompts"] |= {"name": "official"}
    (folder / "run.json").write_text(json.dumps(record))
    assert submit_run(sqlite_board, folder).row == "verified"
    submit_run(sqlite_board, honest_run)
    verified = BoardReader(sqlite_board.engine).page(BoardQuery(kind="verified")).rows
    assert {row.prompts for row in verified} == {"none"} and len({row.group for row in verified}) == 1
    assert not any(row.comparable for row in verified)
    submit_run(sqlite_board, folder, captions=None)
    (reported,) = BoardReader(sqlite_board.engine).page(BoardQuery(kind="reported")).rows
    assert reported.comparable is False


@pytest.mark.parametrize(
    "record",
    [
        {"files": None},
        {"files": [1]},
        {"files": [{"file": 5}]},
        {"files": [{"file": "../../etc/passwd", "sha256": "0" * 64}]},
        {"tool": {"version": "\ud800"}},
        {"notes": ["a\u202eb"]},
        {"run_id": "a\x00b"},
    ],
    ids=["null", "number", "no-hash", "path", "surrogate", "reordering", "nul"],
)
def test_a_record_made_to_hurt_ends_with_a_reason_and_stops_nobody(
    board: Services, honest_run: Path, tmp_path: Path, record: dict[str, object]
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(honest_run, folder)
    whole = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(whole | record))
    view = submit_run(board, folder)
    assert view.state in (State.REJECTED, State.FAILED) and view.reason
    assert board.submissions.sweep(older_than_s=0) == 0


def test_a_table_that_breaks_its_reader_ends_with_a_reason(board: Services, honest_run: Path, tmp_path: Path) -> None:
    folder = changed(honest_run, tmp_path / "run", lambda table: table.assign(match="yes", score="five"))
    assert submit_run(board, folder).state in (State.REJECTED, State.FAILED)


def test_the_sample_is_the_same_for_the_same_seed_and_comes_from_all_captions() -> None:
    benchmark = load_benchmark("sample")
    keys = frozenset(benchmark.questions)
    one, same, other = (draw_sample(benchmark, keys, 30, seed).questions for seed in (1, 1, 2))
    assert list(one) == list(same) != list(other)
    assert sum(map(len, one.values())) == 30 and len(one) > 15
    assert all(set(one[key]) <= set(benchmark.questions[key]) for key in one)
    every = draw_sample(benchmark, keys, 10**6, 1).questions
    assert every == {key: asked for key, asked in benchmark.questions.items() if asked}


def test_stricter_rules_are_the_boards_choice(sqlite_board: Services) -> None:
    rules = replace(sqlite_board.settings, verification=Verification(questions=5, agreement=1.0))
    assert SubmissionService(sqlite_board.engine, sqlite_board.store, sqlite_board.queue, rules).settings == rules
