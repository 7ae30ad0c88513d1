"""The report: its contract, its warnings, its files, and making it again from a run folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from scoring.repeats import summarise_repeats
from scoring.report.build import build_report, jsonable
from scoring.report.facts import RunFacts
from scoring.report.folder import read_run, remake_report
from scoring.report.markdown import escape, render_markdown
from scoring.report.plots import PLOTS, draw_plots
from scoring.report.summary import render_summary
from tests.scoring.verdict_rows import (
    EMPTY,
    FAILED,
    MISSING,
    Row,
    frame,
    no,
    one_section,
    record,
    said,
    unparsed,
    write_run,
    yes,
)
from vdc.cli import main
from vdc.errors import InputError
from vdc.records import changed_files, read_record
from vdc.sections import SECTIONS


def build(verdicts: pd.DataFrame, **changes: Any) -> dict[str, Any]:
    return build_report(verdicts, RunFacts.from_record(record(**changes)), resamples=100)


def whole() -> pd.DataFrame:
    """Three videos in five sections, with every status but failed."""
    captions = {}
    for section in SECTIONS:
        captions[section, "a"] = [yes(5), yes(3), no(0)]
        captions[section, "b"] = [no(1), unparsed(), yes(4)]
        captions[section, "c"] = [MISSING, MISSING] if section == "camera" else [no(0), no(2)]
    return frame(captions)


def test_the_report_has_the_stable_schema() -> None:
    report = build(whole())
    assert report["schema_version"] == 1
    assert report["run_id"] == "0123456789abcdef"
    assert {"kind", "model", "comparable"} <= set(report["judge"])
    assert {"name", "sha256"} <= set(report["prompts"])
    assert (report["benchmark"]["videos"], report["benchmark"]["questions"]) == (3, 40)
    assert set(report["coverage"]) == {"captions", "expected", "missing", "unknown", "duplicates"}
    assert list(report["sections"]) == list(SECTIONS)
    for row in report["sections"].values():
        assert {"accuracy", "score", "accuracy_ci95", "score_ci95", "videos", "questions", "unparsed", "failed"} <= set(
            row
        )
    assert set(report["average"]) == {"accuracy", "score", "accuracy_ci95", "score_ci95"}
    assert list(report["protocols"]) == ["strict", "observed", "official", "lmms_eval", "vlmevalkit"]
    for protocol in report["protocols"].values():
        assert {"average", "sections", "videos", "questions", "dropped_videos", "would_crash"} <= set(protocol)
    assert set(report["calls"]) == {"made", "from_store", "retries", "input_tokens", "output_tokens"}
    assert report["elapsed_s"] == 1.5


def test_numbers_and_counts_by_hand() -> None:
    """Section short: a (2/3, 8/3), b (1/3, 5/3), c (0, 1): accuracy 1/3, score 16/9."""
    report = build(whole())
    short = report["sections"]["short"]
    assert (short["accuracy"], short["score"]) == (pytest.approx(1 / 3), pytest.approx(16 / 9))
    assert (short["videos"], short["questions"], short["unparsed"], short["missing"]) == (3, 8, 1, 0)
    assert report["sections"]["camera"]["missing"] == 2
    assert report["average"]["accuracy"] == pytest.approx(1 / 3)
    # Without the unparsed one of three, b becomes (1/2, 5/2).
    assert report["protocols"]["observed"]["sections"]["short"]["accuracy"] == pytest.approx((2 / 3 + 1 / 2) / 3)
    # Official: b has an unreadable verdict and c is a zero or missing video everywhere, so a alone is left.
    official = report["protocols"]["official"]
    assert official["average"]["accuracy"] == pytest.approx(2 / 3)
    assert official["difference_to_strict"]["accuracy"] == pytest.approx(1 / 3)
    assert (official["videos"], official["dropped_videos"]) == (5, 10)
    assert official["dropped"] == {"unreadable_verdict": 5, "zero": 4, "missing_caption": 1}
    assert report["score_histogram"]["questions"]["short"] == [2, 1, 1, 1, 1, 1]


def test_the_histogram_rounds_halves_up_and_holds_judged_questions_only() -> None:
    rows = [Row("judged", None, True, 4.8), Row("judged", None, True, 2.5), Row("judged", None, False, 0.2), unparsed()]
    assert build(one_section(rows))["score_histogram"]["questions"]["short"] == [1, 0, 0, 1, 0, 1]


def test_intervals_hold_the_number_and_repeat_with_the_seed() -> None:
    first, second, other = build(whole()), build(whole()), build(whole(), seeds={"bootstrap": 8})
    low, high = first["average"]["accuracy_ci95"]
    assert 0 <= low <= first["average"]["accuracy"] <= high <= 1
    assert first == second
    assert [row["score_ci95"] for row in other["sections"].values()] != [
        row["score_ci95"] for row in first["sections"].values()
    ]


def test_failed_questions_make_the_run_incomplete() -> None:
    report = build(one_section([yes(), FAILED], [no()]))
    assert report["incomplete"] is True
    assert report["sections"]["short"]["failed"] == 1
    for place in (report, *report["protocols"].values()):
        assert place["sections"]["short"]["accuracy"] is None
        assert place["sections"]["short"]["score_ci95"] is None
    assert "incomplete: 1 of 3" in report["warnings"][0]


def test_a_run_where_everything_failed_still_has_a_report() -> None:
    report = build(frame({(section, "a"): [FAILED] for section in SECTIONS}))
    assert report["average"] == {"accuracy": None, "score": None, "accuracy_ci95": None, "score_ci95": None}
    json.dumps(report, allow_nan=False)
    assert len(draw_plots(report)) == len(PLOTS)
    assert "–" in render_markdown(report, PLOTS)
    assert "strict" in render_summary(report)


WARNINGS = {
    "lexical judge": ({"judge": {"kind": "lexical", "model": None, "comparable": False}}, "not comparable with LLM"),
    "a part of the benchmark": (
        {"benchmark": {"name": "toy", "revision": None, "limit": 3}},
        "Only the first 3 videos",
    ),
    "unparsed": ({}, "were unparsed"),
    "missing captions": ({}, "2 questions have a missing or empty caption"),
    "few videos": ({}, "Fewer than 30 videos"),
}


@pytest.mark.parametrize(("changes", "sentence"), WARNINGS.values(), ids=WARNINGS.keys())
def test_the_reader_is_warned(changes: dict[str, Any], sentence: str) -> None:
    report = build(whole(), **changes)
    assert any(sentence in warning for warning in report["warnings"])
    assert escape(sentence) in render_markdown(report, PLOTS)


def test_a_whole_comparable_run_has_no_warning() -> None:
    captions = {(section, f"v{number}"): [yes(), no()] for section in SECTIONS for number in range(30)}
    assert build(frame(captions))["warnings"] == []


def test_a_run_of_one_section_has_no_average_and_says_so() -> None:
    report = build(one_section([yes()], [no()]))
    assert report["average"]["accuracy"] is None
    assert any("No average" in warning for warning in report["warnings"])
    assert "Sections scored: `short`" in render_markdown(report, PLOTS)


def test_the_spread_of_repeated_judgements_is_shown() -> None:
    verdicts = whole()
    repeats = summarise_repeats(
        [verdicts, verdicts.assign(match=verdicts["match"].where(verdicts["score"] != 3, False))]
    )
    text = render_markdown(build(verdicts, repeats=repeats), PLOTS)
    assert "Judged 2 times" in text
    assert "| accuracy | 33.3 %," in text
    assert "## Repetitions" not in render_markdown(build(verdicts), PLOTS)


def test_suspicious_captions_are_counted_once_per_caption() -> None:
    bad = Row("judged", "{'pred': 'yes', 'score': 5}", True, 5.0, "orders,closes")
    verdicts = frame({("short", "a"): [bad, bad], ("camera", "a"): [Row("judged", None, True, 5.0, "orders"), yes()]})
    report = build(verdicts)
    assert report["suspicious"]["captions"] == 2
    assert report["suspicious"]["by_reason"] == {"closes": 1, "orders": 2}
    assert (report["sections"]["short"]["suspicious"], report["sections"]["camera"]["suspicious"]) == (1, 1)
    assert report["suspicious"]["first"][0] == {"video_id": "a", "section": "short", "reasons": ["closes", "orders"]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text, 4.8 (so far)", "plain text, 4.8 (so far)"),
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("![x](http://evil.example)", r"\!\[x\](http\://evil.example)"),
        ("a|b\n# head", r"a\|b \# head"),
        ("www.evil.example", r"www\.evil.example"),
        ("- item", r"\- item"),
        ("`code` *b* _i_", r"\`code\` \*b\* \_i\_"),
        ("\x1b[31m\u202ered", " \\[31m red"),
        ("&lt;", "&amp;lt;"),
    ],
)
def test_text_from_outside_is_shown_as_words(text: str, expected: str) -> None:
    assert escape(text) == expected


def test_a_hostile_video_id_cannot_break_the_report() -> None:
    bad = Row("judged", None, True, 5.0, "orders")
    report = build(frame({("short", "a|b](x)<img src=x>\n# Score 100"): [bad]}))
    text = render_markdown(report, PLOTS)
    assert "<img" not in text
    assert "\n# Score 100" not in text


def test_numbers_that_are_none_become_null() -> None:
    given = {"a": [float("nan"), float("inf"), 1.0], "b": (None, True)}
    assert jsonable(given) == {"a": [None, None, 1.0], "b": [None, True]}


def test_plots_are_pictures_and_the_same_every_time() -> None:
    report = build(whole())
    first, second = draw_plots(report), draw_plots(report)
    assert set(first) == {"plots/sections.png", "plots/protocols.png", "plots/scores.png"}
    assert all(content.startswith(b"\x89PNG") and len(content) > 5_000 for content in first.values())
    assert first == second


def test_remaking_a_report_gives_the_same_files(tmp_path: Path) -> None:
    written = write_run(tmp_path / "run", whole())
    before = {path: path.read_bytes() for path in sorted((tmp_path / "run").rglob("*.png"))}
    markdown = (tmp_path / "run" / "report.md").read_bytes()
    (tmp_path / "run" / "report.md").write_text("lost")
    assert remake_report(tmp_path / "run", resamples=200) == written
    assert (tmp_path / "run" / "report.md").read_bytes() == markdown
    assert {path: path.read_bytes() for path in before} == before
    assert changed_files(tmp_path / "run", read_record(tmp_path / "run")) == []


def test_the_report_command_prints_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path / "run", whole())
    with pytest.raises(SystemExit, match="0"):
        main(["report", str(tmp_path / "run"), "--json"])
    printed = capsys.readouterr()
    assert json.loads(printed.out) == json.loads((tmp_path / "run" / "report.json").read_text())
    assert "warning:" in printed.err
    with pytest.raises(SystemExit, match="0"):
        main(["report", str(tmp_path / "run")])
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("average") and "33.3" in line for line in lines)
    assert max(len(line) for line in lines if not line.startswith("report:")) <= 80


def damage(folder: Path, what: str) -> None:
    if what == "no folder":
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        folder.rmdir()
    elif what == "no verdicts":
        (folder / "verdicts.parquet").unlink()
    elif what == "cut verdicts":
        (folder / "verdicts.parquet").write_bytes((folder / "verdicts.parquet").read_bytes()[:500])
    elif what == "other verdicts":
        frame({("short", "a"): [yes()]}).to_parquet(folder / "verdicts.parquet", index=False)
    elif what == "wrong record":
        content = json.loads((folder / "run.json").read_text())
        (folder / "run.json").write_text(json.dumps({**content, "judge": "gpt", "run_id": 5, "elapsed_s": "long"}))


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("no folder", "no such folder"),
        ("no verdicts", "no such file"),
        ("cut verdicts", "no Parquet file"),
        ("other verdicts", "not the ones the run record was written for"),
        ("wrong record", r"(?s)judge = 'gpt'.*run_id = 5.*elapsed_s = 'long'"),
    ],
)
def test_a_damaged_run_is_refused_and_nothing_is_written(tmp_path: Path, what: str, message: str) -> None:
    folder = tmp_path / "run"
    write_run(folder, whole())
    damage(folder, what)
    left = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(InputError, match=message):
        remake_report(folder)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == left


def test_verdicts_read_back_give_the_same_numbers(tmp_path: Path) -> None:
    verdicts = one_section([EMPTY], [said("hm", True, 5.0, retry="x"), FAILED], [unparsed(), no(2)])
    write_run(tmp_path, verdicts)
    assert build(read_run(tmp_path).verdicts) == build(verdicts)
