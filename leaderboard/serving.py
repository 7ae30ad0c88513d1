"""The processes of a board: API, pages, worker, and all together."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any, Final

from leaderboard.logs import set_up_logs
from leaderboard.services import open_board
from leaderboard.settings import read_settings
from vdc.errors import InputError, Problem, RunFailed

logger = logging.getLogger(__name__)

RESTART_S: Final = 2.0
"""Pause before a worker that ended is started again."""

_GRACE_S: Final = 10
# Without the working folder among the places of modules: one that holds a folder of the same name would be run.
_WORKER: Final = [sys.executable, "-P", "-c", "from leaderboard.serving import serve_worker; serve_worker()"]


def serve_api(host: str, port: int) -> None:
    """Serve the API until stopped.

    Raises:
        InputError: Nothing can listen at this address; as :func:`serve_pages` and :func:`serve_all`.
    """
    set_up_logs()
    with open_board(read_settings()) as board, _listening(host, port) as listener:
        from leaderboard.api.app import create_site

        _run_server(create_site(board), listener)


def serve_worker() -> None:
    """Work until SIGTERM or Ctrl-C; the job in hand is finished or put back.

    Taken for dead by another worker, the process starts anew in its place.
    """
    set_up_logs()
    from leaderboard.queue.worker import TakenForDead, run_worker
    from leaderboard.scoring_job import check_judge

    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_stop)
    try:
        settings = read_settings()
        check_judge(settings)
        with open_board(settings) as board:
            run_worker(board, stop)
    except TakenForDead as error:
        logger.warning("%s; this process starts anew", error)
        # The queue library keeps one set of workflows per process: only a new program can begin again.
        os.execv(sys.executable, _WORKER)  # noqa: S606  (nothing in it comes from outside)
    # A job that did not end in time is in the queue again: its thread must not go on here, and the interpreter would
    # wait for it.
    logging.shutdown()
    os._exit(0)


def serve_pages(host: str, port: int) -> None:
    """Serve the pages alone until stopped; API and workers run elsewhere, on the same board."""
    set_up_logs()
    with open_board(read_settings()) as board, _listening(host, port) as listener:
        from leaderboard.asgi import create_site

        _run_server(create_site(board, with_api=False), listener)


def serve_all(host: str, port: int, workers: int) -> None:
    """Serve API and pages in this process, workers in processes of their own that are restarted when they end."""
    set_up_logs()
    from leaderboard.scoring_job import check_judge

    settings = read_settings()
    if workers:
        check_judge(settings)
    with open_board(settings) as board, _listening(host, port) as listener, _worker_processes(workers):
        from leaderboard.asgi import create_site

        _run_server(create_site(board), listener)


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens, opened before anything else is started."""
    kind = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=kind, backlog=2048)
    except (OSError, OverflowError) as error:
        # The error's own text repeats the address; one of the look-up of a name has no number of the system.
        number = error.errno if isinstance(error, OSError) and not isinstance(error, socket.gaierror) else None
        reason = os.strerror(number).lower() if number else str(error)
        raise InputError(
            Problem(
                f"no way to listen on {host}:{port} ({reason})",
                "an address of this machine and a free port",
                "choose another with --host and --port, or stop what listens there",
            )
        ) from error
    with listener:
        yield listener


def _run_server(app: Any, listener: socket.socket) -> None:
    import uvicorn

    # The server closes its connections, then hands the signal on: the default would end the process here and now,
    # and leave the workers behind.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        # Windows that stay open must not keep a server alive that was asked to stop.
        timeout_graceful_shutdown=_GRACE_S,
    )
    host, port = listener.getsockname()[:2]
    logger.info("serving", extra={"url": f"http://{f'[{host}]' if ':' in host else host}:{port}"})
    server = uvicorn.Server(config)
    with contextlib.suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    if not server.started:
        raise RunFailed("found a server that did not start; expected it to; do next: see the log lines above")


@contextlib.contextmanager
def _worker_processes(count: int) -> Iterator[None]:
    """Worker processes, started again when they end, until the block is left."""
    stop = threading.Event()
    keepers = [threading.Thread(target=_keep_worker, args=(stop,), daemon=True) for _ in range(count)]
    for keeper in keepers:
        keeper.start()
    try:
        yield
    finally:
        stop.set()
        for keeper in keepers:
            keeper.join(timeout=30)


def _keep_worker(stop: threading.Event) -> None:
    # A process of its own: scoring takes all of a core, and the API must go on answering.
    while not stop.is_set():
        process = subprocess.Popen(_WORKER)  # noqa: S603  (nothing in it comes from outside)
        while process.poll() is None and not stop.wait(0.2):
            continue
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=25)
            if process.poll() is None:
                process.kill()
            return
        if not stop.is_set():
            logger.warning("a worker ended with %s; starting another", process.returncode)
            time.sleep(RESTART_S)
