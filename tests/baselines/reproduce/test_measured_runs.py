from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from baselines.cli.reproduce import reproduce
from baselines.reproduce.measured import read_measured
from baselines.reproduce.run import list_tables, show_tables
from baselines.reproduce.tables import SURE, read_book
from vdc.errors import InputError

VDC = read_book("auroracap").table("vdc")
VIDEO = read_book("llama_vid").table("video_benchmarks")


def write(folder: Path, report: Any) -> Path:
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(json.dumps(report))
    return folder


def scored(accuracy: float = 0.4, **changes: Any) -> dict[str, Any]:
    numbers = {"accuracy": accuracy, "score": 2.0}
    official = {"average": numbers, "sections": {"camera": numbers, "short": numbers}}
    strict = {"average": {"accuracy": 0.1, "score": 0.1}, "sections": {"camera": {"accuracy": 0.1, "score": 0.1}}}
    return {
        "schema_version": 1,
        "incomplete": False,
        "judge": {"kind": "openai", "model": "a-judge", "comparable": True},
        "benchmark": {"name": "vdc", "videos": 1027},
        "protocols": {"strict": strict, "official": official},
    } | changes


def answered(task: str = "qa", **changes: Any) -> dict[str, Any]:
    rules = {"published": {"accuracy": 0.7, "score": 3.5}, "strict": {"accuracy": 0.1, "score": 0.1}}
    tasks = {task: {"rules": rules}}
    judge = {"kind": "openai", "model": "a-judge", "comparable": True}
    return {"schema_version": 1, "kind": "video_qa", "incomplete": False, "judge": judge, "tasks": tasks} | changes


def file(path: Path, **changes: Any) -> Path:
    content = {"schema_version": 1, "table": "auroracap/vdc", "how": "by hand", "rows": {}} | changes
    path.write_text(json.dumps(content))
    return path


def test_a_run_fills_the_sections_it_scored_by_the_published_rule_and_nothing_else(tmp_path: Path) -> None:
    run = write(tmp_path / "run", scored())
    found = read_measured("auroracap", VDC, [str(run)])
    assert {place: figure.value for place, figure in found.figures.items()} == {
        ("AuroraCap-7B", "camera accuracy"): 40.0,
        ("AuroraCap-7B", "camera score"): 2.0,
        ("AuroraCap-7B", "short accuracy"): 40.0,
        ("AuroraCap-7B", "short score"): 2.0,
        ("AuroraCap-7B", "average accuracy"): 40.0,
    }
    assert found.cautions == ()
    assert all("a-judge" in figure.how and "official" in figure.how for figure in found.figures.values())


def test_a_run_can_be_for_another_row(tmp_path: Path) -> None:
    run = write(tmp_path / "run", scored())
    found = read_measured("auroracap", VDC, [f"LLaMA-VID={run}"])
    assert {row for row, _ in found.figures} == {"LLaMA-VID"}


def test_a_run_over_another_benchmark_or_by_a_word_counter_is_cautioned(tmp_path: Path) -> None:
    judge = {"kind": "lexical", "model": "tf-idf-1", "comparable": False}
    run = write(tmp_path / "run", scored(judge=judge, benchmark={"name": "sample", "videos": 14}))
    found = read_measured("auroracap", VDC, [str(run)])
    assert ["counts words" in text for text in found.cautions] == [True, False]
    assert "14 videos of 'sample'" in found.cautions[1]


def test_answers_fill_the_data_set_they_are_named_for(tmp_path: Path) -> None:
    run = write(tmp_path / "run", answered())
    row = "7b-full-224-video-fps-1"
    found = read_measured("llama_vid", VIDEO, [f"{row}/MSVD-QA={run}"])
    assert {place: figure.value for place, figure in found.figures.items()} == {(row, "MSVD-QA accuracy"): 70.0}
    other = write(tmp_path / "other", answered("temporal"))
    found = read_measured("llama_vid", VIDEO, [f"{row}={other}"])
    assert {place: figure.value for place, figure in found.figures.items()} == {(row, "Temporal"): 3.5}


def test_a_measurement_file_fills_the_cells_it_names(tmp_path: Path) -> None:
    path = file(tmp_path / "own.json", rows={"AuroraCap-7B": {"camera accuracy": 41}})
    found = read_measured("auroracap", VDC, [str(path)])
    assert found.figures["AuroraCap-7B", "camera accuracy"].value == 41.0
    assert found.figures["AuroraCap-7B", "camera accuracy"].how.endswith("own.json: by hand")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        pytest.param({"table": "auroracap/sweep_vdc"}, "sweep_vdc", id="another-table"),
        pytest.param({"rows": {"AuroraCap": {}}}, "did you mean 'AuroraCap-7B'", id="unknown-row"),
        pytest.param({"rows": {"AuroraCap-7B": {"camera": 1}}}, "column of vdc 'camera'", id="unknown-column"),
        pytest.param({"rows": {"AuroraCap-7B": {"camera accuracy": "41"}}}, "camera accuracy", id="no-number"),
        pytest.param({"guess": 1}, "guess", id="unknown-field"),
        pytest.param({"schema_version": 2}, "schema_version", id="version"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path: Path, content: dict[str, Any], found: str) -> None:
    path = file(tmp_path / "own.json", **content)
    with pytest.raises(InputError, match=found):
        read_measured("auroracap", VDC, [str(path)])


@pytest.mark.parametrize(
    ("report", "found"),
    [
        pytest.param(scored(incomplete=True), "incomplete run", id="incomplete"),
        pytest.param({"schema_version": 7}, "another kind", id="another-kind"),
        pytest.param([], "another kind", id="no-object"),
        pytest.param(answered("temporal"), "fills no cell", id="fills-nothing"),
        pytest.param(scored(protocols={}), "fills no cell", id="no-numbers"),
    ],
)
def test_a_run_that_cannot_be_used_is_refused(tmp_path: Path, report: Any, found: str) -> None:
    run = write(tmp_path / "run", report)
    with pytest.raises(InputError, match=found):
        read_measured("auroracap", VDC, [str(run)])


def test_everything_wrong_with_the_measurements_is_said_at_once(tmp_path: Path) -> None:
    run = write(tmp_path / "run", scored())
    with pytest.raises(InputError) as caught:
        read_measured("auroracap", VDC, [str(run), str(run), f"nobody={run}", str(tmp_path / "nothing")])
    text = str(caught.value)
    assert "two values for AuroraCap-7B, camera accuracy" in text
    assert "row of vdc 'nobody'" in text
    assert "nothing" in text


def test_a_run_without_a_row_is_refused_where_no_row_is_the_papers_own(tmp_path: Path) -> None:
    run = write(tmp_path / "run", answered())
    with pytest.raises(InputError, match="say which row"):
        read_measured("llama_vid", VIDEO, [str(run)])
    with pytest.raises(InputError, match=r"data set of video_benchmarks 'MSVD'.*did you mean 'MSVD-QA'"):
        read_measured("llama_vid", VIDEO, [f"7b-full-224-video-fps-1/MSVD={run}"])


def test_without_measurements_nothing_is_measured() -> None:
    shown = show_tables("llama_vid", "image_benchmarks").to_json()
    assert {cell["measured"] for cell in shown["cells"]} == {None}
    assert {cell["recomputed"] for cell in shown["cells"]} == {None}
    assert {cell["difference"] for cell in shown["cells"]} == {None}


def invoke(*arguments: str) -> Any:
    app = typer.Typer()
    app.command()(reproduce)
    return CliRunner().invoke(app, list(arguments))


def test_the_list_names_every_table_with_its_state() -> None:
    text = invoke().stdout
    for model in ("auroracap", "llama_vid", "llavolta"):
        for name in read_book(model).tables:
            assert f"{model.ljust(9)}  {name} " in text
    assert len(json.loads(invoke("--json").stdout)["tables"]) == sum(
        len(book.tables) for book in list_tables(None).books
    )
    assert {table["model"] for table in json.loads(invoke("llavolta", "--json").stdout)["tables"]} == {"llavolta"}


def test_a_table_prints_published_measured_and_difference(tmp_path: Path) -> None:
    run = write(tmp_path / "run", scored(0.44))
    text = invoke("auroracap", "vdc", "--measured", str(run)).stdout
    line = next(line for line in text.splitlines() if line.startswith("AuroraCap-7B"))
    assert line.split()[:7] == ["AuroraCap-7B", "camera", "accuracy", "(percent)", "43.50", "44.00", "+0.50"]
    assert SURE["repository"] in text
    cells = json.loads(invoke("auroracap", "vdc", "--measured", str(run), "--json").stdout)["cells"]
    average = next(cell for cell in cells if cell["row"] == "AuroraCap-7B" and cell["column"] == "average accuracy")
    assert (average["published"], round(average["recomputed"], 3), average["measured"]) == (38.21, 38.362, 44.0)
    assert average["follows"] is False


def test_flagged_cells_alone_can_be_listed() -> None:
    shown = json.loads(invoke("auroracap", "video_captioning", "--flagged", "--json").stdout)
    assert [(cell["row"], cell["column"]) for cell in shown["cells"]] == [("MSR-VTT", "CIDEr"), ("VATEX", "METEOR")]
    text = invoke("auroracap", "video_captioning", "--flagged", "--markdown").stdout
    assert "10 recomputed cells, 2 of them not what is printed" in text
    assert text.startswith("## Video captioning")


def test_measurements_need_a_table_to_go_into(tmp_path: Path) -> None:
    assert isinstance(invoke("auroracap", "--measured", str(tmp_path)).exception, InputError)
