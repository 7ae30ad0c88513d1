"""Reading hostile files is bounded and says where; writing is all or nothing."""

from __future__ import annotations

import gzip
import hashlib
import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vdc.errors import InputError, Problem, RunFailed
from vdc.textio import (
    FileBytes,
    TextFacts,
    decode_text,
    excerpt,
    iter_json_lines,
    read_bytes,
    read_json,
    write_atomic,
)


def lines_of(data: bytes, **options: Any) -> tuple[list[tuple[int, Any]], list[Problem]]:
    problems: list[Problem] = []
    return list(iter_json_lines(FileBytes("f.jsonl", data, ""), problems, **options)), problems


def document_of(data: bytes, **options: Any) -> tuple[Any, list[Problem]]:
    problems: list[Problem] = []
    return read_json(FileBytes("f.json", data, ""), problems, **options), problems


def refusal(path: Path | str, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        read_bytes(path, **options)
    message = str(caught.value)
    assert all(part in message for part in ("found ", "expected ", "do next: "))
    return message


def test_digest_is_of_the_bytes_on_disk_and_data_is_unpacked(tmp_path: Path) -> None:
    packed = gzip.compress(b"one\n") + gzip.compress(b"two\n") + b"\0\0\0"
    path = tmp_path / "captions.any-name"
    path.write_bytes(packed)
    content = read_bytes(path)
    assert (content.data, content.gzipped) == (b"one\ntwo\n", True)
    assert content.sha256 == hashlib.sha256(packed).hexdigest()


@pytest.mark.parametrize(
    ("data", "found"),
    [
        pytest.param(gzip.compress(b"x" * 100)[:-5], "cut short after 100 unpacked bytes", id="without its trailer"),
        pytest.param(gzip.compress(b"x" * 100)[:12], "cut short", id="after the header"),
        pytest.param(gzip.compress(b"x") + b"tail", "broken gzip data", id="with other data behind it"),
        pytest.param(gzip.compress(b"x")[:-6] + b"\xff" * 6, "broken gzip data", id="with a wrong checksum"),
        pytest.param(b"plain text", "first bytes are 70 6c 61 69", id="in name only"),
    ],
)
def test_damaged_gzip_is_refused(tmp_path: Path, data: bytes, found: str) -> None:
    path = tmp_path / "captions.jsonl.gz"
    path.write_bytes(data)
    assert found in refusal(path)


def test_gzip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    # A member of 20 MB of zeros, fifty times: 1 GB out of 1 MB.
    path.write_bytes(gzip.compress(bytes(20_000_000), 9) * 50)
    started = time.perf_counter()
    message = refusal(path)
    assert "unpack to more than" in message
    assert time.perf_counter() - started < 2


def test_unpacked_content_obeys_the_byte_limit_whatever_its_ratio(tmp_path: Path) -> None:
    path = tmp_path / "noise.gz"
    path.write_bytes(gzip.compress(os.urandom(500) * 4))
    assert len(read_bytes(path, max_bytes=2_000).data) == 2_000
    assert "unpack to more than 1,999" in refusal(path, max_bytes=1_999)


def test_two_gigabyte_sparse_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "huge.jsonl"
    with path.open("wb") as file:
        file.truncate(2 << 30)
    started = time.perf_counter()
    message = refusal(path)
    assert time.perf_counter() - started < 0.1
    assert "2,147,483,648 bytes" in message


def test_folder_pipe_device_and_missing_file_are_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "found a directory" in refusal(tmp_path)
    assert "found a device, pipe or socket" in refusal(tmp_path / "pipe")
    assert "found a device, pipe or socket" in refusal("/dev/null")
    assert "found no such file" in refusal(tmp_path / "nothing")
    assert "cannot be opened" in refusal("nul\0byte")
    assert "cannot be opened" in refusal("n" * 5000)


def test_message_shows_no_control_characters_of_a_file_name(tmp_path: Path) -> None:
    assert "\x1b" not in refusal(tmp_path / "red\x1b[31m")


def test_lines_keep_their_numbers_and_blank_ones_are_skipped() -> None:
    assert lines_of(b'{"a":1}\n\n  \n[2]\n"last"') == ([(1, {"a": 1}), (4, [2]), (5, "last")], [])


@pytest.mark.parametrize(
    ("line", "found"),
    [
        pytest.param(b'{"a": 1', "no valid JSON", id="truncated"),
        pytest.param(b"{'a': 1}", "no valid JSON", id="python dictionary"),
        pytest.param(b'{"a": 1} {"b": 2}', "no valid JSON: Extra data", id="two values"),
        pytest.param(b'{"a": "\x01"}', "no valid JSON: Invalid control character", id="control character"),
        pytest.param(b'{"a": NaN}', "the number NaN", id="NaN"),
        pytest.param(b'{"a": -Infinity}', "the number -Infinity", id="infinity"),
        pytest.param(b'{"a": 1e999}', "the number 1e999", id="overflow to infinity"),
        pytest.param(b'{"a": ' + b"9" * 5000 + b"}", "thousands of digits", id="endless integer"),
        pytest.param(b'{"a": 1, "a": 2}', "the key 'a' more than once", id="duplicate key"),
        pytest.param(b'{"b": {"a": 1, "a": 1}}', "the key 'a' more than once", id="duplicate key inside"),
        pytest.param(b'{"a": "\xff\xfe"}', "bytes that are not UTF-8 (ff fe 22 7d)", id="not UTF-8"),
        pytest.param(b"[" * 1_000_000 + b"]" * 1_000_000, "nested deeper than 64", id="a million levels"),
        pytest.param(b'{"a":' * 1_000_000, "nested deeper than 64", id="a million levels, open"),
    ],
)
def test_bad_line_is_one_problem_with_its_number_and_the_rest_is_read(line: bytes, found: str) -> None:
    read, problems = lines_of(b"1\n" + line + b"\n3\n")
    assert read == [(1, 1), (3, 3)]
    assert [problem.where for problem in problems] == ["f.jsonl:2"]
    assert found in problems[0].found
    assert problems[0].expected
    assert problems[0].do_next


def test_brackets_inside_strings_are_no_nesting() -> None:
    text = b'{"a": "' + b'[{\\"' * 1000 + b'"}'
    read, problems = lines_of(text)
    assert problems == []
    assert read[0][1]["a"] == '[{"' * 1000


def test_wide_but_shallow_list_is_no_nesting() -> None:
    value, problems = document_of(b"[" + b"[]," * 999 + b"[]]")
    assert (len(value), problems) == (1000, [])


def test_unterminated_string_of_many_quotes_is_scanned_once() -> None:
    started = time.perf_counter()
    _, problems = lines_of(b'"' + b'\\"' * 50_000 + b"[" * 65)
    assert problems
    assert time.perf_counter() - started < 1


def test_more_containers_than_memory_should_hold_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vdc.textio.MAX_CONTAINERS", 100)
    assert document_of(b"[" + b"{}," * 98 + b"{}]")[1] == []
    assert "more than 100 JSON arrays and objects" in document_of(b"[" + b"{}," * 99 + b"{}]")[1][0].found


def test_lone_surrogates_become_replacement_characters_and_are_counted() -> None:
    facts = TextFacts()
    read, problems = lines_of(b'{"k\\ud800": ["\\udfff-\\ud83d\\ude00", "\\udc00\\udc00"]}', facts=facts)
    assert problems == []
    assert read[0][1] == {"k\ufffd": ["\ufffd-\U0001f600", "\ufffd\ufffd"]}
    assert facts.replaced_surrogates == 4


def test_byte_order_mark_and_crlf_are_problems_unless_lenient() -> None:
    data = b'\xef\xbb\xbf{"a":1}\n{"a":2}\r\n{"a":3}\r\n'
    _, problems = lines_of(data)
    assert [problem.where for problem in problems] == ["f.jsonl:1", "f.jsonl:2"]
    assert "byte order mark" in problems[0].found
    assert "2 line ends" in problems[1].found
    facts = TextFacts()
    read, problems = lines_of(data, lenient=True, facts=facts)
    assert (len(read), problems, facts.bom, facts.crlf_lines) == (3, [], True, 2)


def test_document_problem_names_the_line_of_the_error() -> None:
    value, problems = document_of(b'[\n {"a": 1},\n {"a": oops}\n]')
    assert value is None
    assert problems[0].where == "f.json:3"
    value, problems = document_of(b'[\n {"a": 1},\n {"a": "begu')
    assert problems[0].where == "f.json:3"
    assert "cut short" in problems[0].do_next


def test_utf16_is_recognised() -> None:
    value, problems = document_of('{"a": 1}'.encode("utf-16"))
    assert value is None
    assert problems[0].found == "UTF-16 text"


def test_null_document_is_a_value() -> None:
    assert document_of(b"null") == (None, [])


def test_reading_stops_after_very_many_problems() -> None:
    _, problems = lines_of(b"x\n" * 20_000)
    assert len(problems) == 10_001
    assert problems[-1].where == "f.jsonl:10000"


def test_text_that_is_not_utf8_names_its_line() -> None:
    problems: list[Problem] = []
    assert decode_text(FileBytes("t.tsv", b"ok\nok\n\xe9t\xe9\n", ""), problems) is None
    assert problems[0].where == "t.tsv:3"


@given(data=st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes_give_values_or_problems(data: bytes) -> None:
    lines_of(data)
    value, problems = document_of(data)
    assert value is None or not [problem for problem in problems if "JSON" in problem.found]


@given(value=st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=20))
@settings(max_examples=100, deadline=None)
def test_clean_json_is_read_as_the_standard_parser_reads_it(value: Any) -> None:
    import json

    data = json.dumps(value).encode()
    expected = json.loads(json.dumps(value).encode().decode())
    assert document_of(data) == (expected, [])


def test_written_file_is_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "report.json"
    write_atomic(path, "é\n")
    write_atomic(path, b"second\n")
    assert path.read_bytes() == b"second\n"
    assert [entry.name for entry in path.parent.iterdir()] == ["report.json"]


def test_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.json"
    write_atomic(path, "old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunFailed, match="No space left"):
        write_atomic(path, "new")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.json"]


def test_excerpt_is_short_and_escaped() -> None:
    assert excerpt("a\nb") == "'a\\nb'"
    assert len(excerpt("x" * 10_000_000)) < 70
