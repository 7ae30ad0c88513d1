from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leaderboard.parquet_pages import BrokenPage, page_sizes

HUGE = 1 << 40


def write(path: Path, table: pa.Table, **options: object) -> Path:
    pq.write_table(table, path, **options)
    return path


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "zstd"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("dictionary", [True, False])
def test_the_pages_add_up_to_the_footers_sum(tmp_path: Path, compression: str, version: str, dictionary: bool) -> None:
    table = pa.table(
        {"a": [f"text {row % 50}" for row in range(3000)], "b": list(range(3000)), "c": [None, 1.5] * 1500}
    )
    path = write(
        tmp_path / "t.parquet", table, compression=compression, data_page_version=version, use_dictionary=dictionary,
        row_group_size=1000, data_page_size=2048,
    )  # fmt: skip
    facts = pq.read_metadata(path)
    claimed = sum(facts.row_group(place).total_byte_size for place in range(facts.num_row_groups))
    sizes = page_sizes(path, HUGE)
    # The footer's sum counts the heads of the pages, too.
    assert 0.5 * claimed < sizes.total <= claimed
    assert (sizes.dictionary > 0) == dictionary


@pytest.mark.parametrize("dictionary", [True, False])
def test_a_huge_page_is_found_without_unpacking_it(tmp_path: Path, dictionary: bool) -> None:
    table = pa.table({"raw": ["x" * (64 << 20)]})
    path = write(tmp_path / "bomb.parquet", table, compression="zstd", use_dictionary=dictionary)
    assert path.stat().st_size < 20_000
    assert page_sizes(path, 1 << 20).total > 64 << 20


def test_a_footer_that_lies_does_not_hide_a_huge_page(tmp_path: Path) -> None:
    table = pa.table({"raw": ["x" * (64 << 20)]})
    path = write(tmp_path / "bomb.parquet", table, compression="zstd", use_dictionary=False)
    path.write_bytes(with_small_sizes(path.read_bytes()))
    facts = pq.read_metadata(path)
    assert facts.row_group(0).total_byte_size < 1000 and facts.row_group(0).column(0).total_uncompressed_size < 1000
    assert page_sizes(path, 1 << 20).total > 64 << 20


def with_small_sizes(content: bytes, unpacked: int = 64 << 20) -> bytes:
    """The file with the footer's sums rewritten to 1, as numbers of the same length; heads of pages stay."""
    length = int.from_bytes(content[-8:-4], "little")
    head, footer, end = content[: -8 - length], content[-8 - length : -8], content[-8:]
    for size in range(unpacked, unpacked + 200):
        number = varint(size * 2)
        padded = bytes([0x82]) + bytes([0x80]) * (len(number) - 2) + bytes([0])
        footer = footer.replace(number, padded)
    return head + footer + end


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


@pytest.mark.parametrize(
    "noise", [b"\xff" * 64, b"\x00" * 64, b"\x1c" * 64, b"\x15\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"]
)
def test_heads_that_are_none_are_told(tmp_path: Path, noise: bytes) -> None:
    path = write(tmp_path / "t.parquet", pa.table({"a": ["some text"] * 100}), use_dictionary=False)
    content = bytearray(path.read_bytes())
    content[4 : 4 + len(noise)] = noise
    path.write_bytes(content)
    with pytest.raises(BrokenPage):
        page_sizes(path, HUGE)


def test_a_bomb_in_a_run_is_refused_in_little_memory(tmp_path: Path) -> None:
    """A page of 256 megabytes in a file of some kilobytes: what checks it must not unpack it."""
    table = pa.table({"raw": ["x" * (256 << 20)]})
    path = write(tmp_path / "bomb.parquet", table, compression="zstd", use_dictionary=False)
    path.write_bytes(with_small_sizes(path.read_bytes(), 256 << 20))
    check = (
        "import resource, sys; from pathlib import Path; from types import SimpleNamespace\n"
        "import pandas, pyarrow.parquet\n"
        "from leaderboard.intake import _check_size\n"
        "from vdc.errors import InputError\n"
        "used = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = used()\n"
        f"try: _check_size(Path({str(path)!r}), SimpleNamespace(question_count=1000))\n"
        "except InputError as error: print(error)\n"
        "print(used() - before)"
    )
    done = subprocess.run([sys.executable, "-c", check], check=True, timeout=120, capture_output=True, text=True)
    message, more = done.stdout.strip().splitlines()
    assert "unpacked" in message
    assert int(more) < 60_000, f"{more} KiB more"


@pytest.mark.parametrize(
    ("rows", "columns", "options", "found"),
    [
        (300, 1, {"row_group_size": 1}, "at most 256 row groups"),
        (200, 60, {"row_group_size": 1}, "at most 10,000 chunks"),
        (15_000, 2, {"data_page_size": 1, "write_batch_size": 1, "use_dictionary": False}, "more than 20,000 pages"),
    ],
    ids=["groups", "chunks", "pages"],
)
def test_a_file_has_one_budget(tmp_path: Path, rows: int, columns: int, options: dict[str, object], found: str) -> None:
    table = pa.table({f"c{column}": list(range(rows)) for column in range(columns)})
    path = write(tmp_path / "many.parquet", table, **options)
    with pytest.raises(BrokenPage, match=found):
        page_sizes(path, HUGE)


@pytest.mark.parametrize("rows", [0, 1, 5000])
def test_honest_tables_of_any_length_are_read(tmp_path: Path, rows: int) -> None:
    table = pa.table(
        {
            "none": pa.nulls(rows, pa.string()),
            "text": pa.array(["word"] * rows, pa.string()),
            "list": pa.array([[1, 2]] * rows, pa.list_(pa.int64())),
        }
    )
    assert (page_sizes(write(tmp_path / "t.parquet", table), HUGE).total > 0) == (rows > 0)


@pytest.mark.parametrize(
    ("chunks", "found"),
    [
        ([(4, None, 100), (4, None, 100)], "the same bytes"),
        ([(4, None, 100), (60, 50, 90)], "the same bytes"),
        ([(0, None, 100)], "without an offset"),
        ([(0, 4, 100)], "without an offset"),
        ([(-9, None, 100)], "without an offset"),
        ([(40, -9, 100)], "without an offset"),
        ([(None, None, 100)], "its offset and size"),
        ([(4, None, None)], "its offset and size"),
        ([(4, None, -1)], "outside the file"),
        ([(4, None, 1 << 62)], "outside the file"),
        ([(1 << 62, None, 5)], "outside the file"),
        ([(4, None, 30)], "does not end|behind its chunk"),
    ],
)
def test_chunks_that_no_writer_makes_are_told(
    tmp_path: Path, chunks: list[tuple[int | None, int | None, int | None]], found: str
) -> None:
    table = pa.table({"a": [f"text {row}" for row in range(1000)]})
    content = write(tmp_path / "t.parquet", table, use_dictionary=False).read_bytes()
    columns = [
        struct({3: struct({5: number(9), 7: number(length), 9: number(data), 11: number(dictionary)})})
        for data, dictionary, length in chunks
    ]
    footer = struct({4: listed([struct({1: listed(columns)})])})
    path = tmp_path / "made.parquet"
    path.write_bytes(content + footer[1] + len(footer[1]).to_bytes(4, "little") + b"PAR1")
    with pytest.raises(BrokenPage, match=found):
        page_sizes(path, HUGE)


Value = tuple[int, bytes]


def number(value: int | None) -> Value | None:
    return None if value is None else (6, varint(value * 2 if value >= 0 else -value * 2 - 1))


def listed(values: list[Value]) -> Value:
    return 9, bytes([len(values) << 4 | 12]) + b"".join(content for _, content in values)


def struct(fields: dict[int, Value | None]) -> Value:
    parts = [bytes([value[0]]) + varint(field * 2) + value[1] for field, value in fields.items() if value]
    return 12, b"".join(parts) + b"\0"


def test_a_head_that_gives_a_size_twice_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "t.parquet", pa.table({"a": ["some text"] * 100}), use_dictionary=False)
    content = bytearray(path.read_bytes())
    content[4:14] = b"\x15\x00\x15\x10\x05\x04\x02\x15\x02\x00"
    path.write_bytes(content)
    with pytest.raises(BrokenPage, match="given twice"):
        page_sizes(path, HUGE)


def test_a_damaged_footer_ends_as_a_broken_page(tmp_path: Path) -> None:
    content = write(tmp_path / "t.parquet", pa.table({"a": ["x", "y"], "b": [1, 2]})).read_bytes()
    length = int.from_bytes(content[-8:-4], "little")
    path = tmp_path / "damaged.parquet"
    broken = 0
    for place in range(len(content) - 8 - length, len(content)):
        for value in (0x00, 0x01, 0x7F, 0xFF):
            path.write_bytes(content[:place] + bytes([value]) + content[place + 1 :])
            try:
                page_sizes(path, HUGE)
            except BrokenPage:
                broken += 1
    assert broken > 50
