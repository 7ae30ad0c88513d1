"""The readable report."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builders.audit.board_audit import audit_board
from builders.audit.document import Bullets, Heading, Paragraph, Picture, Table, to_html, to_markdown
from builders.audit.report import write_benchmark_report, write_board_report
from builders.audit.run import audit_benchmark

HOSTILE = "<script>alert(1)</script> | `x` [a](b)\n# head"


@pytest.mark.parametrize(
    "block", [Heading(2, HOSTILE), Paragraph(HOSTILE), Bullets([HOSTILE]), Table(["h"], [[HOSTILE]])]
)
def test_text_from_files_stays_text(block: Any) -> None:
    page = to_html([block], {})
    assert "<script>" not in page
    lines = to_markdown([block]).splitlines()
    assert not any(re.search(r"(?<!\\)[<`\[]", line) for line in lines)
    assert not any(line.startswith("# head") for line in lines)


def test_html_page_holds_its_pictures() -> None:
    page = to_html([Heading(1, "T"), Picture("plots/a.png", "what it shows")], {"plots/a.png": b"png"})
    assert 'src="data:image/png;base64,cG5n"' in page
    assert "http" not in page
    assert to_markdown([Picture("plots/a.png", "what it shows")]) == "![what it shows](plots/a.png)\n"


def test_report_of_a_benchmark(write_folder: Callable[[Any], Path], small_benchmark: Any, tmp_path: Path) -> None:
    files = write_benchmark_report(audit_benchmark(write_folder(small_benchmark)), tmp_path / "report")
    names = {path.relative_to(tmp_path / "report").as_posix() for path in files}
    assert {"benchmark.md", "benchmark.html", "benchmark.json", "plots/findings.png", "plots/kept.png"} <= names
    for path in files:
        if path.suffix == ".png":
            assert path.read_bytes().startswith(b"\x89PNG")
    text = (tmp_path / "report" / "benchmark.md").read_text(encoding="utf-8")
    for name in re.findall(r"\]\((plots/[^)]+)\)", text):
        assert name in names
    assert "### repeated\\_question" in text
    assert str(tmp_path) not in text


def test_report_quotes_a_few_words_only(write_folder: Callable[[Any], Path], tmp_path: Path) -> None:
    question = "Which one two three four five six seven eight"
    write_benchmark_report(audit_benchmark(write_folder({"short": [("v", [(question, "")])]})), tmp_path / "report")
    text = (tmp_path / "report" / "benchmark.md").read_text(encoding="utf-8")
    assert "Which one two three four five ..." in text
    assert "seven" not in text


def test_equal_audits_give_equal_files(
    write_folder: Callable[[Any], Path], small_benchmark: Any, tmp_path: Path
) -> None:
    audit = audit_benchmark(write_folder(small_benchmark))
    first = write_benchmark_report(audit, tmp_path / "first")
    second = write_benchmark_report(audit, tmp_path / "second")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_report_of_a_board_names_every_finding(tmp_path: Path) -> None:
    board = tmp_path / "board.json"
    board.write_text('[{"model": "m<1>", "avg_acc": "101", "avg_score": 2}]', encoding="utf-8")
    write_board_report(audit_board(board), tmp_path / "report")
    text = (tmp_path / "report" / "board.md").read_text(encoding="utf-8")
    assert 'm\\<1\\> (row 0): avg\\_acc = "101"' in text
    assert "no field for camera" in text
