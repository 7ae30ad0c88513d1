"""Against a real OpenAI-compatible server: vLLM on the CPU with a tiny random model.

The model knows nothing, so its verdicts are noise and no number is looked at. What is tested is that the protocol,
JSON-schema output, token counts and the record of the server really work outside our own fake.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from scoring.run_folder import Run
from scoring.score import score
from vdc.benchmark.sample import sample_path
from vdc.errors import RunFailed

ROOT = Path(__file__).parents[2]
JUDGE = ROOT / ".venv-judge"
START_S = 180
QUESTIONS = 2

pytestmark = [
    pytest.mark.realserver,
    pytest.mark.skipif(
        not (JUDGE / ".ready").exists(), reason="the real judge server is not installed here (make judge-env, 2.5 GB)"
    ),
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("vllm")
    python = JUDGE / "bin" / "python"
    script = Path(__file__).with_name("make_tiny_model.py")
    subprocess.run([python, script, folder / "model"], check=True, capture_output=True)
    port = free_port()
    command = [
        *(python, "-m", "vllm.entrypoints.openai.api_server", "--model", folder / "model"),
        *("--served-model-name", "tiny", "--host", "127.0.0.1", "--port", str(port), "--enforce-eager"),
        *("--max-model-len", "4096", "--max-num-seqs", "32"),
        *("--structured-outputs-config", '{"backend": "xgrammar", "disable_any_whitespace": true}'),
    ]
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1"}
    log = folder / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(command, env=env, cwd=folder, stdout=output, stderr=output, start_new_session=True)
    try:
        address = f"http://127.0.0.1:{port}"
        wait_until_healthy(address, process, log)
        yield f"{address}/v1"
    finally:
        # The server is a family of processes; its session is ours to end.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_until_healthy(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    pytest.fail(f"the server did not start:\n{log.read_text()[-3000:]}")


def run_on(server: str, folder: Path) -> Run:
    return score(
        sample_path("strong"),
        benchmark="sample",
        sections=["short", "camera"],
        limit=QUESTIONS,
        judge="openai",
        base_url=server,
        max_tokens=24,
        concurrency=16,
        store=folder / "replies.sqlite",
        out=folder / "run",
    )


def test_a_run_on_a_real_server_is_whole_and_recorded(server: str, tmp_path: Path) -> None:
    run = run_on(server, tmp_path)
    assert not run.incomplete
    assert set(run.verdicts["status"]) == {"judged"}, "every verdict followed the JSON schema, noise or not"
    judge = run.report["judge"]
    assert judge["model"] == "tiny", "the one model that the server lists was taken"
    assert judge["server"]["structured_output"] == "honoured"
    assert judge["server"]["answered_models"] == ["tiny"]
    assert judge["server"]["system_fingerprints"]
    calls = run.report["calls"]
    assert calls["made"] == 2 * len(run.verdicts)
    assert calls["input_tokens"] > 0
    assert calls["output_tokens"] > 0
    assert calls["tokens_estimated"] is False

    again = run_on(server, tmp_path)
    assert again.report["calls"]["made"] == 0
    assert again.report["sections"] == run.report["sections"]


def test_an_unknown_model_stops_the_run_with_the_servers_reason(server: str, tmp_path: Path) -> None:
    with pytest.raises(RunFailed, match="does-not-exist"):
        score(
            sample_path("strong"),
            benchmark="sample",
            limit=1,
            judge="openai",
            base_url=server,
            model="does-not-exist",
            store=tmp_path / "replies.sqlite",
            out=tmp_path / "run",
        )
    assert not (tmp_path / "run").exists()
