"""``vdc demo``: two reports and a comparison, offline, in seconds."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from scoring.report.plots import PLOTS
from tests.scoring.small_world import exit_of, snapshot
from vdc.records import changed_files, read_record


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """The folder of a demo, and the seconds it took."""
    folder = tmp_path_factory.mktemp("demo") / "demo"
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("VDC_HOME", str(folder.parent / "user"))
        started = time.monotonic()
        assert exit_of(["demo", "--out", str(folder)]) == 0
        return folder, time.monotonic() - started


def test_it_takes_well_under_a_minute(demo: tuple[Path, float]) -> None:
    assert demo[1] < 20


@pytest.mark.parametrize("name", ["weak", "strong"])
def test_it_leaves_a_whole_run_folder(demo: tuple[Path, float], name: str) -> None:
    folder = demo[0] / name
    files = {"report.json", "report.md", "verdicts.parquet", "run.json", *PLOTS.values()}
    assert set(snapshot(folder)) == files
    assert changed_files(folder, read_record(folder)) == []
    for plot in PLOTS.values():
        assert (folder / plot).read_bytes().startswith(b"\x89PNG")
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["benchmark"]["name"] == "sample"
    assert report["judge"]["comparable"] is False


def test_the_captions_lie_beside_their_runs(demo: tuple[Path, float]) -> None:
    from vdc.benchmark.sample import sample_path

    for name in ("weak", "strong"):
        assert (demo[0] / f"{name}.jsonl").read_bytes() == sample_path(name).read_bytes()


def test_captions_that_somebody_changed_are_not_thrown_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "weak.jsonl").write_text("mine")
    assert exit_of(["demo", "--out", str(tmp_path)]) == 2
    assert "other captions" in capsys.readouterr().err
    assert (tmp_path / "weak.jsonl").read_text() == "mine" and not (tmp_path / "weak").exists()


def test_the_strong_captions_are_ahead_in_every_section(demo: tuple[Path, float]) -> None:
    weak, strong = (json.loads((demo[0] / name / "report.json").read_text("utf-8")) for name in ("weak", "strong"))
    assert len(strong["sections"]) == 5
    for name, section in strong["sections"].items():
        assert section["accuracy_ci95"][0] > weak["sections"][name]["accuracy_ci95"][1]
    assert weak["average"]["accuracy"] > 0


def test_the_weak_captions_show_what_the_published_rule_drops(demo: tuple[Path, float]) -> None:
    protocols = json.loads((demo[0] / "weak" / "report.json").read_text("utf-8"))["protocols"]
    assert protocols["official"]["dropped_videos"] > 0
    assert protocols["official"]["average"]["accuracy"] > protocols["strict"]["average"]["accuracy"]


@pytest.mark.usefixtures("plots_left_out")
def test_it_prints_both_runs_their_comparison_and_what_to_do_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "demo"
    assert exit_of(["demo", "--out", str(out)]) == 0
    said = capsys.readouterr()
    headings = (
        "weak captions",
        "strong captions",
        "weak (A) against strong (B)",
        f"Read {out / 'strong' / 'report.md'}",
    )
    places = [said.out.index(heading) for heading in headings]
    assert places == sorted(places)
    assert "vdc score predictions.jsonl" in said.out
    assert "not comparable with LLM-judged numbers" in said.err


@pytest.mark.usefixtures("plots_left_out")
def test_it_may_be_repeated_but_does_not_write_over_other_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "demo"
    assert [exit_of(["demo", "--out", str(out)]) for _ in range(2)] == [0, 0]
    capsys.readouterr()
    (out / "weak" / "run.json").unlink()
    before = snapshot(out)
    assert exit_of(["demo", "--out", str(out)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert snapshot(out) == before
    assert exit_of(["demo", "--out", str(out), "--overwrite"]) == 0
