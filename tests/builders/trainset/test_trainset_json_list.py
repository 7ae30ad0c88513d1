"""Lists larger than memory: read item by item whatever the pieces, written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from builders.trainset import json_list
from builders.trainset.json_list import JsonListWriter, iter_json_list
from vdc.errors import InputError

ITEMS: list[Any] = [
    {"a": 'é]},"[\\'},
    {},
    {"b": [1, {"c": None}]},
    123456,
    -1.5e3,
    "x, y",
    [],
    True,
    {"d": "😀"},
]


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 1 << 20])
@pytest.mark.parametrize("indent", [None, 3])
def test_items_come_out_whatever_pieces_the_file_is_read_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int, indent: int | None
) -> None:
    monkeypatch.setattr(json_list, "CHUNK", chunk)
    path = tmp_path / "list.json"
    path.write_text(json.dumps(ITEMS, indent=indent, ensure_ascii=False), encoding="utf-8")
    assert list(iter_json_list(path)) == list(enumerate(ITEMS))


@pytest.mark.parametrize("text", ["[]", " [ ]\n", "\ufeff[]"])
def test_a_list_without_items_has_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "list.json").write_text(text, encoding="utf-8")
    assert list(iter_json_list(tmp_path / "list.json")) == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[",
        b"[1",
        b"[1,",
        b"[1,]",
        b"[,1]",
        b"[1 2]",
        b"[1]]",
        b"[1] x",
        b"[NaN]",
        b'["\xff"]',
        b'[{"a": 1',
        b"[" * 100_000,
        b'[{"a": tru}]',
    ],
)
def test_what_is_no_whole_list_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "list.json").write_bytes(data)
    with pytest.raises(InputError, match=r"list\.json"):
        list(iter_json_list(tmp_path / "list.json"))


def test_one_item_without_an_end_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_list, "MAX_ITEM", 1000)
    monkeypatch.setattr(json_list, "CHUNK", 100)
    (tmp_path / "list.json").write_text('[{"a": "' + "x" * 100_000, encoding="utf-8")
    with pytest.raises(InputError, match="1,000 characters"):
        list(iter_json_list(tmp_path / "list.json"))


def test_what_is_written_is_a_list_of_the_items(tmp_path: Path) -> None:
    path = tmp_path / "new" / "list.json"
    with JsonListWriter(path) as writer:
        for item in ({"a": "\ud800 é"}, {"b": 1}):
            writer.add(item)
    assert json.loads(path.read_text(encoding="ascii")) == [{"a": "\ud800 é"}, {"b": 1}]
    assert writer.items == 2


def test_an_error_leaves_the_earlier_list(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    path.write_text("earlier", encoding="utf-8")
    with pytest.raises(KeyboardInterrupt), JsonListWriter(path) as writer:
        writer.add({"a": 1})
        raise KeyboardInterrupt
    assert path.read_text(encoding="utf-8") == "earlier"
    assert [found.name for found in tmp_path.iterdir()] == ["list.json"]
