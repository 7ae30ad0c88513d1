"""A board as users meet it: API and workers as processes of their own, over real sockets."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parents[1]
API = "import sys; from leaderboard.serving import serve_api; serve_api('127.0.0.1', int(sys.argv[1]))"
WORKER = "from leaderboard.serving import serve_worker; serve_worker()"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@dataclass
class RunningBoard:
    """Processes of one board.

    Args:
        folder: Holds logs and files.
        environment: What the processes are configured by.
        port: Of the API.
    """

    folder: Path
    environment: Mapping[str, str]
    port: int = field(default_factory=free_port)
    api: subprocess.Popen[bytes] | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    started: int = 0

    @property
    def url(self) -> str:
        """The API's address."""
        return f"http://127.0.0.1:{self.port}"

    def start_api(self, patience_s: float = 60.0) -> None:
        """Start the API and wait until it is ready."""
        self.api = self._start(API, str(self.port), name="api")
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/readyz")
                if connection.getresponse().status == 200:
                    return
            time.sleep(0.1)
        raise TimeoutError("the API did not become ready")

    def start_worker(self) -> subprocess.Popen[bytes]:
        """Start one more worker."""
        process = self._start(WORKER, name="worker")
        self.workers.append(process)
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """SIGKILL."""
        process.send_signal(signal.SIGKILL)
        process.wait()
        if process in self.workers:
            self.workers.remove(process)

    def stop_api(self) -> None:
        """Stop the API in order."""
        if self.api is not None:
            self.api.send_signal(signal.SIGTERM)
            self.api.wait(30)
            self.api = None

    def logs(self) -> str:
        """Everything that all processes have said."""
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("log-*")))

    def stop(self) -> None:
        """Kill whatever runs."""
        for process in [*self.workers, *([self.api] if self.api else [])]:
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.workers.clear()
        self.api = None

    def _start(self, program: str, *arguments: str, name: str) -> subprocess.Popen[bytes]:
        self.started += 1
        with (self.folder / f"log-{self.started:03}-{name}").open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-c", program, *arguments],
                cwd=ROOT,
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
            )


def board_environment(folder: Path, database_url: str, **more: str) -> dict[str, str]:
    """Settings of a quick board: short heartbeats, so that a killed worker is found soon."""
    return {
        "VDC_HOME": str(folder / "home"),
        "VDC_LEADERBOARD_DATABASE": database_url,
        "VDC_LEADERBOARD_FILES": str(folder / "files"),
        "VDC_LEADERBOARD_BENCHMARKS": "sample",
        "VDC_LEADERBOARD_JUDGE": "lexical",
        "VDC_LEADERBOARD_HEARTBEAT_S": "0.3",
        "VDC_LEADERBOARD_STALE_S": "2",
        "VDC_LEADERBOARD_POLL_S": "0.2",
        "OMP_NUM_THREADS": "1",
        **more,
    }


@contextlib.contextmanager
def running_board(folder: Path, environment: Mapping[str, str], workers: int = 1) -> Iterator[RunningBoard]:
    board = RunningBoard(folder, environment)

    def stop_at_once(_number: int, _frame: FrameType | None) -> None:
        # Without waiting for threads that wait for this board: who is stopped from outside leaves nothing running.
        board.stop()
        os._exit(143)

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop_at_once)
    try:
        board.start_api()
        for _ in range(workers):
            board.start_worker()
        yield board
    finally:
        board.stop()
