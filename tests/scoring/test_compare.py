"""Two runs side by side: paired differences, and refusing or warning where they may not be compared."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from scoring.compare import compare_runs
from scoring.report.facts import RunFacts
from scoring.report.folder import Run
from tests.scoring.verdict_rows import FAILED, Row, frame, no, record, write_run, yes
from vdc.cli import main
from vdc.errors import InputError
from vdc.sections import SECTIONS, Section


def captions(
    share: float, videos: int = 40, sections: tuple[Section, ...] = SECTIONS
) -> dict[tuple[str, str], list[Row]]:
    rng = np.random.default_rng(1)
    draws = rng.random((len(sections), videos, 6))
    return {
        (section, f"v{video}"): [yes(4) if draw < share else no(1) for draw in draws[place, video]]
        for place, section in enumerate(sections)
        for video in range(videos)
    }


def run(verdicts: pd.DataFrame, name: str = "a", **changes: Any) -> Run:
    content = record(**changes)
    return Run(Path(name), content, RunFacts.from_record(content), verdicts)


def compare(first: Run, second: Run, **options: Any) -> Any:
    return compare_runs(first, second, resamples=200, permutations=499, **options)


def test_a_better_run_is_ahead_in_every_section_and_on_average() -> None:
    found = compare(run(frame(captions(0.3))), run(frame(captions(0.6))))
    assert [row.section for row in found.rows] == [*SECTIONS, "average"] * 2
    for row in found.rows:
        assert row.difference == pytest.approx(row.second - row.first)
        assert row.interval.low > 0
        assert row.p_value == pytest.approx(1 / 500)
        assert row.p_holm == pytest.approx(6 / 500)
        assert row.videos == 40
    assert found.warnings == ()


def test_the_average_difference_is_the_mean_of_the_sections() -> None:
    rows = compare(run(frame(captions(0.3))), run(frame(captions(0.5)))).rows[:6]
    assert rows[5].difference == pytest.approx(np.mean([row.difference for row in rows[:5]]))


def test_a_run_against_itself_differs_nowhere() -> None:
    for row in compare(run(frame(captions(0.4))), run(frame(captions(0.4)))).rows:
        assert (row.difference, row.p_value, row.p_holm) == (0.0, 1.0, 1.0)


def test_the_same_seed_gives_the_same_comparison() -> None:
    runs = run(frame(captions(0.4))), run(frame(captions(0.45)))
    assert compare(*runs, seed=3).to_json() == compare(*runs, seed=3).to_json()
    assert compare(*runs, seed=3).to_json() != compare(*runs, seed=4).to_json()


def test_swapping_the_runs_turns_the_sign() -> None:
    first, second = run(frame(captions(0.4))), run(frame(captions(0.45)))
    there, back = compare(first, second).rows, compare(second, first).rows
    assert [row.difference for row in there] == pytest.approx([-row.difference for row in back])


def test_only_common_sections_are_compared_and_no_average_is_made() -> None:
    first, second = run(frame(captions(0.3))), run(frame(captions(0.5, sections=("short", "camera"))))
    # The draws of the two tables differ, their questions in the common sections do not.
    found = compare(first, second)
    assert [row.section for row in found.rows] == ["short", "camera"] * 2
    assert any("only the common sections" in warning for warning in found.warnings)


def test_another_protocol_compares_its_own_numbers() -> None:
    better = captions(0.5)
    better["short", "v0"] = [no(0)] * 6
    strict = compare(run(frame(captions(0.3))), run(frame(better))).rows[0]
    official = compare(run(frame(captions(0.3))), run(frame(better)), protocol="official").rows[0]
    assert official.videos < strict.videos == 40


def other_gold(table: pd.DataFrame) -> pd.DataFrame:
    gold = table["gold"].copy()
    gold.iloc[7] = "something else"
    return table.assign(gold=gold)


DIFFERENT: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str]] = {
    "fewer videos": (lambda table: table[table["video_id"] != "v3"], "30 questions only in the first run"),
    "another gold answer": (other_gold, "1 questions whose text or gold differs"),
}


@pytest.mark.parametrize(("change", "message"), DIFFERENT.values(), ids=DIFFERENT.keys())
def test_runs_over_different_questions_are_refused(
    change: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    table = frame(captions(0.3))
    with pytest.raises(InputError, match=message):
        compare(run(table), run(change(table)))


def test_runs_without_a_common_section_are_refused() -> None:
    with pytest.raises(InputError, match=r"runs of different sections \(short and camera\)"):
        compare(run(frame(captions(0.3, sections=("short",)))), run(frame(captions(0.3, sections=("camera",)))))


WARNED = {
    "judge model": ({"judge": {"kind": "openai", "model": "judge-2", "comparable": True}}, "different judge model"),
    "prompts": ({"prompts": {"name": "vdc-1", "sha256": "other"}}, "different prompts sha256"),
    "lexical": ({"judge": {"kind": "lexical", "model": "judge-1", "comparable": False}}, "not comparable with LLM"),
    "benchmark files": ({"benchmark": {"name": "toy", "files": {"short.jsonl": "x"}}}, "benchmark files differ"),
    "protocol versions": ({"protocols": {"strict": 0}}, "different protocol versions"),
}


@pytest.mark.parametrize(("changes", "sentence"), WARNED.values(), ids=WARNED.keys())
def test_other_differences_between_the_runs_are_named(changes: dict[str, Any], sentence: str) -> None:
    table = frame(captions(0.4, videos=5))
    assert any(sentence in warning for warning in compare(run(table), run(table, **changes)).warnings)


def test_an_incomplete_run_is_compared_with_a_warning() -> None:
    gaps = captions(0.5, videos=5)
    gaps["short", "v0"] = [FAILED] * 6
    found = compare(run(frame(captions(0.4, videos=5))), run(frame(gaps)))
    assert found.rows[0].videos == 4
    assert "the second run is incomplete: 6 failed questions are left out" in found.warnings


def test_an_unknown_protocol_is_refused_before_anything_is_read() -> None:
    with pytest.raises(InputError, match="did you mean 'official'"):
        compare_runs("nowhere", "nowhere", protocol="oficial")


def test_the_command_fits_a_terminal_and_prints_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(tmp_path / "a", frame(captions(0.3)))
    write_run(tmp_path / "b", frame(captions(0.6)))
    with pytest.raises(SystemExit, match="0"):
        main(["compare", str(tmp_path / "a"), str(tmp_path / "b")])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert sum(line.startswith("average") for line in lines) == 2
    with pytest.raises(SystemExit, match="0"):
        main(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["protocol"] == "strict"
    assert len(found["rows"]) == 12
    assert found["rows"][5]["difference_ci95"][0] > 0


def test_the_command_refuses_what_is_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["compare", str(tmp_path), str(tmp_path / "none")])
    assert "run folder" in capsys.readouterr().err
