"""``vdc store info`` and ``vdc store prune``: what is there, and deleting only what was named."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from vdc.cli import main
from vdc.llm.store import ReplyStore
from vdc.llm.types import ChatRequest, Message, Reply


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Three replies of ``llama`` and two of ``qwen``."""
    path = tmp_path / "replies.sqlite"
    fill(path, "llama", 3)
    fill(path, "qwen", 2)
    return path


def fill(path: Path, model: str, count: int) -> None:
    with ReplyStore(path) as opened:
        for number in range(count):
            request = ChatRequest(model, (Message("user", f"question {number}"),))
            opened.put(request, Reply(request.key(), "ok", text="yes", input_tokens=10, output_tokens=2))


def vdc(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


def counts(path: Path) -> dict[str, int]:
    with ReplyStore(path) as opened:
        return {model.model: model.replies for model in opened.info().models}


def test_info_shows_how_many_replies_of_which_models(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert vdc("store", "info", "--store", store) == 0
    said = capsys.readouterr().out
    assert f"{store}: 5 replies" in said
    assert "llama: 3 replies, 30 tokens in, 6 out" in said
    assert "qwen: 2 replies, 20 tokens in, 4 out" in said


def test_info_as_json_has_the_same(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert vdc("store", "info", "--store", store, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["path"], found["replies"]) == (str(store), 5)
    assert found["oldest"] <= found["newest"]
    assert found["models"][0] == {
        "model": "llama",
        "replies": 3,
        "text_bytes": 9,
        "input_tokens": 30,
        "output_tokens": 6,
    }


def test_info_without_a_name_reads_the_store_of_the_user(
    isolated_user: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(isolated_user / "replies.sqlite", "llama", 1)
    assert vdc("store", "info") == 0
    assert str(isolated_user / "replies.sqlite") in capsys.readouterr().out


@pytest.mark.parametrize("command", [("info",), ("prune", "--everything")], ids=lambda command: command[0])
def test_no_store_yet_is_said_and_none_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    path = tmp_path / "none.sqlite"
    assert vdc("store", *command, "--store", path) == 2
    assert "no reply store" in capsys.readouterr().err
    assert not path.exists()


def test_a_file_that_is_no_store_is_refused_and_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("my notes, none of them in SQL" * 100)
    assert vdc("store", "prune", "--everything", "--store", path) == 2
    said = capsys.readouterr().err
    assert "do next" in said
    assert "Traceback" not in said
    assert path.read_text() == "my notes, none of them in SQL" * 100


def test_prune_by_model_leaves_the_others(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert vdc("store", "prune", "--store", store, "--model", "llama") == 0
    assert "deleted 3 replies" in capsys.readouterr().out
    assert counts(store) == {"qwen": 2}


def test_prune_of_an_unknown_model_deletes_nothing(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert vdc("store", "prune", "--store", store, "--model", "lama") == 0
    assert "deleted 0 replies" in capsys.readouterr().out
    assert counts(store) == {"llama": 3, "qwen": 2}


def test_prune_by_age_leaves_what_is_younger(
    store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert vdc("store", "prune", "--store", store, "--older-than-days", "1") == 0
    assert counts(store) == {"llama": 3, "qwen": 2}
    now = time.time()
    monkeypatch.setattr("vdc.llm.store.time.time", lambda: now + 2 * 86_400)
    fill(store, "new", 1)
    assert vdc("store", "prune", "--store", store, "--older-than-days", "1") == 0
    assert "deleted 5 replies" in capsys.readouterr().out
    assert counts(store) == {"new": 1}


def test_prune_everything_needs_the_word(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert vdc("store", "prune", "--store", store) == 2
    assert "--everything" in capsys.readouterr().err
    assert counts(store) == {"llama": 3, "qwen": 2}
    assert vdc("store", "prune", "--store", store, "--everything") == 0
    assert counts(store) == {}


def test_a_dry_run_deletes_nothing(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert vdc("store", "prune", "--store", store, "--everything", "--dry-run") == 0
    assert "nothing was deleted" in capsys.readouterr().out
    assert counts(store) == {"llama": 3, "qwen": 2}
