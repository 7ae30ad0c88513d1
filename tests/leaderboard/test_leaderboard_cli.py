"""The commands as a user types them, and a real server for ``vdc submit``."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import uvicorn
from typer.testing import CliRunner

from leaderboard.api.app import create_site
from leaderboard.cli import app
from leaderboard.cli_submit import submit
from leaderboard.client import BoardClient, FormFile
from leaderboard.queue.interface import HeldQueue
from leaderboard.services import Services, init_board, open_board
from leaderboard.settings import PREFIX, judge_in_use, read_settings
from tests.leaderboard.board_kit import STRONG, WEAK, new_holder, work
from vdc.errors import InputError, RunFailed

pytestmark = pytest.mark.usefixtures("remembered_scoring")

submit_app = typer.Typer()
submit_app.command()(submit)


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv(f"{PREFIX}BENCHMARKS", "sample")
    return CliRunner()


@pytest.fixture
def served(sqlite_board: Services) -> Iterator[tuple[Services, str]]:
    server = uvicorn.Server(uvicorn.Config(create_site(sqlite_board), port=0, log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield sqlite_board, f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


def test_init_import_token_rows_backup_restore(runner: CliRunner, tmp_path: Path) -> None:
    first = runner.invoke(app, ["init"])
    assert first.exit_code == 0 and "imported 106 published rows" in first.output
    assert "106 published rows are there already" in runner.invoke(app, ["init"]).output
    key = runner.invoke(app, ["token", "create", "vision lab"]).stdout.strip()
    assert key.startswith("vdc_")
    listed = runner.invoke(app, ["token", "list", "--json"]).stdout
    assert json.loads(listed)[0]["name"] == "vision lab" and key.split("_", 2)[2] not in listed
    assert "revoked" in runner.invoke(app, ["token", "revoke", key.split("_")[1]]).output
    board = runner.invoke(app, ["rows", "list"]).output
    assert "reported by Official leaderboard site" in board and "AuroraCap-7B" in board
    assert runner.invoke(app, ["backup", str(tmp_path / "b.tar")]).exit_code == 0
    refused = runner.invoke(app, ["restore", str(tmp_path / "b.tar")])
    assert isinstance(refused.exception, InputError) and "empty board" in str(refused.exception)
    report = json.loads(runner.invoke(app, ["import", "--json"]).stdout)
    assert (report["added"], report["updated"]) == (0, 106)


@pytest.mark.parametrize("arguments", [["rows", "list"], ["import"], ["token", "create", "x"], ["backup", "b.tar"]])
def test_without_a_board_the_way_to_one_is_named(runner: CliRunner, arguments: list[str]) -> None:
    done = runner.invoke(app, arguments)
    assert isinstance(done.exception, InputError) and "vdc leaderboard init" in str(done.exception)


def test_a_database_that_is_away_is_one_sentence_without_its_password(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{PREFIX}DATABASE", "postgresql://user:hunter2@127.0.0.1:1/board")
    done = runner.invoke(app, ["rows", "list"])
    assert isinstance(done.exception, RunFailed)
    assert "VDC_LEADERBOARD_DATABASE" in str(done.exception) and "hunter2" not in str(done.exception)
    assert "database board at 127.0.0.1:1" in str(done.exception)


def test_all_wrong_settings_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}OPEN", "many")
    monkeypatch.setenv(f"{PREFIX}STALE_S", "1")
    with pytest.raises(InputError) as caught:
        read_settings()
    assert "OPEN" in str(caught.value) and "STALE_S" in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("JUDGE", "recorded"),
        ("JUDGE", "lexikal"),
        ("BENCHMARKS", "sample,no such thing"),
        ("VERIFY_AGREEMENT", "95"),
        ("QUEUE", "mysql://u:hunter2@h/d"),
        ("REPLIES", "s3://bucket/board"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(f"{PREFIX}{variable}", value)
    with pytest.raises(InputError, match=variable):
        read_settings()


def test_the_judge_in_use_is_named_as_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    assert judge_in_use(read_settings()) == "lexical"
    monkeypatch.setenv("VDC_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("VDC_MODEL", "some-judge")
    assert judge_in_use(read_settings()) == "openai, model some-judge"


@pytest.mark.parametrize("url", ["postgres://u@h/d", "postgresql://u@h/d"])
def test_addresses_as_hosts_hand_them_out_are_taken(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv(f"{PREFIX}DATABASE", url)
    settings = read_settings()
    assert settings.database_url == settings.queue_url == "postgresql+psycopg://u@h/d"


def test_submit_waits_until_it_is_published(
    runner: CliRunner, served: tuple[Services, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    board, url = served
    monkeypatch.setenv("VDC_LEADERBOARD_TOKEN", new_holder(board)[1])

    def be_the_worker() -> None:
        while not work(board):
            time.sleep(0.02)

    worker = threading.Thread(target=be_the_worker, daemon=True)
    worker.start()
    done = runner.invoke(submit_app, [str(STRONG), "--url", url, "--model", "Mine", "--wait", "--json"])
    worker.join(30)
    assert done.exit_code == 0, done.output
    view = json.loads(done.stdout)
    assert (view["state"], view["row"], view["model"]) == ("published", "verified", "Mine")
    # The same again is the same submission, and a person reads its numbers.
    told = runner.invoke(submit_app, [str(STRONG), "--url", url, "--model", "Mine", "--wait"]).stdout
    average = BoardClient(url, None).run(view["run_id"])["report"]["average"]
    assert f"average: accuracy {100 * average['accuracy']:.2f} % (95 % interval " in told
    assert "not comparable with LLM-judged numbers" in told
    assert "see http" not in told  # there are no pages at this address


def test_a_rejected_submission_ends_with_1_and_its_reason(
    runner: CliRunner, served: tuple[Services, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    board, url = served
    monkeypatch.setenv("VDC_LEADERBOARD_TOKEN", new_holder(board)[1])
    (tmp_path / "bad.jsonl").write_text("nonsense\n")
    done = runner.invoke(submit_app, [str(tmp_path / "bad.jsonl"), "--url", url])
    assert done.exit_code == 1 and "rejected" in done.stdout and "do next" in done.stdout


def test_captions_that_are_not_there_are_told(
    runner: CliRunner, served: tuple[Services, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    board, url = served
    # A file keeps a token with the end of its line.
    monkeypatch.setenv("VDC_LEADERBOARD_TOKEN", f"{new_holder(board)[1]}\r\n")
    lines = STRONG.read_text(encoding="utf-8").splitlines()
    (tmp_path / "few.jsonl").write_text("\n".join(lines[:-3]))
    told = runner.invoke(submit_app, [str(tmp_path / "few.jsonl"), "--url", url])
    assert "queued" in told.stdout and "--wait" in told.stdout
    assert work(board) == ["scored"]
    told = runner.invoke(submit_app, [str(tmp_path / "few.jsonl"), "--url", url])
    assert "captions that count as wrong: 3 missing, of 70" in told.stdout


def test_a_token_that_cannot_be_one_is_refused_without_being_shown(
    runner: CliRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VDC_LEADERBOARD_TOKEN", "vdc_ab\ncd_secret")
    done = runner.invoke(submit_app, [str(STRONG), "--url", "http://127.0.0.1:1"])
    assert isinstance(done.exception, InputError) and "secret" not in str(done.exception)


def test_everything_missing_is_told_at_once(runner: CliRunner) -> None:
    done = runner.invoke(submit_app, ["nowhere.jsonl"])
    assert isinstance(done.exception, InputError) and len(done.exception.problems) == 3


def test_upload_progress_ends_at_the_whole(served: tuple[Services, str]) -> None:
    board, url = served
    seen: list[tuple[int, int]] = []
    client = BoardClient(url, new_holder(board)[1])
    client.submit({"model_name": "A"}, [FormFile("predictions", WEAK)], lambda *step: seen.append(step))
    assert seen[-1][0] == seen[-1][1] > WEAK.stat().st_size
    assert [sent for sent, _ in seen] == sorted(sent for sent, _ in seen)


def test_a_refusal_reaches_the_user_as_a_sentence(served: tuple[Services, str]) -> None:
    _, url = served
    with pytest.raises(InputError, match=r"no valid token.*check VDC_LEADERBOARD_TOKEN"):
        BoardClient(url, "vdc_x_y").submit({"model_name": "A"}, [FormFile("predictions", WEAK)])
    with pytest.raises(RunFailed, match="check --url"):
        BoardClient("http://127.0.0.1:1", "k").follow("0" * 32)
    with pytest.raises(InputError, match="http"):
        BoardClient("ftp://board", None)


def test_submit_needs_none_of_the_extra_packages() -> None:
    import subprocess

    program = (
        "import sys, leaderboard.cli_submit, leaderboard.client, leaderboard.cli\n"
        "print(sorted({'sqlalchemy','fastapi','dbos','alembic','fsspec','pandas','numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_queue_keeps_jobs_and_forgets_withdrawn_ones(database_url: str, tmp_path: Path) -> None:
    from dataclasses import replace

    from leaderboard.queue.dbos_queue import DbosQueue
    from leaderboard.settings import BoardSettings

    plain = BoardSettings("", "", str(tmp_path / "files"), benchmarks=("sample",)).with_database(database_url)
    init_board(plain)
    init_board(plain)
    with open_board(replace(plain, judge="lexical")) as board:
        queue = board.queue
        assert isinstance(queue, DbosQueue) and not isinstance(queue, HeldQueue)
        assert queue.state("a" * 32, 1) is None
        for _ in range(2):
            queue.enqueue("a" * 32, 1)
        assert queue.state("a" * 32, 1) == "waiting"
        assert len(queue.client.list_workflows()) == 1
        queue.forget("a" * 32, 1)
        queue.forget("a" * 32, 1)
        assert queue.state("a" * 32, 1) is None


def test_a_silent_worker_is_taken_over_once_and_hears_of_it(board: Services) -> None:
    from leaderboard.queue import heartbeats

    heartbeats.register(board.engine, "worker-a")
    resumed: list[str] = []
    take = lambda stale_s: heartbeats.take_over_stale(board.engine, stale_s, lambda name: resumed.append(name) or [])  # noqa: E731
    assert take(60) == 0 and heartbeats.live_workers(board.engine, 60) == 1
    time.sleep(0.02)
    assert take(0.01) == 1
    assert take(0.01) == 0 and resumed == ["worker-a"]
    assert heartbeats.beat(board.engine, "worker-a") is False
    assert heartbeats.live_workers(board.engine, 60) == 0


@pytest.mark.slow
def test_a_worker_that_was_taken_for_dead_starts_anew_in_its_place(tmp_path: Path) -> None:
    import signal
    import subprocess
    from dataclasses import replace

    from benchmarks.running_board import WORKER, board_environment
    from leaderboard.db.models import Worker
    from leaderboard.db.session import reading
    from leaderboard.queue import heartbeats

    url = f"sqlite:///{tmp_path / 'board.sqlite'}"
    environment = {**os.environ, **board_environment(tmp_path, url)}
    settings = replace(read_settings().with_database(url), files_url=str(tmp_path / "files"))
    init_board(settings)

    def workers(board: Services) -> list[tuple[str, bool]]:
        with reading(board.engine) as session:
            return [
                (one.executor_id, one.ended_at is None) for one in session.query(Worker).order_by(Worker.started_at)
            ]

    def wait_for(board: Services, count: int) -> list[tuple[str, bool]]:
        deadline = time.monotonic() + 60
        while len(found := workers(board)) < count and time.monotonic() < deadline:
            time.sleep(0.1)
        return found

    with open_board(settings, HeldQueue()) as board, (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER], env=environment, cwd=Path(__file__).parents[2], stderr=log
        )
        try:
            ((first, alive),) = wait_for(board, 1)
            assert alive
            process.send_signal(signal.SIGSTOP)
            time.sleep(1)
            assert heartbeats.take_over_stale(board.engine, 0.5, lambda _: []) == 1
            process.send_signal(signal.SIGCONT)
            found = wait_for(board, 2)
            assert [name == first for name, _ in found] == [True, False]
            assert [alive for _, alive in found] == [False, True] and process.poll() is None
            process.send_signal(signal.SIGTERM)
            assert process.wait(40) == 0
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    assert b"starts anew" in (tmp_path / "log").read_bytes()


@pytest.mark.slow
def test_a_worker_that_is_stopped_puts_a_long_job_back_and_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import signal
    import subprocess
    from dataclasses import replace

    from benchmarks.running_board import board_environment
    from leaderboard.db.models import State
    from tests.leaderboard.board_kit import predictions_submission
    from vdc.llm.fake_server import FakeServer, FakeServerConfig

    url = f"sqlite:///{tmp_path / 'board.sqlite'}"
    # The time that a job is given is a constant of the worker: short here, so that the test is.
    program = (
        "import leaderboard.queue.worker as worker; worker.FINISH_S = 1\n"
        "from leaderboard.serving import serve_worker; serve_worker()"
    )
    settings = replace(
        read_settings().with_database(url), files_url=str(tmp_path / "files"), benchmarks=("sample",), judge="lexical"
    )
    init_board(settings)
    with FakeServer(config=FakeServerConfig(latency_s=120)) as judge, open_board(settings) as board:
        view, _ = board.submissions.submit(new_holder(board)[0], predictions_submission())
        environment = board_environment(
            tmp_path, url, VDC_LEADERBOARD_JUDGE="openai", VDC_BASE_URL=judge.base_url, VDC_MODEL="fake"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", program], env={**os.environ, **environment}, cwd=Path(__file__).parents[2]
        )
        try:
            deadline = time.monotonic() + 60
            holder = new_holder(board, "admin", admin=True)[0]
            while judge.stats.requests == 0 and time.monotonic() < deadline:
                time.sleep(0.1)
            assert board.submissions.get(holder, view.id).state is State.SCORING
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        assert board.queue.state(view.id, 1) == "waiting"


@pytest.mark.parametrize("command", ["api", "app", "serve"])
def test_a_port_in_use_is_found_before_anything_is_started(
    runner: CliRunner, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    from leaderboard import serving

    assert runner.invoke(app, ["init", "--empty"]).exit_code == 0
    monkeypatch.setattr(serving, "set_up_logs", lambda: None)
    monkeypatch.setattr(serving.subprocess, "Popen", lambda *_: pytest.fail("a worker was started"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = runner.invoke(app, [command, "--port", str(taken.getsockname()[1])])
    assert isinstance(done.exception, InputError) and "--port" in str(done.exception)


def test_an_address_of_another_machine_is_refused_in_words(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    from leaderboard import serving

    assert runner.invoke(app, ["init", "--empty"]).exit_code == 0
    monkeypatch.setattr(serving, "set_up_logs", lambda: None)
    done = runner.invoke(app, ["api", "--host", "192.0.2.1"])
    assert isinstance(done.exception, InputError) and "192.0.2.1:8321" in str(done.exception)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_the_pages_alone_answer_log_json_and_end_in_order(tmp_path: Path, name: str) -> None:
    import signal
    import subprocess
    import urllib.error
    import urllib.request

    from tests.leaderboard.browser_kit import _free_port, site_environment
    from tests.leaderboard.filled_board import held_board

    with held_board(tmp_path):
        pass
    port = _free_port()
    command = [sys.executable, "-c", "from leaderboard.cli import app; app()", "app", "--port", str(port)]
    environment = {**os.environ, **site_environment(tmp_path)}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, cwd=Path(__file__).parents[2], stderr=log, stdout=log)
    try:
        deadline = time.monotonic() + 90
        status = 0
        while status != 200 and time.monotonic() < deadline:
            try:
                status = urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10).status
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.2)
        assert b"<title>" in urllib.request.urlopen(f"http://127.0.0.1:{port}/submit", timeout=10).read()
        # The pages answer every path with themselves; what they do not have is the API.
        reply = urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/board", timeout=10)
        assert "json" not in reply.headers["Content-Type"]
        process.send_signal(getattr(signal, name))
        assert process.wait(40) == 0
        lines = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
        assert lines and all("message" in json.loads(line) for line in lines)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


@pytest.mark.slow
def test_serve_scores_a_submission_and_takes_its_worker_with_it(tmp_path: Path) -> None:
    import signal
    import subprocess

    import psutil

    from benchmarks.running_board import board_environment, free_port

    environment = {**os.environ, **board_environment(tmp_path, f"sqlite:///{tmp_path / 'board.sqlite'}")}
    port = free_port()
    command = [sys.executable, "-c", "from leaderboard.cli import app; app()"]
    root = Path(__file__).parents[2]

    def run(*arguments: str) -> str:
        done = subprocess.run([*command, *arguments], env=environment, cwd=root, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    run("init", "--empty")
    key = run("token", "create", "somebody")
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([*command, "serve", "--port", str(port)], env=environment, cwd=root, stderr=log)
    try:
        client = BoardClient(f"http://127.0.0.1:{port}", key)
        deadline = time.monotonic() + 60
        view = None
        while view is None and time.monotonic() < deadline:
            try:
                view = client.submit({"model_name": "A"}, [FormFile("predictions", STRONG)])
            except RunFailed:
                time.sleep(0.2)
        assert view is not None
        assert client.wait(view["id"], lambda _: None, poll_s=0.2)["state"] == "published"
        run_id = client.follow(view["id"])["run_id"]
        page = client.run_page(client.run(run_id))
        assert page == f"http://127.0.0.1:{port}/model?model=a&run={run_id}"
        workers = psutil.Process(process.pid).children()
        assert len(workers) == 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0
        assert not any(worker.is_running() for worker in workers)
        lines = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
        assert lines and all("message" in json.loads(line) for line in lines)
    finally:
        if process.poll() is None:
            for child in psutil.Process(process.pid).children():
                child.kill()
            process.kill()
            process.wait()
