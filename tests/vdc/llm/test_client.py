from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest

from tests.vdc.llm.conversations import VERDICT_SCHEMA, ask_server, client_of, question
from vdc.errors import InputError, RunFailed
from vdc.llm.capabilities import (
    DEFAULT,
    BodyEncoder,
    Capabilities,
    chat_body,
    follows_schema,
    refused_parameter,
)
from vdc.llm.client import ChatClient, _proxy_for
from vdc.llm.endpoint import parse_endpoint
from vdc.llm.fake_server import FakeServer, FakeServerConfig
from vdc.llm.store import ReplyStore
from vdc.llm.types import ChatRequest, Message, Sampling

KEY = "sk-very-secret-0123456789"


@pytest.mark.parametrize(
    ("written", "base_url"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/v1"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/v1"),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        (" https://host/v1/ ", "https://host/v1"),
        ("https://host/v1/chat/completions", "https://host/v1"),
        ("https://host/api/v3", "https://host/api/v3"),
        ("http://[::1]:80", "http://[::1]:80/v1"),
    ],
)
def test_address_is_understood_however_it_is_written(written: str, base_url: str) -> None:
    assert parse_endpoint(written, {}).base_url == base_url


def test_query_of_the_address_goes_with_every_call() -> None:
    endpoint = parse_endpoint("https://host/openai?api-version=2", {})
    assert endpoint.url("/chat/completions") == "https://host/openai/chat/completions?api-version=2"


@pytest.mark.parametrize(
    "written", ["", "localhost:8000", "ftp://host", "http://", "http://host:port", "http://host:99999"]
)
def test_what_is_no_address_is_refused(written: str) -> None:
    with pytest.raises(InputError, match=r"http://127\.0\.0\.1:8000/v1"):
        parse_endpoint(written, {})


@pytest.mark.parametrize("written", [f"http://user:{KEY}@host/v1", f"ftp://user:{KEY}@host/v1"])
def test_password_in_the_address_is_refused_and_not_repeated(written: str) -> None:
    with pytest.raises(InputError) as raised:
        parse_endpoint(written, {})
    assert KEY not in str(raised.value)


def test_key_comes_from_the_environment_our_own_variable_first() -> None:
    assert parse_endpoint("http://h", {"OPENAI_API_KEY": "b"}).api_key == "b"
    assert parse_endpoint("http://h", {"OPENAI_API_KEY": "b", "VDC_API_KEY": "a"}).api_key == "a"
    assert parse_endpoint("http://h", {"VDC_API_KEY": ""}).api_key is None


def test_key_with_a_line_break_is_refused_and_not_repeated() -> None:
    with pytest.raises(InputError, match="line break") as raised:
        parse_endpoint("http://h", {"VDC_API_KEY": KEY + "\n"})
    assert KEY not in str(raised.value)


def test_key_is_sent_and_shown_nowhere(store: ReplyStore, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with FakeServer(config=FakeServerConfig(api_key=KEY, refused=("seed",))) as server:
        endpoint = parse_endpoint(server.base_url, {"VDC_API_KEY": KEY})
        client = ChatClient(endpoint, store)
        replies, _ = ask_server(server, store, [question(1)], client=client)
    assert replies[0].status == "ok"
    shown = [repr(endpoint), repr(replies), json.dumps(client.describe()), caplog.text]
    assert not any(KEY in text for text in shown)
    assert "127.0.0.1" not in json.dumps(client.describe())
    assert KEY.encode() not in store.path.read_bytes()


def test_key_echoed_by_the_server_is_scrubbed(store: ReplyStore) -> None:
    def echo(body: dict[str, Any]) -> str:
        raise AssertionError

    with FakeServer(echo, FakeServerConfig(refused=("messages",))) as server:
        client = ChatClient(parse_endpoint(server.base_url, {"VDC_API_KEY": "messages"}), store)
        replies, _ = ask_server(server, store, [question(1)], client=client)
    assert replies[0].status == "failed"
    assert "***" in replies[0].error
    assert "messages" not in replies[0].error


def test_refused_key_stops_the_run_and_says_which_variable_to_set(store: ReplyStore) -> None:
    with (
        FakeServer(config=FakeServerConfig(api_key=KEY)) as server,
        pytest.raises(RunFailed, match="VDC_API_KEY"),
    ):
        ask_server(server, store, [question(number) for number in range(100)])
    assert server.stats.requests <= 16


def test_unknown_model_stops_the_run_and_names_it(store: ReplyStore) -> None:
    with (
        FakeServer(config=FakeServerConfig(models=("other",))) as server,
        pytest.raises(RunFailed, match=r"404.*'m'.*--model"),
    ):
        ask_server(server, store, [question(1)])


def test_models_are_listed_and_a_server_that_cannot_is_forgiven() -> None:
    async def listed(server: FakeServer) -> tuple[str, ...]:
        async with client_of(server) as client:
            return await client.list_models()

    with FakeServer(config=FakeServerConfig(models=("a", "b"))) as server:
        assert asyncio.run(listed(server)) == ("a", "b")
    assert asyncio.run(listed(server)) == ()


BODIES = {
    "plain": question(1),
    "schema": question(1, schema=True),
    "sampling": ChatRequest("m", (Message("user", "x"),), Sampling(1.0, 9, top_p=0.5, seed=None)),
    "hostile text": ChatRequest('m"\\', (Message("us\ner", 'a"\\\0\ud800\u2028é😀</script>'),)),
    "parts": ChatRequest("m", (Message("user", ({"type": "text", "text": "é"}, {"type": "image_url"})),)),
    "no messages": ChatRequest("m", ()),
}


@pytest.mark.parametrize("capabilities", [DEFAULT, Capabilities(frozenset({"seed", "response_format"}), True)])
@pytest.mark.parametrize("request_", BODIES.values(), ids=BODIES.keys())
def test_encoded_body_is_the_body(request_: ChatRequest, capabilities: Capabilities) -> None:
    encoded = BodyEncoder().encode(request_, capabilities)
    assert json.loads(encoded) == json.loads(json.dumps(chat_body(request_, capabilities)))


def test_body_holds_what_was_asked_for_and_nothing_else() -> None:
    request = ChatRequest("m", (Message("user", "x"),), Sampling(0.5, 9, seed=4, repeat=2), json_schema=VERDICT_SCHEMA)
    assert chat_body(request) == {
        "model": "m",
        "messages": [{"role": "user", "content": "x"}],
        "temperature": 0.5,
        "max_tokens": 9,
        "seed": 6,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "reply", "strict": True, "schema": VERDICT_SCHEMA},
        },
    }


def test_one_encoder_keeps_requests_apart() -> None:
    encoder = BodyEncoder()
    for request in list(BODIES.values()) * 2:
        assert json.loads(encoder.encode(request))["model"] == request.model


OPENAI_MAX_TOKENS = (
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
)
OPENAI_TEMPERATURE = (
    "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported."
)


@pytest.mark.parametrize(
    ("body", "message", "refused"),
    [
        pytest.param({"error": {"param": "max_tokens"}}, OPENAI_MAX_TOKENS, "max_tokens", id="OpenAI max_tokens"),
        pytest.param({"error": {"param": "temperature"}}, OPENAI_TEMPERATURE, "temperature", id="OpenAI temperature"),
        pytest.param(
            {"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]},
            "Extra inputs are not permitted",
            "seed",
            id="FastAPI",
        ),
        pytest.param(None, "json_schema is not supported by this model", "response_format", id="words only"),
        pytest.param(None, "Unknown field top_p", "top_p", id="unknown field"),
        pytest.param(None, "guided decoding is not available", "response_format", id="guided"),
        pytest.param(
            {"error": {"param": None}},
            "This model's maximum context length is 2048 tokens. However, max_tokens is too large.",
            None,
            id="prompt too long is no refusal",
        ),
        pytest.param({"error": {"param": "messages"}}, "Invalid temperature in messages", None, id="other parameter"),
        pytest.param(None, "the content policy forbids this", None, id="no parameter"),
        pytest.param(None, "n is not supported", None, id="one we did not send"),
    ],
)
def test_refused_parameter_is_recognised(body: dict[str, Any] | None, message: str, refused: str | None) -> None:
    sent = {"model", "messages", "max_tokens", "temperature", "seed", "top_p", "response_format"}
    assert refused_parameter(body, message, sent) == refused


def test_parameter_that_was_not_sent_is_not_what_is_refused() -> None:
    assert refused_parameter(None, "seed is not supported", {"model"}) is None


@pytest.mark.parametrize("parameter", ["response_format", "max_tokens", "temperature", "seed"])
def test_server_is_adapted_to_once_and_remembered(
    parameter: str, store: ReplyStore, caplog: pytest.LogCaptureFixture
) -> None:
    config = FakeServerConfig(refused=(parameter,))
    with FakeServer(config=config) as server:
        first, stats = ask_server(server, store, [question(number, schema=True) for number in range(40)])
        assert all(reply.status == "ok" for reply in first)
        assert 41 <= stats.made <= 40 + 16
        assert caplog.text.count("refuses parameters") == 1
        _, later = ask_server(server, store, [question(number, schema=True) for number in range(40, 50)])
        assert later.made == 10
        assert parameter not in server.log[-1]
        assert ("max_completion_tokens" in server.log[-1]) == (parameter == "max_tokens")


def test_several_refused_parameters_are_all_adapted_to(store: ReplyStore) -> None:
    refused = ("response_format", "max_tokens", "max_completion_tokens", "temperature", "seed")
    with FakeServer(config=FakeServerConfig(refused=refused)) as server:
        client = client_of(server, store)
        replies, _ = ask_server(server, store, [question(1, schema=True)], client=client)
    assert replies[0].status == "ok"
    described = client.describe()
    assert described["dropped_parameters"] == ["max_tokens", "response_format", "seed", "temperature"]


def test_caption_that_talks_like_a_refusal_changes_nothing_for_others(store: ReplyStore) -> None:
    class Fussy(FakeServer):
        def _answer(self, content: bytes, digest: bytes) -> Any:
            from vdc.llm.fake_server import _error

            if b"Question 7?" in content:
                return _error(400, "cannot grade the text 'unsupported temperature'", "bad_text")
            return super()._answer(content, digest)

    with Fussy() as server:
        client = client_of(server, store)
        replies, _ = ask_server(server, store, [question(number) for number in range(10)], client=client)
    assert [reply.status for reply in replies].count("failed") == 1
    assert client.describe()["dropped_parameters"] == []


@pytest.mark.parametrize(
    ("mode", "schema", "expected"),
    [
        ("honour", True, "honoured"),
        ("refuse", True, "refused"),
        ("ignore", True, "ignored"),
        ("honour", False, "not requested"),
    ],
)
def test_what_the_server_does_with_schemas_is_noticed(
    mode: Any, schema: bool, expected: str, store: ReplyStore, caplog: pytest.LogCaptureFixture
) -> None:
    with FakeServer(config=FakeServerConfig(response_format=mode)) as server:
        client = client_of(server, store)
        replies, _ = ask_server(server, store, [question(n, schema=schema) for n in range(30)], client=client)
    assert all(reply.status == "ok" for reply in replies)
    assert client.structured_output == client.describe()["structured_output"] == expected
    assert ("does not follow" in caplog.text) == (expected == "ignored")


@pytest.mark.parametrize(
    ("text", "follows"),
    [
        ('{"pred": "yes", "score": 4}', True),
        (' {"score": 4, "pred": "no"}\n', True),
        ("{'pred': 'yes', 'score': 4}", False),
        ('{"pred": "yes"}', False),
        ("yes", False),
        ("4", False),
        ("[" * 100_000, False),
    ],
)
def test_following_a_schema(text: str, follows: bool) -> None:
    assert follows_schema(text, VERDICT_SCHEMA) == follows


def test_answering_models_and_fingerprints_are_recorded(store: ReplyStore) -> None:
    with FakeServer() as server:
        client = client_of(server, store)
        ask_server(server, store, [question(1, model="a"), question(1, model="b")], client=client)
    described = client.describe()
    assert described["answered_models"] == ["a", "b"]
    assert described["system_fingerprints"] == ["fp_fake"]


def test_proxy_of_the_environment_is_for_servers_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", "inside.example")
    assert _proxy_for("https://api.example/v1") == "http://proxy:3128"
    assert _proxy_for("https://inside.example/v1") is None
    assert _proxy_for("https://127.0.0.1:8000/v1") is None


def test_a_failed_connection_is_told_without_host_and_port() -> None:
    async def refused() -> str:
        async with ChatClient(parse_endpoint("http://127.0.0.1:9")) as client:
            return (await client.send(ChatRequest("model", (Message("user", "hello"),)))).error

    error = asyncio.run(refused())
    assert "127.0.0.1" not in error
    assert "refused" in error.lower()
