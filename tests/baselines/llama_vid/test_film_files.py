"""Feature files of films: mapped, not loaded; written frame by frame; hostile ones refused."""

from __future__ import annotations

import pickle
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

from baselines.llama_vid import film_pickle
from baselines.llama_vid.features import Film, read_film, write_published
from baselines.llama_vid.film_pickle import MAPPED_BYTES, read_feature_file, write_feature_file
from baselines.llama_vid.film_store import FilmStore
from vdc.errors import InputError

LARGE = np.arange(MAPPED_BYTES, dtype=np.float16).reshape(64, 16, -1)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("features", [LARGE[:3, :5, :7], LARGE, np.asfortranarray(LARGE), LARGE.astype(np.float32)])
def test_what_any_protocol_wrote_is_read(tmp_path: Path, features: Any, protocol: int) -> None:
    path = tmp_path / "film.pkl"
    path.write_bytes(pickle.dumps({"feats": features, "inputs": "<image>é"}, protocol=protocol))
    read, inputs = read_feature_file(path)
    np.testing.assert_array_equal(read, features)
    assert inputs == "<image>é"
    assert isinstance(read, np.memmap) == (features.nbytes >= MAPPED_BYTES and protocol >= 3)


def test_a_mapped_film_is_the_same_to_torch_wherever_its_bytes_lie(tmp_path: Path) -> None:
    for place in range(4):
        write_feature_file(tmp_path / "film.pkl", LARGE, "<image>" * 64 + "x" * place)
        film = read_film(tmp_path / "film.pkl")
        assert film.tensor().float().sum().item() == LARGE.astype(np.float32).sum()


def test_what_is_written_is_read_by_plain_pickle(tmp_path: Path) -> None:
    write_published(Film(LARGE, "<image>" * 64), tmp_path / "film.pkl")
    with (tmp_path / "film.pkl").open("rb") as opened:
        table = pickle.load(opened)
    assert set(table) == {"feats", "inputs"}
    np.testing.assert_array_equal(table["feats"], LARGE)
    assert table["feats"].dtype == np.float16


def test_neither_writing_nor_reading_holds_the_film_in_memory(tmp_path: Path) -> None:
    shape = (400, 16, 2048)  # 26 MB
    stored = np.lib.format.open_memmap(tmp_path / "f.npy", mode="w+", dtype=np.float16, shape=shape)
    tracemalloc.start()
    write_feature_file(tmp_path / "film.pkl", stored, "")
    read_feature_file(tmp_path / "film.pkl")
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 1_000_000


def test_a_failed_write_leaves_the_earlier_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "film.pkl").write_bytes(b"earlier")

    class Breaks:
        shape, dtype, nbytes = (2, 1, 1), np.dtype(np.float16), 4

        def __iter__(self) -> Any:
            yield np.zeros((1, 1), np.float16)
            raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        write_feature_file(tmp_path / "film.pkl", Breaks(), "")  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["film.pkl"]
    assert (tmp_path / "film.pkl").read_bytes() == b"earlier"


def written(tmp_path: Path) -> bytes:
    write_feature_file(tmp_path / "whole.pkl", LARGE, "<image>" * 64)
    return (tmp_path / "whole.pkl").read_bytes()


@pytest.mark.parametrize("kept", [0, 1, 2, 50, 5000, -1, -4])
def test_a_file_cut_short_is_refused(tmp_path: Path, kept: int) -> None:
    (tmp_path / "film.pkl").write_bytes(written(tmp_path)[:kept])
    with pytest.raises(InputError, match="cannot be used"):
        read_film(tmp_path / "film.pkl")


def test_an_array_larger_than_its_bytes_is_refused(tmp_path: Path) -> None:
    data = written(tmp_path)
    (tmp_path / "film.pkl").write_bytes(
        data.replace(pickle.dumps(LARGE.shape, 2)[2:-1], pickle.dumps((64, 16, 9999), 2)[2:-1])
    )
    with pytest.raises(InputError, match="bytes for shape"):
        read_film(tmp_path / "film.pkl")


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x04\x8e" + struct.pack("<Q", 1 << 60) + b"x.",
        b"\x80\x04X" + struct.pack("<I", 1 << 31) + b"x.",
        b"\x80\x04" + b"(" * 100 + b".",
        b"cos\nsystem\n(S'true'\ntR.",
        pickle.dumps({"feats": np.array([{}], dtype=object), "inputs": ""}),
        pickle.dumps({"feats": np.zeros((1, 1, 1), np.int64), "inputs": "<image>"}),
    ],
    ids=["endless bytes", "endless text", "marks", "a call", "objects", "whole numbers"],
)
def test_hostile_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "film.pkl").write_bytes(content)
    with pytest.raises(InputError):
        read_film(tmp_path / "film.pkl")


def test_a_file_full_of_instructions_is_not_read_into_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(film_pickle, "MAX_REST_BYTES", 1000)
    (tmp_path / "film.pkl").write_bytes(b"\x80\x04" + b"N0" * 5000 + b".")
    with pytest.raises(InputError, match="1,000 bytes"):
        read_film(tmp_path / "film.pkl")


def test_an_unfinished_extraction_is_no_film(tmp_path: Path) -> None:
    store = FilmStore(tmp_path / "f", {"shape": [4, 2, 3]})
    store.append(np.ones((2, 2, 3), np.float16))
    with pytest.raises(InputError, match="no file"):
        read_film(tmp_path / "f")


def test_a_film_shorter_than_announced_has_the_frames_that_came(tmp_path: Path) -> None:
    store = FilmStore(tmp_path / "f", {"shape": [4, 2, 3]})
    store.append(np.ones((2, 2, 3), np.float16))
    store.finish("<image><image>", [0.0, 1.0])
    assert read_film(tmp_path / "f").features.shape == (2, 2, 3)


def test_a_folder_with_other_features_is_refused(tmp_path: Path) -> None:
    FilmStore(tmp_path / "f", {"shape": [4, 2, 3], "tower": "a"})
    with pytest.raises(InputError, match="tower 'a' and not 'b'"):
        FilmStore(tmp_path / "f", {"shape": [4, 2, 3], "tower": "b"})
