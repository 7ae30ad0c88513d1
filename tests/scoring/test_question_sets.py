"""Full and clean question sets: the same verdicts, counted over all questions and over those a clean list keeps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scoring.question_sets import choose_questions
from scoring.report.folder import remake_report
from scoring.score import score
from vdc.benchmark.clean import load_clean_list, question_hashes
from vdc.benchmark.load import load_benchmark
from vdc.errors import InputError
from vdc.records import changed_files, read_record

QUESTIONS = [("What flies?", "a kite"), ("What colour is the kite?", "red"), ("Who is happy?", "not specified")]
CAPTION = "A red kite flies."


@pytest.fixture
def benchmark(tmp_path: Path) -> Path:
    folder = tmp_path / "benchmark"
    folder.mkdir()
    for video in ("one", "two"):
        row = [{"question": question, "answer": gold} for question, gold in QUESTIONS]
        with (folder / "short.jsonl").open("a") as file:
            file.write(json.dumps({video: row}) + "\n")
    return folder


@pytest.fixture
def clean_list(benchmark: Path, tmp_path: Path) -> Path:
    """The third question of each video is removed, and everything of the second video but its first question."""
    loaded = load_benchmark(benchmark)
    removed = {"one": {"2": "non_answer"}, "two": {"1": "non_answer", "2": "non_answer"}}
    path = tmp_path / "clean.json"
    record = {
        "schema_version": 1,
        "clean_version": "7",
        "benchmark": {"files": dict(loaded.files), "questions_sha256": question_hashes(loaded)},
        "rules": ["non_answer"],
        "removed_questions": {"short": removed},
    }
    path.write_text(json.dumps(record))
    return path


@pytest.fixture
def predictions(tmp_path: Path) -> Path:
    path = tmp_path / "predictions.jsonl"
    lines = [{"video_id": video, "section": "short", "caption": CAPTION} for video in ("one", "two")]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.mark.parametrize(("headline", "accuracy"), [("full", 2 / 3), ("clean", 1.0)])
def test_both_sets_stand_side_by_side_and_the_chosen_one_leads(
    benchmark: Path, clean_list: Path, predictions: Path, tmp_path: Path, headline: str, accuracy: float
) -> None:
    run = score(
        predictions,
        benchmark=benchmark,
        judge="lexical",
        questions=headline,
        clean_list=clean_list,
        out=tmp_path / "run",
    )
    report = run.report
    assert report["sections"]["short"]["accuracy"] == pytest.approx(accuracy)
    assert report["questions"]["headline"] == headline
    assert report["questions"]["clean_list"]["version"] == "7"
    assert report["questions"]["full"]["sections"]["short"]["accuracy"] == pytest.approx(2 / 3)
    assert report["questions"]["clean"]["sections"]["short"]["accuracy"] == pytest.approx(1.0)
    assert (report["questions"]["full"]["questions"], report["questions"]["clean"]["questions"]) == (6, 3)
    assert len(run.verdicts) == 6, "every question is judged, whatever leads"
    assert changed_files(run.folder, read_record(run.folder)) == []
    assert remake_report(run.folder) == report


def test_without_a_list_there_is_one_set(benchmark: Path, predictions: Path, tmp_path: Path) -> None:
    run = score(predictions, benchmark=benchmark, judge="lexical", out=tmp_path / "run")
    assert run.report["questions"] == {"headline": "full", "clean_list": None}
    assert not (run.folder / "clean.json").exists()


def test_clean_without_a_list_says_how_to_make_one(benchmark: Path) -> None:
    with pytest.raises(InputError, match="vdc audit BENCHMARK --out"):
        choose_questions(load_benchmark(benchmark), "clean")


def test_an_unknown_set_lists_the_valid_ones(benchmark: Path) -> None:
    with pytest.raises(InputError, match="one of full, clean"):
        choose_questions(load_benchmark(benchmark), "cleen")


def test_a_list_for_other_questions_is_refused(clean_list: Path) -> None:
    with pytest.raises(InputError, match="other questions"):
        choose_questions(load_benchmark("sample"), "clean", clean_list)


def test_the_bundled_list_fits_the_published_questions(published_questions: Path) -> None:
    sets = choose_questions(load_benchmark(published_questions), "clean")
    assert sets.clean is not None
    assert sets.clean.version == "1"
    assert sets.clean.removed_count == 96_825 - 84_350


def test_the_bundled_list_is_what_the_audit_writes_today(published_questions: Path) -> None:
    from builders.audit.run import audit_benchmark

    bundled = next((Path(__file__).parents[2] / "vdc" / "benchmark" / "clean_lists").glob("*.json"))
    made = audit_benchmark(published_questions).clean
    assert load_clean_list(bundled).removed == {
        (video, section): {int(index): rule for index, rule in row.items()}
        for section, rows in made["removed_questions"].items()
        for video, row in rows.items()
    }
