"""Every kind of bad file ends in one message: found, expected, do next, with line numbers; nothing is guessed."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vdc.benchmark.model import Benchmark, Question
from vdc.errors import InputError, Problem
from vdc.predictions.formats import FORMATS
from vdc.predictions.read import examine_predictions, read_predictions, validate_predictions
from vdc.sections import SECTIONS, Section


def line(video: object = "v", section: object = "short", caption: object = "A dog.") -> str:
    return json.dumps({"video_id": video, "section": section, "caption": caption})


def write(folder: Path, text: str | bytes | Sequence[str], name: str = "p.jsonl") -> Path:
    path = folder / name
    if not isinstance(text, str | bytes):
        text = "".join(f"{part}\n" for part in text)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def benchmark(*videos: str, sections: Sequence[Section] = SECTIONS) -> Benchmark:
    questions = {(v, s): (Question(v, s, 0, "What?", "That."),) for s in sections for v in videos}
    return Benchmark("tiny", "folder", None, questions)


def problems_of(path: Path, **options: Any) -> list[Problem]:
    """The problems, after checking that reading raises exactly them, complete and in one message."""
    found = validate_predictions(path, **options)
    with pytest.raises(InputError) as caught:
        read_predictions(path, **options)
    assert list(caught.value.problems) == found
    assert caught.value.exit_code == 2
    for problem in found:
        assert problem.found
        assert problem.expected
        assert problem.do_next
        assert problem.where
    return found


@pytest.mark.parametrize(
    ("bad", "found"),
    [
        pytest.param('{"video_id": "x", "capt', "no valid JSON", id="truncated JSON"),
        pytest.param(line(video=7), "a video id that is a number (7)", id="id is a number"),
        pytest.param(line(video=""), "the video id ''", id="id is empty"),
        pytest.param(line(video="videos/"), "the video id 'videos/'", id="id is a folder"),
        pytest.param(line(caption=None), "a caption that is null", id="caption is null"),
        pytest.param(line(caption=1.5), "a caption that is a number (1.5)", id="caption is a number"),
        pytest.param(line(caption=["a"]), "a caption that is a list of 1", id="caption is a list"),
        pytest.param(line(caption={"text": "a"}), "a caption that is an object", id="caption is an object"),
        pytest.param('{"video_id": "x", "section": "short", "caption": NaN}', "the number NaN", id="caption is NaN"),
        pytest.param(line(section="shrot"), "section 'shrot'", id="section misspelt"),
        pytest.param(line(section=""), "section ''", id="section empty"),
        pytest.param(line(section=None), "a section that is null", id="section null"),
        pytest.param('{"video_id": "x", "section": "short", "text": "y"}', "no caption among", id="no caption key"),
        pytest.param('{"id": "x", "section": "short", "caption": "y"}', "no video id among", id="no id key"),
        pytest.param('{"video_id": "x", "caption": "y"}', "does not say its section", id="one without section"),
        pytest.param('{"video_id": "x", "video_id": "y"}', "the key 'video_id' more than once", id="key twice"),
        pytest.param('["x", "short", "y"]', "a list of 3", id="list instead of object"),
        pytest.param("[" * 1_000_000, "nested deeper than", id="a million levels"),
    ],
)
def test_bad_line_is_reported_with_its_number(tmp_path: Path, bad: str, found: str) -> None:
    path = write(tmp_path, [line("a"), "", bad, line("b")])
    problems = problems_of(path)
    assert [problem.where for problem in problems] == [f"{path}:3"]
    assert found in problems[0].found


def test_misspelt_section_gets_the_valid_names_and_the_closest(tmp_path: Path) -> None:
    problem = problems_of(write(tmp_path, [line(section="backgrond")]))[0]
    assert problem.expected == "one of short, background, main_object, camera, detailed"
    assert problem.do_next == "did you mean 'background'?"


def test_all_problems_are_listed_not_only_the_first(tmp_path: Path) -> None:
    path = write(tmp_path, [line(), line(video=1, section="x", caption=2), "{", line()])
    places = sorted(problem.where.rsplit(":", 1)[1] for problem in problems_of(path))
    assert places == ["2", "2", "2", "3", "4"]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        pytest.param(b"", "an empty file", id="empty"),
        pytest.param(b" \n\n", "an empty file", id="blank"),
        pytest.param(b"\xef\xbb\xbf", "an empty file", id="only a mark"),
        pytest.param(b" " * 9000, "an empty file", id="long blank"),
        pytest.param(b"[]", "an empty list", id="empty list"),
        pytest.param(b"{}", "an empty object", id="empty object"),
        pytest.param(b'{"results": {}, "configs": {}}', "an object with the keys", id="summary"),
        pytest.param(b'"caption"', "content that starts with", id="JSON text"),
        pytest.param(b"hello there", "content that starts with", id="prose"),
        pytest.param(b"<!DOCTYPE html>", "a web page", id="web page"),
        pytest.param(b"\x80\x04\x95", "a Python pickle", id="pickle"),
        pytest.param(b"PK\x03\x04 and no archive", "a damaged xlsx file", id="broken workbook"),
        pytest.param('{"video_id": 1}'.encode("utf-16"), "content that starts with", id="UTF-16"),
        pytest.param(b'[{"video_id": "a", "caption": "x"}, {"vid', "no valid JSON", id="truncated list"),
        pytest.param(b'{"args": {}, "logs": [{"doc_id": 1, "fil', "no valid JSON", id="truncated log"),
        pytest.param(b'{"args": {}, "logs": []}', "no captions", id="log without entries"),
        pytest.param(b"[" * 1_000_000, "nested deeper than", id="a million levels"),
        pytest.param(b"video\tcaption_type\tprediction\n", "no captions", id="table without rows"),
        pytest.param(b"video\tscore\nv\t1\n", "no column prediction", id="table of scores"),
        pytest.param(b'video\tprediction\nv\t"open\n', "a broken table row", id="open quotation mark"),
        pytest.param(b"video\tprediction\nv\tx\ty\n", "3 cells", id="row too wide"),
        pytest.param(b"video\tprediction\tprediction\n", "'prediction' twice", id="column twice"),
    ],
)
def test_whole_file_of_the_wrong_kind_is_named(tmp_path: Path, data: bytes, found: str) -> None:
    assert found in problems_of(write(tmp_path, data, "p.any"), section="short")[0].found


def test_summary_of_lmms_eval_sends_the_user_to_the_samples_file(tmp_path: Path) -> None:
    path = write(tmp_path, '{"results": {"short_test": 1}, "configs": {}}', "results.json")
    assert "samples file" in problems_of(path)[0].do_next


def test_marks_of_other_systems_are_refused_and_lenient_accepts_them(tmp_path: Path) -> None:
    path = write(tmp_path, b"\xef\xbb\xbf" + f"{line('a')}\r\n{line('b')}\r\n".encode())
    assert [problem.where for problem in problems_of(path)] == [f"{path}:1", f"{path}:1"]
    found = read_predictions(path, lenient=True)
    assert len(found.captions) == 2
    assert any("byte order mark" in note for note in found.notes)
    assert any("2 line ends of the form CR LF" in note for note in found.notes)


def test_duplicates_name_both_lines_and_lenient_keeps_the_last(tmp_path: Path) -> None:
    path = write(tmp_path, [line(caption="first"), line("w"), line("v.mp4", caption="last")])
    (problem,) = problems_of(path)
    assert problem.where == f"{path}:3"
    assert "another is on line 1" in problem.found
    assert "--lenient" in problem.do_next
    found = read_predictions(path, lenient=True)
    assert found.captions["v", "short"].caption == "last"
    assert found.duplicates == 1
    assert any("1 captions were replaced" in note for note in found.notes)


def test_unknown_videos_are_refused_and_lenient_leaves_them_out(tmp_path: Path) -> None:
    path = write(tmp_path, [line("a"), line("A"), line("zzz")])
    problems = problems_of(path, benchmark=benchmark("a", "b"))
    assert [problem.where for problem in problems] == [f"{path}:2", f"{path}:3"]
    assert problems[0].do_next == "did you mean 'a'?"
    assert "--lenient" in problems[1].do_next
    found = read_predictions(path, benchmark=benchmark("a", "b"), lenient=True)
    assert (list(found.captions), found.unknown) == ([("a", "short")], 2)
    assert any("2 captions of videos" in note for note in found.notes)


@pytest.mark.parametrize("lenient", [False, True])
def test_file_for_another_benchmark_is_one_problem(tmp_path: Path, lenient: bool) -> None:
    path = write(tmp_path, [line(str(number)) for number in range(30)])
    (problem,) = problems_of(path, benchmark=benchmark("a"), lenient=lenient)
    assert "none of 30 video ids" in problem.found
    assert "'a'" in problem.expected


def test_video_without_questions_in_its_section_is_not_unknown(tmp_path: Path) -> None:
    path = write(tmp_path, [line("a", "short"), line("a", "camera")])
    found = read_predictions(path, benchmark=benchmark("a", sections=["short"]))
    assert (len(found.captions), found.unknown) == (2, 0)
    assert any("1 captions have no question" in note for note in found.notes)


def test_file_that_never_says_its_section_is_one_problem_until_told(tmp_path: Path) -> None:
    path = write(tmp_path, [json.dumps({"video_id": str(n), "caption": "x"}) for n in range(3)], "short.jsonl")
    (problem,) = problems_of(path)
    assert "pass --section short|background|main_object|camera|detailed" in problem.do_next
    assert read_predictions(path, section="short").sections == {"short"}


def test_only_wanted_sections_are_kept_but_all_are_checked(tmp_path: Path) -> None:
    path = write(tmp_path, [line("a", "short"), line("a", "camera")])
    found = read_predictions(path, sections=["short"])
    assert list(found.captions) == [("a", "short")]
    assert any("1 captions of other sections" in note for note in found.notes)
    (problem,) = problems_of(path, sections=["detailed"])
    assert "could be kept" in problem.found
    assert len(problems_of(write(tmp_path, [line("a"), line("a", "camera", 1)]), sections=["short"])) == 1


def test_unknown_section_option_is_bad_input(tmp_path: Path) -> None:
    path = write(tmp_path, [line()])
    assert problems_of(path, section="shrt")[0].where == "--section"
    assert problems_of(path, sections=["shrt"])[0].where == "--section"


def test_empty_captions_are_kept_and_counted(tmp_path: Path) -> None:
    found = read_predictions(write(tmp_path, [line("a", caption=""), line("b", caption=" \n"), line("c")]))
    assert (len(found.captions), found.empty) == (3, 2)
    assert any("2 captions are empty or blank" in note for note in found.notes)


def test_reasoning_tags_are_kept_and_noted(tmp_path: Path) -> None:
    text = "<think>hm</think>A dog."
    found = read_predictions(write(tmp_path, [line("a", caption=text), line("b")]))
    assert found.captions["a", "short"].caption == text
    assert any("1 captions contain reasoning tags" in note for note in found.notes)


def test_lone_surrogates_are_replaced_and_noted(tmp_path: Path) -> None:
    found = read_predictions(write(tmp_path, ['{"video_id": "a", "section": "short", "caption": "x\\ud800"}']))
    assert found.captions["a", "short"].caption == "x\ufffd"
    assert any("1 lone surrogates" in note for note in found.notes)


@pytest.mark.parametrize(("count", "noted"), [(49, False), (50, True), (51, False)])
def test_exactly_fifty_captions_are_noted(tmp_path: Path, count: int, noted: bool) -> None:
    path = write(tmp_path, [line(str(number)) for number in range(count)])
    assert any("exactly 50 captions" in note for note in read_predictions(path).notes) is noted


def test_fifty_captions_of_a_benchmark_of_fifty_are_complete(tmp_path: Path) -> None:
    ids = [str(number) for number in range(50)]
    found = read_predictions(write(tmp_path, [line(video) for video in ids]), benchmark=benchmark(*ids))
    assert found.notes == ()


def test_merged_split_is_named_first_and_lenient_keeps_one_of_five(tmp_path: Path) -> None:
    path = write(tmp_path, [line(f"v{number % 4}", caption=str(number)) for number in range(20)])
    problems = problems_of(path)
    assert "all five sections as one split" in problems[0].found
    assert len(problems) == 1 + 16
    found = read_predictions(path, lenient=True)
    assert [p.caption for p in found.captions.values()] == ["16", "17", "18", "19"]
    assert any("all five sections as one split" in note for note in found.notes)


def test_folder_missing_file_and_oversize_are_bad_input(tmp_path: Path) -> None:
    assert problems_of(tmp_path)[0].found == "a directory"
    assert problems_of(tmp_path / "nothing.jsonl")[0].found == "no such file"
    path = tmp_path / "sparse.jsonl"
    with path.open("wb") as file:
        file.truncate(2 << 30)
    started = time.perf_counter()
    assert "2,147,483,648 bytes" in problems_of(path)[0].found
    assert time.perf_counter() - started < 0.2


def test_packed_file_cut_short_and_bomb_are_bad_input(tmp_path: Path) -> None:
    packed = gzip.compress("".join(f"{line(str(n))}\n" for n in range(100)).encode())
    assert "cut short" in problems_of(write(tmp_path, packed[:-20], "p.jsonl.gz"))[0].found
    bomb = gzip.compress(bytes(20_000_000), 9) * 10
    assert "unpack to more than" in problems_of(write(tmp_path, bomb, "bomb.jsonl.gz"))[0].found


def test_broken_first_line_does_not_hide_the_others(tmp_path: Path) -> None:
    path = write(tmp_path, ["{video_id: 1}", line("a"), line("b", caption=3)])
    assert [problem.where for problem in problems_of(path)] == [f"{path}:1", f"{path}:3"]


@pytest.mark.parametrize("shape", ["{}", "[{}]"], ids=["lines", "list"])
def test_reading_ends_after_very_many_problems(tmp_path: Path, shape: str) -> None:
    bad = [line(caption=1)] * 10_500
    path = write(tmp_path, bad if shape == "{}" else f"[{','.join(bad)}]")
    problems = problems_of(path)
    assert len(problems) == 10_001
    assert "problems up to here" in problems[-1].found


def test_full_set_reads_in_well_under_a_second(tmp_path: Path) -> None:
    rows = [line(f"{n:064x}", section, "word " * 220) for section in SECTIONS for n in range(1027)]
    path = write(tmp_path, rows)
    assert path.stat().st_size > 6_000_000
    started = time.perf_counter()
    assert len(read_predictions(path).captions) == 5135
    assert time.perf_counter() - started < 1


FRAGMENTS = st.sampled_from(
    [
        b"{", b"}", b"[", b"]", b'"', b":", b",", b"\n", b"\r\n", b"\t", b"\xef\xbb\xbf", b"\xff", b"null", b"1e999",
        b"NaN", b'"logs"', b'"doc"', b'"resps"', b'"filtered_resps"', b'"video_id"', b'"video"', b'"prediction"',
        b'"caption"', b'"section"', b'"short"', b"video\tprediction\n", b"PK\x03\x04", b"\x1f\x8b", b"\\ud800", b"\0",
        b"x",
        b'{"video_id":"a","section":"short","caption":"x"}', b'{"doc":{"video_id":"a"},"resps":[["x"]]}',
        b'{"doc_id":1,"m":{"video_name":"a"},"filtered_resps":[]}', b'{"prediction":{"0":"x"},"video":{"0":"a"}}',
    ]
)  # fmt: skip


@given(
    data=st.binary(max_size=200) | st.lists(FRAGMENTS, max_size=12).map(b"".join),
    name=st.sampled_from([None, *FORMATS]),
    lenient=st.booleans(),
    section=st.sampled_from([None, "short"]),
)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_give_captions_or_problems(
    tmp_path: Path, data: bytes, name: str | None, lenient: bool, section: str | None
) -> None:
    path = write(tmp_path, data, "any_samples_short_test.jsonl")
    found = examine_predictions(path, format=name, lenient=lenient, section=section, benchmark=benchmark("a"))
    assert bool(found.problems) is (found.predictions is None)
    if found.predictions is not None:
        assert found.predictions.captions
