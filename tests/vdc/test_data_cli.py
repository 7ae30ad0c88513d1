from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from vdc.benchmark.load import load_benchmark
from vdc.data_cli import app
from vdc.errors import InputError

runner = CliRunner()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    def line(video_id: str, question: str = "q") -> str:
        return json.dumps({video_id: [{"question": question, "answer": "x"}]}) + "\n"

    (tmp_path / "short.jsonl").write_text(line("a") + line("a", ""))
    (tmp_path / "camera.jsonl").write_text(line("mixkit-a") + line("a"))
    return tmp_path


def test_info_counts_what_is_there(folder: Path) -> None:
    result = runner.invoke(app, ["info", str(folder), "--json"])
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert (report["videos"], report["questions"]) == (2, 3)
    short = report["sections"]["short"]
    assert (short["videos"], short["questions"], short["empty_questions"]) == (1, 1, 1)
    assert (short["duplicate_ids"], short["missing_ids"]) == (["a"], ["mixkit-a"])
    assert (short["captions"], short["caption_words"], report["words"]) == (0, None, None)
    assert report["id_families"] == {"mixkit": 1, "other": 1}
    assert report["files"] == load_benchmark(folder).files


def test_median_and_words_follow_the_stated_rule(tmp_path: Path) -> None:
    sizes = {"a": 1, "b": 2, "c": 4, "d": 9}
    item = {"question": "q", "answer": "x"}
    (tmp_path / "short.jsonl").write_text("\n".join(json.dumps({id_: [item] * n}) for id_, n in sizes.items()))
    captions = {"short_caption": "It's a well-known Dog, a dog."}
    (tmp_path / "VDC_1k.jsonl").write_text(json.dumps({"video_id": "a", "captions": captions}))
    report = json.loads(runner.invoke(app, ["info", str(tmp_path), "--json"]).stdout)
    short = report["sections"]["short"]
    assert [short[name] for name in ("fewest", "median", "mean", "most")] == [1, 2, 4.0, 9]
    assert (report["words"], short["caption_words"], short["vocabulary"]) == (6, 6.0, 4)


def test_info_table_fits_a_terminal_of_80_columns() -> None:
    result = runner.invoke(app, ["info", "sample"])
    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "detailed         14       269   18   19  19.21   20" in result.stdout


def test_info_names_duplicate_and_missing_ids(folder: Path) -> None:
    text = runner.invoke(app, ["info", str(folder)]).stdout
    assert "ids on more than one line (the last line counts)\n  short        a\n" in text
    assert "ids missing here, known to other sections\n  short        mixkit-a\n" in text


def test_info_counts_words_per_section(folder: Path) -> None:
    item = {"question": "Which one? The red one", "answer": "the fox"}
    (folder / "camera.jsonl").write_text(json.dumps({"a": [item, item]}))
    lines = runner.invoke(app, ["info", str(folder)]).stdout.splitlines()
    table = lines[next(place for place, line in enumerate(lines) if line.startswith("words")) :]
    row = next(line for line in table if line.startswith("camera"))
    assert row.split() == ["camera", "-", "10", "4", "5.0", "4", "2", "2.0"]


def test_info_without_a_name_takes_the_setting(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VDC_BENCHMARK", str(folder))
    assert json.loads(runner.invoke(app, ["info", "--json"]).stdout)["videos"] == 2


def test_export_is_read_like_any_benchmark(tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    result = runner.invoke(app, ["export", "sample", "--out", out, "--section", "object", "--limit", "2", "--json"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["videos"] == 2
    assert load_benchmark(out).sections == ("main_object",)


def test_pull_of_a_name_that_is_no_hub_name_is_refused(tmp_path: Path) -> None:
    result = runner.invoke(app, ["pull", "sample", "--out", str(tmp_path)])
    assert isinstance(result.exception, InputError)
    assert "wchai/Video-Detailed-Caption" in str(result.exception)


def test_reading_a_folder_imports_no_table_library() -> None:
    code = (
        "import sys; from vdc.data_cli import app; from vdc.benchmark import load_benchmark; load_benchmark('sample');"
        "print([m for m in ('pandas', 'pandera', 'datasets', 'pyarrow', 'huggingface_hub') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
