from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.vdc.llm.conversations import ask_server, question
from vdc.llm.fake_faults import Faults
from vdc.llm.fake_server import GARBAGE, FakeServer, FakeServerConfig, default_reply
from vdc.llm.store import ReplyStore

ROOT = Path(__file__).parents[3]


def test_reply_to_a_conversation_is_always_the_same_and_does_not_depend_on_sampling() -> None:
    messages = [{"role": "user", "content": "Grade it: pred and score."}]
    replies = {default_reply({"messages": messages, "temperature": temperature}) for temperature in (0, 1)}
    assert len(replies) == 1
    verdict = json.loads(replies.pop())
    assert verdict["pred"] == ("yes" if verdict["score"] >= 3 else "no")


def test_verdict_is_given_where_one_is_asked_for() -> None:
    conversation = [{"role": "user", "content": "What does the cook stir?"}]
    assert default_reply({"messages": conversation}).startswith("answer ")
    assert json.loads(default_reply({"messages": conversation, "response_format": {}}))["score"] in range(6)


def test_faults_come_at_their_rates_and_the_same_again() -> None:
    faults = Faults({"error": 0.1, "hang": 0.02}, seed=5)
    draws = [faults.draw(number.to_bytes(16, "big"), 0) for number in range(20_000)]
    assert draws.count("error") == pytest.approx(2000, rel=0.1)
    assert draws.count("hang") == pytest.approx(400, rel=0.2)
    assert draws == [Faults({"error": 0.1, "hang": 0.02}, seed=5).draw(n.to_bytes(16, "big"), 0) for n in range(20_000)]
    assert draws != [faults.draw(number.to_bytes(16, "big"), 1) for number in range(20_000)]


@pytest.mark.parametrize(
    "rates", [{"error": 1.2}, {"error": 0.6, "hang": 0.6}, {"flood": 0.1}, {"error": -0.1}], ids=str
)
def test_impossible_rates_are_refused(rates: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="fault rates"):
        Faults(rates)  # type: ignore[arg-type]


@pytest.mark.usefixtures("quick_retries")
def test_garbage_replaces_verdicts_only_and_the_same_ones_under_other_faults(store: ReplyStore, tmp_path: Path) -> None:
    requests = [question(number, schema=number % 2 == 0) for number in range(200)]
    with FakeServer(config=FakeServerConfig(faults=Faults(garbled=0.2))) as server:
        calm, _ = ask_server(server, store, requests)
    with (
        FakeServer(config=FakeServerConfig(faults=Faults({"error": 0.2}, garbled=0.2))) as server,
        ReplyStore(tmp_path / "other.sqlite") as other,
    ):
        rough, _ = ask_server(server, other, requests)
    garbled = [number for number, reply in enumerate(calm) if reply.text == GARBAGE]
    assert 10 <= len(garbled) <= 30
    assert all(number % 2 == 0 for number in garbled)
    assert [reply.text for reply in calm] == [reply.text for reply in rough]


def test_runs_alone_and_tells_its_address_and_counts() -> None:
    command = [sys.executable, "-m", "vdc.llm.fake_server", "--error", "0.5", "--model", "m"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        base_url = process.stdout.readline().strip()
        with urllib.request.urlopen(f"{base_url}/models", timeout=5) as reply:
            assert json.load(reply)["data"][0]["id"] == "m"
        with urllib.request.urlopen(base_url.replace("/v1", "/stats"), timeout=5) as reply:
            assert json.load(reply)["requests"] == 0
    finally:
        process.terminate()
        process.wait()
