"""A workbook is a zip of XML from a stranger: damaged, huge or hostile ones end as problems, never as crashes."""

from __future__ import annotations

import time
import tracemalloc
import zipfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vdc.errors import InputError
from vdc.predictions.read import examine_predictions, read_predictions, validate_predictions


def sheet_file(path: Path, rows: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_workbook_problems_name_their_rows(tmp_path: Path) -> None:
    rows: list[list[object]] = [["video", "caption_type", "prediction"], ["a", "short", 5], [None, "short", "x"]]
    path = sheet_file(tmp_path / "m.xlsx", rows)
    assert [problem.where for problem in validate_predictions(path)] == [f"{path}:row 2", f"{path}:row 3"]


def test_workbook_cut_short_is_bad_input(tmp_path: Path) -> None:
    path = sheet_file(tmp_path / "m.xlsx", [["video", "prediction"], ["a", "x"]])
    path.write_bytes(path.read_bytes()[:-100])
    assert "a damaged xlsx file" in validate_predictions(path)[0].found


def rewritten(path: Path, part: str, content: bytes) -> Path:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**parts, part: content}.items():
            archive.writestr(name, data)
    return path


def test_workbook_bomb_is_refused_by_its_directory(tmp_path: Path) -> None:
    path = sheet_file(tmp_path / "m.xlsx", [["video", "prediction"], ["a", "x"]])
    rewritten(path, "xl/sharedStrings.xml", bytes(80_000_000))
    assert "unpack to more than 67,108,864" in validate_predictions(path)[0].found


def test_workbook_over_the_given_limit_is_refused(tmp_path: Path) -> None:
    path = sheet_file(tmp_path / "m.xlsx", [["video", "caption_type", "prediction"], ["a", "short", "x" * 30_000]])
    assert path.stat().st_size < 10_000
    with pytest.raises(InputError, match=r"unpack to more than 20,000; expected at most 20,000 bytes and 100 times"):
        read_predictions(path, max_bytes=20_000)
    assert len(read_predictions(path, max_bytes=100_000).captions) == 1


def test_workbook_whose_directory_lies_is_refused_in_little_memory(tmp_path: Path) -> None:
    path = sheet_file(tmp_path / "m.xlsx", [["video", "prediction"], ["a", "x"]])
    rewritten(path, "xl/sharedStrings.xml", bytes(200_000_000))
    size, told = (200_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(size, told))
    with zipfile.ZipFile(path) as archive:
        assert archive.getinfo("xl/sharedStrings.xml").file_size == 10
    tracemalloc.start()
    try:
        problems = validate_predictions(path, max_bytes=10_000_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "unpack to more than 10,000,000" in problems[0].found
    assert peak < 40_000_000


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_workbook_packed_by_another_method_is_refused(tmp_path: Path, method: int) -> None:
    path = sheet_file(tmp_path / "m.xlsx", [["video", "prediction"], ["a", "x"]])
    with zipfile.ZipFile(path, "a", method) as archive:
        archive.writestr("xl/more.xml", bytes(100_000))
    assert f"packed by method {method}" in validate_predictions(path)[0].found


def test_an_entity_split_over_two_pieces_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vdc.predictions.workbook._PIECE_BYTES", 3)
    path = sheet_file(tmp_path / "m.xlsx", [["video", "prediction"], ["a", "x"]])
    rewritten(path, "xl/worksheets/sheet1.xml", "<!DOCTYPE x><worksheet/>".encode("utf-16-le"))
    assert "document type declaration" in validate_predictions(path)[0].found


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_workbook_with_entities_is_refused(tmp_path: Path, encoding: str) -> None:
    path = sheet_file(tmp_path / "m.xlsx", [["video", "prediction"], ["a", "x"]])
    evil = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha">]><worksheet/>'
    rewritten(path, "xl/worksheets/sheet1.xml", evil.encode(encoding))
    assert "document type declaration" in validate_predictions(path)[0].found


def test_workbook_with_a_row_far_away_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vdc.predictions.workbook.MAX_ROWS", 50)
    path = sheet_file(tmp_path / "m.xlsx", [["video", "prediction"], ["a", "x"]])
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    far = b'<row r="999999999"><c r="A999999999" t="inlineStr"><is><t>b</t></is></c></row></sheetData>'
    rewritten(path, "xl/worksheets/sheet1.xml", sheet.replace(b"</sheetData>", far))
    started = time.perf_counter()
    assert "more than 50 rows" in validate_predictions(path, section="short")[0].found
    assert time.perf_counter() - started < 2


def test_full_table_of_a_workbook_reads_in_seconds(tmp_path: Path) -> None:
    rows: list[list[object]] = [["video", "caption_type", "prediction"]]
    rows += [[str(number), "short", "word " * 100] for number in range(1027)]
    path = sheet_file(tmp_path / "m.xlsx", rows)
    started = time.perf_counter()
    assert len(read_predictions(path).captions) == 1027
    assert time.perf_counter() - started < 2


@given(cut=st.integers(0, 6000), flip=st.integers(0, 6000), value=st.integers(0, 255))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_workbooks_give_captions_or_problems(tmp_path: Path, cut: int, flip: int, value: int) -> None:
    path = sheet_file(tmp_path / "m.xlsx", [["video", "caption_type", "prediction"], ["a", "short", "x"]])
    data = bytearray(path.read_bytes())
    data[flip % len(data)] = value
    path.write_bytes(bytes(data[: len(data) - cut % len(data)] if cut % 3 == 0 else data))
    found = examine_predictions(path)
    assert bool(found.problems) is (found.predictions is None)
