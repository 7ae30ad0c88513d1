"""Every format in the wild is recognised from its content and gives the same captions."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from vdc.errors import InputError
from vdc.predictions.formats import FORMATS, sniff
from vdc.predictions.read import read_predictions

A = ("vid-a", "short", "A dog runs.")
B = ("vid-b", "short", 'Two "cats",\tone line\nand another: \u00e9\u4e2d\U0001f600')
CAPTIONS = (A, B)
GOLD = "the gold caption, which no reader may take"


def as_jsonl(records: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def plain_records() -> list[dict[str, Any]]:
    return [{"video_id": video, "section": section, "caption": text} for video, section, text in CAPTIONS]


def unsectioned_records() -> list[dict[str, Any]]:
    return [{"video_id": f"{video}.mp4", "caption": text} for video, _, text in CAPTIONS]


def log_entries() -> list[dict[str, Any]]:
    return [
        {
            "doc_id": number,
            "doc": {"video_name": video, "caption": GOLD, "qa_list": [{"question": "?", "answer": "!"}]},
            "target": GOLD,
            "resps": [[text]],
            "filtered_resps": [text],
            "llm_eval_score": {"video_name": video, "caption": GOLD, "pred": text, "score": 2.5},
        }
        for number, (video, _, text) in enumerate(CAPTIONS)
    ]


def old_log() -> bytes:
    document = {
        "args": {"tasks": "short_test", "model": "some"},
        "model_configs": {"task": "short_test"},
        "logs": log_entries(),
        "time": "1101_1200",
    }
    return json.dumps(document, indent=4).encode()


def samples(metric: str, **extra: Any) -> bytes:
    return as_jsonl(
        [
            {
                "doc_id": number,
                "target": GOLD,
                "filtered_resps": [text],
                "doc_hash": "00",
                "input": "Describe.",
                metric: {"video_name": video, "caption": GOLD, "pred": text, "score": 1.0},
                **extra,
            }
            for number, (video, _, text) in enumerate(CAPTIONS)
        ]
    )


def official() -> bytes:
    return json.dumps([{"doc": {"video_id": f"{v}.MP4"}, "resps": [[text]]} for v, _, text in CAPTIONS]).encode()


def table_rows() -> list[dict[str, Any]]:
    return [
        {"index": n, "video": v, "caption_type": s, "question": "[{'question': \"q\"}]", "prediction": text}
        for n, (v, s, text) in enumerate(CAPTIONS)
    ]


def table(separator: str, end: str = "\n") -> bytes:
    def cell(value: object) -> str:
        return '"' + str(value).replace('"', '""') + '"'

    rows = table_rows()
    lines = [separator.join(rows[0])] + [separator.join(cell(value) for value in row.values()) for row in rows]
    return "".join(line + end for line in lines).encode()


def columns(kind: type) -> bytes:
    rows = table_rows()
    data = {
        name: [row[name] for row in rows] if kind is list else {str(n): row[name] for n, row in enumerate(rows)}
        for name in rows[0]
    }
    return json.dumps(data).encode()


def workbook(rows: list[list[object]]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        book = openpyxl.Workbook()
        sheet = book.active
        assert sheet is not None
        for row in rows:
            sheet.append(row)
        book.save(path)

    return write


FILES: dict[str, tuple[str, str, bytes, str | None]] = {
    "plain lines": ("p.jsonl", "jsonl", as_jsonl(plain_records()), None),
    "plain lines under another name": ("p.txt", "jsonl", as_jsonl(plain_records()), None),
    "plain lines without a last line end": ("p.jsonl", "jsonl", as_jsonl(plain_records()).rstrip(), None),
    "lines without section": ("short.jsonl", "jsonl", as_jsonl(unsectioned_records()), "short"),
    "list": ("p.json", "json", json.dumps(plain_records()).encode(), None),
    "indented list": ("p.json", "json", json.dumps(plain_records(), indent=2).encode(), None),
    "list without section": ("p.json", "json", json.dumps(unsectioned_records()).encode(), "short"),
    "old log": ("any.json", "lmms-eval-log", old_log(), None),
    "old log on one line": ("any.json", "lmms-eval-log", json.dumps(json.loads(old_log())).encode(), None),
    "samples 2024-10": ("1_samples_short_test.jsonl", "lmms-eval-samples", samples("gpt_eval_score"), None),
    "samples 2024-11": ("1_samples_short_test.jsonl", "lmms-eval-samples", samples("llm_eval_score"), None),
    "samples now": ("1_samples_short_test.jsonl", "lmms-eval-samples", samples("llmms_eval_acc"), None),
    "samples of vdc_short": ("1_samples_vdc_short.jsonl", "lmms-eval-samples", samples("llmms_eval_acc"), None),
    "samples renamed": ("mine.jsonl", "lmms-eval-samples", samples("llmms_eval_acc"), "short"),
    "official list": ("raw.json", "official", official(), "short"),
    "official list of log entries": ("raw.json", "official", json.dumps(log_entries()).encode(), "short"),
    "tsv": ("m_VDC.tsv", "vlmevalkit-tsv", table("\t"), None),
    "tsv of a spreadsheet": ("m_VDC.tsv", "vlmevalkit-tsv", b"\xef\xbb\xbf" + table("\t", "\r\n"), None),
    "csv": ("m_VDC.csv", "vlmevalkit-csv", table(","), None),
    "json records": ("m_VDC.json", "vlmevalkit-json", json.dumps(table_rows()).encode(), None),
    "json columns": ("m_VDC.json", "vlmevalkit-json", columns(dict), None),
    "json columns as lists": ("m_VDC.json", "vlmevalkit-json", columns(list), None),
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("case", FILES)
def test_format_is_sniffed_and_read(tmp_path: Path, case: str, packed: bool) -> None:
    name, wanted, data, section = FILES[case]
    path = tmp_path / (f"{name}.gz" if packed else name)
    path.write_bytes(gzip.compress(data) if packed else data)
    assert sniff(path) == wanted
    found = read_predictions(path, section=section)
    assert found.format == wanted
    assert [(p.video_id, p.section, p.caption) for p in found.captions.values()] == list(CAPTIONS)
    assert all(key == (p.video_id, p.section) for key, p in found.captions.items())


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
def test_workbook_is_sniffed_and_read(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / "m_VDC.xlsx"
    rows = table_rows()
    workbook([list(rows[0]), *(list(row.values()) for row in rows)])(path)
    if packed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    found = read_predictions(path)
    assert found.format == sniff(path) == "vlmevalkit-xlsx"
    assert [(p.video_id, p.section, p.caption, p.line) for p in found.captions.values()] == [(*A, 2), (*B, 3)]


def test_every_registered_format_has_a_file_here() -> None:
    assert {wanted for _, wanted, _, _ in FILES.values()} | {"vlmevalkit-xlsx"} == set(FORMATS)


def test_line_numbers_are_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_bytes(b"\n" + as_jsonl(plain_records()))
    assert [p.line for p in read_predictions(path).captions.values()] == [2, 3]


def test_row_after_a_cell_of_two_lines_keeps_its_line_number(tmp_path: Path) -> None:
    path = tmp_path / "m.tsv"
    path.write_bytes(table("\t") + b"vid-c\tshort\n")
    with pytest.raises(InputError) as caught:
        read_predictions(path)
    assert [problem.where for problem in caught.value.problems] == [f"{path}:5"]


@pytest.mark.parametrize(
    "name",
    [
        "vid-a", " vid-a ", "vid-a.mp4", "vid-a.MP4", "vid-a.mkv", "vid-a.webm", "vid-a.mov", "vid-a.avi",
        "videos/x/vid-a.mp4", "C:\\videos\\vid-a.mp4",
    ],
)  # fmt: skip
def test_folder_and_extension_are_no_part_of_an_id(tmp_path: Path, name: str) -> None:
    path = tmp_path / "p.jsonl"
    path.write_bytes(as_jsonl([{"video_id": name, "section": "short", "caption": "x"}]))
    found = read_predictions(path)
    assert list(found.captions) == [("vid-a", "short")]
    assert ("1 video ids had a folder" in " ".join(found.notes)) is (name != "vid-a")


def test_dot_that_begins_no_video_extension_stays(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    records = [{"video_id": name, "section": "short", "caption": "x"} for name in ("v1.5", ".mp4", "a.mp4.b")]
    path.write_bytes(as_jsonl(records))
    assert [video for video, _ in read_predictions(path).captions] == ["v1.5", ".mp4", "a.mp4.b"]


@pytest.mark.parametrize(
    ("name", "section"),
    [
        ("object", "main_object"),
        ("main_object_test", "main_object"),
        ("Detailed", "detailed"),
        ("vdc_camera", "camera"),
    ],
)
def test_section_aliases_are_understood(tmp_path: Path, name: str, section: str) -> None:
    path = tmp_path / "p.jsonl"
    path.write_bytes(as_jsonl([{"video_id": "v", "section": name, "caption": "x"}]))
    assert read_predictions(path).sections == {section}


def test_section_option_fills_only_what_the_file_leaves_open(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_bytes(
        as_jsonl([{"video_id": "v", "caption": "x"}, {"video_id": "v", "section": "camera", "caption": "y"}])
    )
    assert set(read_predictions(path, section="object").captions) == {("v", "main_object"), ("v", "camera")}


def test_task_name_against_the_section_option_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "1_samples_detailed_test.jsonl"
    path.write_bytes(samples("llmms_eval_acc"))
    with pytest.raises(InputError, match="'detailed_test', which is section detailed, and --section short"):
        read_predictions(path, section="short")


def test_several_tasks_in_the_arguments_name_no_section(tmp_path: Path) -> None:
    document = json.loads(old_log())
    document["args"]["tasks"] = "short_test,camera_test"
    del document["model_configs"]
    path = tmp_path / "results.json"
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match="pass --section"):
        read_predictions(path)
    path.rename(tmp_path / "camera_test.json")
    assert read_predictions(tmp_path / "camera_test.json").sections == {"camera"}


def test_lmms_eval_caption_falls_back_to_resps_and_then_to_the_metric(tmp_path: Path) -> None:
    path = tmp_path / "1_samples_short_test.jsonl"
    records = [
        {"doc_id": 0, "resps": [["from resps"]], "llmms_eval_acc": {"video_name": "a", "pred": "no"}},
        {"doc_id": 1, "llmms_eval_acc": {"video_name": "b", "caption": GOLD, "pred": "from pred"}},
    ]
    path.write_bytes(as_jsonl(records))
    assert [p.caption for p in read_predictions(path).captions.values()] == ["from resps", "from pred"]


def test_formula_like_caption_and_empty_cell_survive_a_workbook(tmp_path: Path) -> None:
    path = tmp_path / "m.xlsx"
    rows: list[list[object]] = [
        ["video", "caption_type", "prediction"],
        ["a", "short", "=SUM(1)"],
        ["b", "short", None],
    ]
    workbook(rows)(path)
    found = read_predictions(path)
    assert [p.caption for p in found.captions.values()] == ["=SUM(1)", ""]
    assert found.empty == 1


def test_stated_format_is_used_instead_of_looking(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_bytes(json.dumps(plain_records()).encode())
    assert read_predictions(path, format="json").format == "json"
    with pytest.raises(InputError, match=r"format 'jason'.*did you mean 'json'"):
        read_predictions(path, format="jason")


@pytest.mark.parametrize("name", FORMATS)
def test_wrong_stated_format_is_a_problem_and_no_crash(tmp_path: Path, name: str) -> None:
    path = tmp_path / "p.json"
    for data in (b"{}", b"[]", b"[1]", b"null", b'"x"', b"[[1]]", b'{"logs": [1]}', b'{"prediction": [1], "video": 2}'):
        path.write_bytes(data)
        with pytest.raises(InputError):
            read_predictions(path, format=name, section="short")
