"""Requests that try to fill memory or disk, over real sockets against a real server process."""

from __future__ import annotations

import gzip
import http.client
import json
import select
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from leaderboard.db.models import State
from leaderboard.services import Services
from tests.leaderboard.board_kit import new_holder, predictions_submission
from tests.leaderboard.browser_kit import Site, running_site
from tests.leaderboard.filled_board import held_board

MEGABYTE = 1 << 20
GIGABYTE = 1 << 30


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("served")
    with held_board(folder) as board:
        (folder / "key").write_text(new_holder(board)[1], encoding="utf-8")
    with running_site(folder) as running:
        yield running


def process_of(site: Site) -> psutil.Process:
    port = int(site.url.rpartition(":")[2])
    (mine,) = [
        child for child in psutil.Process().children() if any(one.laddr.port == port for one in child.net_connections())
    ]
    return mine


@pytest.mark.slow
@pytest.mark.parametrize("announced", [True, False], ids=["announced", "chunked"])
@pytest.mark.parametrize(
    ("path", "expected"),
    [("/api/v1/submissions", 413), ("/_stcore/upload_file/session/file", 403)],
    ids=["api", "pages"],
)
def test_a_gigabyte_of_zeros_is_refused_early_in_little_memory(
    served: Site, announced: bool, path: str, expected: int
) -> None:
    process = process_of(served)
    before = process.memory_info().rss
    most = before
    head = b'--x\r\nContent-Disposition: form-data; name="predictions"; filename="zeros"\r\n\r\n'
    connection = http.client.HTTPConnection("127.0.0.1", int(served.url.rpartition(":")[2]), timeout=60)
    connection.putrequest("POST" if path.startswith("/api") else "PUT", path)
    for name, value in {
        "Authorization": f"Bearer {served.key}",
        "Content-Type": "multipart/form-data; boundary=x",
        **({"Content-Length": str(GIGABYTE)} if announced else {"Transfer-Encoding": "chunked"}),
    }.items():
        connection.putheader(name, value)
    connection.endheaders()
    sent = 0
    piece = bytes(MEGABYTE)
    connection.send(head if announced else b"%x\r\n%b\r\n" % (len(head), head))
    # As a client that looks for an answer while it sends.
    while sent < GIGABYTE and not select.select([connection.sock], [], [], 0)[0]:
        try:
            connection.send(piece if announced else b"%x\r\n%b\r\n" % (len(piece), piece))
        except (BrokenPipeError, ConnectionResetError):
            break
        sent += len(piece)
        most = max(most, process.memory_info().rss)
    status = connection.getresponse().status
    connection.close()
    assert status == expected
    assert sent < 128 * MEGABYTE, f"{sent / MEGABYTE:.0f} MB were sent before the answer came"
    assert most - before < 200 * MEGABYTE, f"{(most - before) / MEGABYTE:.0f} MB more memory"
    assert ready(served)


def ready(site: Site) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection("127.0.0.1", int(site.url.rpartition(":")[2]), timeout=10)
        connection.request("GET", "/readyz")
        if connection.getresponse().status == 200:
            return True
        time.sleep(0.2)
    return False


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(bytes(200 * MEGABYTE)),
        json.dumps({"video_id": "a", **{f"c{number}": number for number in range(10_000)}}).encode() + b"\n",
        b"[" * 200_000,
        b'{"video_id": "' + b"a" * 1_000_000 + b'", "section": "short", "caption": "x"}\n',
    ],
    ids=["gzip-bomb", "10,000-columns", "nested", "long-id"],
)
def test_files_made_to_hurt_are_rejected_with_a_reason(sqlite_board: Services, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "hostile"
    path.write_bytes(content)
    holder, _ = new_holder(sqlite_board)
    view, _ = sqlite_board.submissions.submit(holder, predictions_submission(path, "A"))
    assert view.state is State.REJECTED
    assert "do next" in view.reason and len(view.reason) < 10_000
