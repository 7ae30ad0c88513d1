"""The Hub's library against a real HTTP server on loopback that speaks the few calls it makes."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from vdc.benchmark.folder import ORIGIN_FILE
from vdc.benchmark.hub import fetch, is_hub_name
from vdc.benchmark.load import load_benchmark
from vdc.benchmark.parquet import write_export
from vdc.benchmark.pull import pull
from vdc.errors import InputError
from vdc.sections import SECTIONS

SET = "owner/captions"
OLD, NEW = "a" * 40, "b" * 40


def files(gold: str, folder: str = "VDCScore_qa") -> dict[str, bytes]:
    row = json.dumps({"clip": [{"question": "What colour?", "answer": gold}]}).encode()
    captions = json.dumps({"video_id": "clip", "captions": {"short_caption": f"It is {gold}."}}).encode()
    questions = {f"{folder}/{section}.jsonl": row for section in SECTIONS}
    return {**questions, "VDC_1k.jsonl": captions, "videos/videos_1.tar.gz": b"large"}


@dataclass
class FakeHub:
    """What the server holds and what it was asked for."""

    url: str = ""
    commits: Mapping[str, dict[str, bytes]] = field(default_factory=dict)
    revisions: Mapping[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)


def handler_of(hub: FakeHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            pass

        def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            hub.asked.append(path)
            info, tree, resolve = (
                f"/api/datasets/{SET}/revision/",
                f"/api/datasets/{SET}/tree/",
                f"/datasets/{SET}/resolve/",
            )
            if path.startswith((info, tree)):
                commit = hub.revisions.get(path.rsplit("/", 1)[1])
                if commit is None:
                    return self.reply(404, b"{}", X_Error_Code="RevisionNotFound")
                listing = [
                    {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                    for name, data in hub.commits[commit].items()
                ]
                answer: object = {"id": SET, "sha": commit} if path.startswith(info) else listing
                return self.reply(200, json.dumps(answer).encode(), Content_Type="application/json")
            if path.startswith(resolve):
                commit, _, name = path.removeprefix(resolve).partition("/")
                data = hub.commits[commit][name]
                return self.reply(200, data, X_Repo_Commit=commit, ETag=f'"{hashlib.sha1(data).hexdigest()}"')
            return self.reply(404, b"{}", X_Error_Code="RepoNotFound")

    return Handler


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    hub = FakeHub(
        commits={OLD: files("red", "annotations"), NEW: files("blue")},
        revisions={"main": NEW, "v1": OLD, NEW: NEW, OLD: OLD},
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(hub))
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield hub
    server.shutdown()
    server.server_close()
    thread.join()


def test_default_branch_is_fetched_without_its_videos_and_its_commit_is_known(hub: FakeHub, tmp_path: Path) -> None:
    snapshot = fetch(SET, endpoint=hub.url, cache_dir=tmp_path)
    assert snapshot.commit == NEW
    benchmark = load_benchmark(snapshot.folder)
    assert benchmark.questions["clip", "short"][0].gold == "blue"
    assert benchmark.captions["clip", "short"] == "It is blue."
    assert not [path for path in hub.asked if "videos" in path]


def test_older_revision_in_its_older_layout_is_fetched_by_tag(hub: FakeHub, tmp_path: Path) -> None:
    snapshot = fetch(SET, revision="v1", endpoint=hub.url, cache_dir=tmp_path)
    assert snapshot.commit == OLD
    assert load_benchmark(snapshot.folder).questions["clip", "camera"][0].gold == "red"


def test_fetched_commit_needs_no_second_connection(hub: FakeHub, tmp_path: Path) -> None:
    first = fetch(SET, endpoint=hub.url, cache_dir=tmp_path)
    assert fetch(SET, endpoint="http://127.0.0.1:9", cache_dir=tmp_path) == first


@pytest.mark.parametrize(
    ("name", "revision", "message"),
    [
        pytest.param("owner/nothing", None, "no folder of this name here and no such data set", id="set"),
        pytest.param(SET, "v9", "no such revision on the Hub", id="revision"),
    ],
)
def test_unknown_set_and_revision_are_told_apart(
    hub: FakeHub, tmp_path: Path, name: str, revision: str | None, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        fetch(name, revision=revision, endpoint=hub.url, cache_dir=tmp_path)
    assert message in str(caught.value)


def test_without_connection_the_message_says_how_to_get_the_files_by_hand(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        fetch(SET, endpoint="http://127.0.0.1:9", cache_dir=tmp_path)
    message = str(caught.value)
    assert "cannot be reached" in message
    assert "download short.jsonl" in message
    assert "give that folder in place of the name" in message


def test_a_cache_that_cannot_be_written_is_not_taken_for_a_hub_that_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(*_: Any, **__: Any) -> str:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(tmp_path))

    monkeypatch.setattr("huggingface_hub.snapshot_download", read_only)
    with pytest.raises(InputError, match="set HF_HOME") as caught:
        fetch(SET, cache_dir=tmp_path)
    assert "cannot be reached" not in str(caught.value)


def test_pulled_folder_keeps_name_and_commit_until_it_is_changed(hub: FakeHub, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    origin = pull(SET, folder, endpoint=hub.url, cache_dir=tmp_path / "cache")
    benchmark = load_benchmark(folder)
    assert (benchmark.name, benchmark.revision) == (SET, NEW) == (origin.name, origin.revision)
    assert benchmark.files == origin.files
    (folder / "VDCScore_qa" / "short.jsonl").write_bytes(files("green")["VDCScore_qa/short.jsonl"])
    changed = load_benchmark(folder)
    assert (changed.name, changed.revision == NEW) == ("mine", False)


def test_pull_never_writes_over_other_files_unasked(hub: FakeHub, tmp_path: Path) -> None:
    folder, cache = tmp_path / "mine", tmp_path / "cache"
    folder.mkdir()
    path = folder / "VDC_1k.jsonl"
    path.write_text("mine")
    with pytest.raises(InputError, match="another file of this name"):
        pull(SET, folder, endpoint=hub.url, cache_dir=cache)
    assert path.read_text() == "mine"
    assert not (folder / ORIGIN_FILE).exists()
    pull(SET, folder, endpoint=hub.url, cache_dir=cache, replace=True)
    assert path.read_bytes() == files("blue")["VDC_1k.jsonl"]


def test_export_that_lies_on_the_hub_is_read(hub: FakeHub, tmp_path: Path) -> None:
    write_export(load_benchmark("sample"), tmp_path / "export")
    hub.commits = {NEW: {path.name: path.read_bytes() for path in (tmp_path / "export").iterdir()}}
    snapshot = fetch(SET, endpoint=hub.url, cache_dir=tmp_path / "cache")
    assert load_benchmark(snapshot.folder).question_count == load_benchmark("sample").question_count


def test_load_benchmark_and_pull_go_through_the_hub_of_the_environment(hub: FakeHub, tmp_path: Path) -> None:
    # The Hub's library reads its address once, when it is imported: hence another process.
    code = f"""
import json, vdc
from vdc.cli import main
benchmark = vdc.load_benchmark({SET!r}, sections=["object"], revision="v1")
print(json.dumps([benchmark.name, benchmark.source, benchmark.revision, list(benchmark.sections)]))
main(["data", "pull", {SET!r}, "--out", {str(tmp_path / "out")!r}, "--json"])
"""
    environment = {
        **os.environ,
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    environment.pop("HF_HUB_OFFLINE", None)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    loaded, pulled = done.stdout.split("\n", 1)
    assert json.loads(loaded) == [SET, "hub", OLD, ["main_object"]]
    assert json.loads(pulled)["revision"] == NEW
    assert (tmp_path / "out" / "VDCScore_qa" / "detailed.jsonl").is_file()


@pytest.mark.parametrize(
    ("name", "expected"),
    [("owner/set", True), ("wchai/Video-Detailed-Caption", True), ("set", False), ("./a/b", False), ("a/b/c", False)],
)
def test_form_of_a_hub_name(name: str, expected: bool) -> None:
    assert is_hub_name(name) is expected
