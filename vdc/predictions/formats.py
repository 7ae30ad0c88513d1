"""Which formats there are, and which of them a file is in: told from its content, not from its name."""

from __future__ import annotations

import os
from typing import Any, Final

from vdc.errors import InputError
from vdc.predictions import lmms_eval, official, plain, vlmevalkit
from vdc.predictions.rows import ABSENT, Format, PredictionFile, describe
from vdc.textio import FileBytes, excerpt, read_bytes, read_json

FORMATS: Final[dict[str, Format]] = {
    entry.name: entry
    for entry in (
        Format("jsonl", "line", "video_id", "caption", plain.read_lines),
        Format("json", "entry", "video_id", "caption", plain.read_list),
        Format("lmms-eval-log", "entry", "doc.video_name", "filtered_resps", lmms_eval.read_log),
        Format("lmms-eval-samples", "line", "video_name in a metric", "filtered_resps", lmms_eval.read_samples),
        Format("official", "entry", "doc.video_id", "resps", official.read),
        Format("vlmevalkit-xlsx", "row", "video", "prediction", vlmevalkit.read_xlsx),
        Format("vlmevalkit-tsv", "line", "video", "prediction", vlmevalkit.read_tsv),
        Format("vlmevalkit-csv", "line", "video", "prediction", vlmevalkit.read_csv),
        Format("vlmevalkit-json", "entry", "video", "prediction", vlmevalkit.read_json),
    )
}
"""Every format by name; each of them may also be packed with gzip."""

_ACCEPTED = "a captions file: " + ", ".join(FORMATS)
_SAMPLE_KEYS = {"filtered_resps", "resps", "doc_id", "doc_hash"}
_UNPACK = "unpack it and give the file inside"
_FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (b"\x80", "a Python pickle", "give the xlsx, tsv or json file; a pickle runs code when it is read"),
    (b"PAR1", "a Parquet file", "write the captions as JSON Lines"),
    (b"SQLite format 3", "an SQLite database", "write the captions as JSON Lines"),
    (b"\xd0\xcf\x11\xe0", "an old Excel (xls) or encrypted workbook", "save it as xlsx without a password, or as tsv"),
    (b"BZh", "bzip2 data", _UNPACK),
    (b"\xfd7zXZ", "xz data", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "zstd data", _UNPACK),
    (b"7z\xbc\xaf", "a 7z archive", _UNPACK),
    (b"\x1f\x8b", "gzip data inside gzip data", "unpack it once"),
    (b"%PDF", "a PDF document", "give the file the captioner wrote"),
    (b"<", "a web page or XML", "download the file itself, not the page that shows it"),
)
_FIRST_LINES = 20


def sniff(path: str | os.PathLike[str]) -> str:
    """The name of a file's format, a key of :data:`FORMATS`.

    Raises:
        InputError: The file cannot be read, or is in none of the formats.
    """
    file = PredictionFile(read_bytes(path), lenient=True)
    found = detect(file)
    if found is None:
        raise InputError(file.problems)
    return found.name


def detect(file: PredictionFile) -> Format | None:
    """The format of a file already read; None, and at least one problem, where it is none of them."""
    data = file.content.data.removeprefix(b"\xef\xbb\xbf")
    start = data[:4096].lstrip()
    if not start and not data.strip():
        file.reject("an empty file", _ACCEPTED, "check that the captioner finished and wrote its captions")
        return None
    if start.startswith(b"PK\x03\x04"):
        return FORMATS["vlmevalkit-xlsx"]
    for magic, kind, advice in _FOREIGN:
        if start.startswith(magic):
            file.reject(kind, _ACCEPTED, advice)
            return None
    if not start or start.startswith((b"{", b"[")):
        return _detect_json(file, data.lstrip())
    return _detect_table(file, start)


def _detect_table(file: PredictionFile, start: bytes) -> Format | None:
    header = start.split(b"\n", 1)[0]
    for separator, name in ((b"\t", "vlmevalkit-tsv"), (b",", "vlmevalkit-csv")):
        columns = {column.strip(b'" \r').lower() for column in header.split(separator)}
        if columns & {b"video", b"prediction", b"caption_type"}:
            return FORMATS[name]
    file.reject(f"content that starts with {excerpt(start[:40])}", _ACCEPTED, "write the captions as JSON Lines")
    return None


def _detect_json(file: PredictionFile, data: bytes) -> Format | None:
    first, _, rest = data.partition(b"\n")
    if first.startswith(b"{"):
        record = _parse_line(first)
        # A broken first line is one line's problem only if other lines look like objects of their own.
        if (rest.strip() and isinstance(record, dict)) or (record is None and b"\n{" in data):
            return _lines_format(record, rest)
        if isinstance(record, dict) and not rest.strip() and not _is_whole(record):
            return _lines_format(record, b"")
    document = file.document()
    return None if document is ABSENT else _document_format(file, document)


def _parse_line(line: bytes) -> Any:
    return read_json(FileBytes("", line, ""), [], lenient=True)


def _is_whole(record: dict[str, Any]) -> bool:
    """Whether an object is a whole file and not one caption of many."""
    return "logs" in record or _is_columns(record) or not (record.keys() & {*plain.ID_KEYS, "caption", *_SAMPLE_KEYS})


def _is_columns(record: dict[str, Any]) -> bool:
    return isinstance(record.get(vlmevalkit.CAPTION_KEY), dict | list)


def _lines_format(record: Any, rest: bytes) -> Format:
    """Between the two formats of one object per line, by the first line that is an object."""
    lines = iter(rest.split(b"\n", _FIRST_LINES)[:_FIRST_LINES])
    while not isinstance(record, dict):
        line = next(lines, None)
        if line is None:
            return FORMATS["jsonl"]
        record = _parse_line(line) if line.strip() else None
    # A plain line that happens to carry an id of its own stays plain.
    return FORMATS["lmms-eval-samples" if record.keys() & _SAMPLE_KEYS and "caption" not in record else "jsonl"]


def _document_format(file: PredictionFile, document: Any) -> Format | None:
    record = document
    if isinstance(document, dict):
        if "logs" in document:
            return FORMATS["lmms-eval-log"]
        if _is_columns(document):
            return FORMATS["vlmevalkit-json"]
    elif isinstance(document, list):
        if not document:
            file.reject("an empty list", _ACCEPTED, "check that the captioner finished and wrote its captions")
            return None
        record = next((entry for entry in document if isinstance(entry, dict)), None)
        if isinstance(record, dict) and (isinstance(record.get("doc"), dict) or "resps" in record):
            return FORMATS["official"]
        if isinstance(record, dict) and vlmevalkit.CAPTION_KEY in record:
            return FORMATS["vlmevalkit-json"]
    if isinstance(record, dict) and record.keys() & {*plain.ID_KEYS, "caption"}:
        return FORMATS["json"]
    advice = "write one object with video_id, section and caption per line"
    if isinstance(document, dict) and document.keys() & {"results", "n-samples", "configs"}:
        advice = "this looks like lmms-eval's summary: give the samples file that --log_samples writes beside it"
    file.reject(describe(document if record is None else record), _ACCEPTED, advice)
    return None
