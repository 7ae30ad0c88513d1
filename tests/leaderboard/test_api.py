from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.types import Receive, Scope, Send

from leaderboard.api.app import create_site
from leaderboard.db.session import writing
from leaderboard.import_rows import import_published
from leaderboard.services import Services
from leaderboard.submissions import SubmissionService
from tests.leaderboard.board_kit import STRONG, new_holder, work

pytestmark = pytest.mark.usefixtures("remembered_scoring")

API = "/api/v1"


@pytest.fixture
def client(sqlite_board: Services) -> Iterator[TestClient]:
    with TestClient(create_site(sqlite_board), raise_server_exceptions=False) as opened:
        yield opened


def key_of(board: Services, name: str = "lab") -> dict[str, str]:
    return {"Authorization": f"Bearer {new_holder(board, name)[1]}"}


def post(client: TestClient, headers: dict[str, str], path: Path = STRONG, **fields: str) -> Any:
    with path.open("rb") as file:
        files = {"predictions": (path.name, file)}
        data = {"model_name": "Captioner", **fields}
        return client.post(f"{API}/submissions", headers=headers, data=data, files=files)


def test_submit_follow_read_withdraw(client: TestClient, sqlite_board: Services) -> None:
    headers = key_of(sqlite_board)
    created = post(client, headers)
    assert created.status_code == 201, created.text
    submission = created.json()
    assert (submission["state"], submission["position"]) == ("queued", 1)
    assert created.headers["Location"] == f"{API}/submissions/{submission['id']}"
    work(sqlite_board)
    followed = client.get(f"{API}/submissions/{submission['id']}", headers=headers).json()
    assert [step["after"] for step in followed["transitions"]][-1] == "published"
    board = client.get(f"{API}/board").json()
    assert [row["model"] for row in board["rows"]] == ["Captioner"]
    run = client.get(f"{API}/runs/{followed['run_id']}").json()
    assert run["report"]["average"]["accuracy"] == board["rows"][0]["average"]["accuracy"]
    assert "token_id" not in run
    assert client.delete(f"{API}/submissions/{submission['id']}", headers=headers).json()["state"] == "withdrawn"
    assert client.get(f"{API}/board").json()["rows"] == []
    assert client.get(f"{API}/runs/{followed['run_id']}").status_code == 404


def test_the_same_again_is_status_200_with_the_same_id(client: TestClient, sqlite_board: Services) -> None:
    headers = key_of(sqlite_board)
    first, again = post(client, headers), post(client, headers)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]


def test_verdicts_come_by_page_and_filter(client: TestClient, sqlite_board: Services) -> None:
    headers = key_of(sqlite_board)
    submission = post(client, headers).json()["id"]
    work(sqlite_board)
    run = client.get(f"{API}/submissions/{submission}", headers=headers).json()["run_id"]
    whole = client.get(f"{API}/runs/{run}/verdicts", params={"size": 500}).json()
    first = client.get(f"{API}/runs/{run}/verdicts", params={"size": 7, "page": 1}).json()
    second = client.get(f"{API}/runs/{run}/verdicts", params={"size": 7, "page": 2}).json()
    assert first["rows"] + second["rows"] == whole["rows"][:14]
    assert first["pages"] == -(-whole["total"] // 7)
    camera = client.get(f"{API}/runs/{run}/verdicts", params={"section": "camera", "match": "false"}).json()
    assert camera["rows"] and {row["section"] for row in camera["rows"]} == {"camera"}
    assert not any(row["match"] for row in camera["rows"])
    word = whole["rows"][0]["question"][:12]
    assert client.get(f"{API}/runs/{run}/verdicts", params={"search": word}).json()["total"] >= 1
    assert client.get(f"{API}/runs/{run}/verdicts", params={"search": "(["}).json()["total"] == 0


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer vdc_x_y"}, {"Authorization": "Basic abc"}])
def test_without_a_valid_token_nothing_can_be_submitted(client: TestClient, headers: dict[str, str]) -> None:
    refused = post(client, headers)
    assert refused.status_code == 401
    assert "Bearer" in refused.json()["error"]["message"]
    assert refused.headers["WWW-Authenticate"] == "Bearer"


def test_an_address_or_method_that_is_not_there_says_where_to_look(client: TestClient) -> None:
    for reply, status in ((client.get(f"{API}/nothing"), 404), (client.put(f"{API}/board"), 405)):
        assert reply.status_code == status
        assert "do next: see openapi.json" in reply.json()["error"]["message"]


def test_another_tokens_submission_and_private_run_are_not_found(client: TestClient, sqlite_board: Services) -> None:
    mine, other = key_of(sqlite_board, "a"), key_of(sqlite_board, "b")
    submission = post(client, mine, private="true").json()["id"]
    work(sqlite_board)
    run = client.get(f"{API}/submissions/{submission}", headers=mine).json()["run_id"]
    for path in (f"submissions/{submission}", f"runs/{run}", f"runs/{run}/verdicts"):
        assert client.get(f"{API}/{path}", headers=mine).status_code == 200, path
        assert client.get(f"{API}/{path}", headers=other).status_code == 404, path
    assert client.get(f"{API}/runs/{run}").status_code == 404
    assert client.delete(f"{API}/submissions/{submission}", headers=other).status_code == 404
    assert client.get(f"{API}/submissions", headers=other).json() == []


def test_an_announced_gigabyte_is_refused_before_it_is_sent(client: TestClient, sqlite_board: Services) -> None:
    headers = key_of(sqlite_board) | {
        "Content-Length": str(1 << 30),
        "Content-Type": "multipart/form-data; boundary=x",
    }
    refused = client.post(f"{API}/submissions", headers=headers, content=b"")
    assert refused.status_code == 413
    assert refused.json()["error"]["kind"] == "too large"


def test_a_gigabyte_without_announcement_is_refused_while_it_arrives(
    client: TestClient, sqlite_board: Services
) -> None:
    import asyncio

    sent = 0
    head = b'--x\r\nContent-Disposition: form-data; name="predictions"; filename="a"\r\n\r\n'

    async def receive() -> dict[str, Any]:
        nonlocal sent
        body = head if not sent else b"a" * (1 << 20)
        sent += len(body)
        return {"type": "http.request", "body": body, "more_body": True}

    replies: list[Any] = []

    async def send(message: Any) -> None:
        replies.append(message)

    headers = [(b"content-type", b"multipart/form-data; boundary=x")]
    headers += [(name.lower().encode(), value.encode()) for name, value in key_of(sqlite_board).items()]
    scope: Scope = {
        "type": "http", "method": "POST", "path": f"{API}/submissions", "raw_path": b"", "query_string": b"",
        "headers": headers, "http_version": "1.1", "scheme": "http", "server": ("test", 80), "client": ("test", 1),
        "root_path": "",
    }  # fmt: skip
    site: Any = create_site(sqlite_board)
    receiving: Receive = receive
    sending: Send = send
    asyncio.run(site(scope, receiving, sending))
    assert replies[0]["status"] == 413
    assert sent < sqlite_board.settings.limits.upload_bytes + (4 << 20)


def test_limits_answer_429_with_a_time_to_come_back(client: TestClient, sqlite_board: Services) -> None:
    limited = replace(sqlite_board.settings, limits=replace(sqlite_board.settings.limits, open_submissions=1))
    service = SubmissionService(sqlite_board.engine, sqlite_board.store, sqlite_board.queue, limited)
    board = replace(sqlite_board, settings=limited, submissions=service)
    headers = key_of(sqlite_board)
    with TestClient(create_site(board)) as limited_client:
        assert post(limited_client, headers, model_name="one").status_code == 201
        refused = post(limited_client, headers, model_name="two")
    assert refused.status_code == 429 and int(refused.headers["Retry-After"]) > 0
    assert "do next" in refused.json()["error"]["message"]


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"model_name": ""}, "model_name"),
        ({"kind": "other"}, "kind"),
        ({"frames": "many"}, "frames"),
        ({"private": "perhaps"}, "private"),
        ({"surprise": "1"}, "surprise"),
        ({"model_url": "javascript:alert(1)"}, "model_url"),
        ({"note": "a\u0000b"}, "note"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_field_is_422_and_named(
    client: TestClient, sqlite_board: Services, fields: dict[str, str], where: str
) -> None:
    refused = post(client, key_of(sqlite_board), **fields)
    assert refused.status_code == 422
    assert where in json.dumps(refused.json())


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "..\\..\\windows", "/etc/passwd", "a\x00b", "-rf", "x" * 900, "<img src=x>"]
)
def test_a_path_as_file_name_stays_a_name(client: TestClient, sqlite_board: Services, name: str) -> None:
    files = {"predictions": (name, STRONG.read_bytes())}
    reply = client.post(f"{API}/submissions", headers=key_of(sqlite_board), data={"model_name": "A"}, files=files)
    assert reply.status_code == 201, reply.text
    assert len(list(sqlite_board.store.every())) == 1


@pytest.mark.parametrize("text", ["' or 1=1 --", "%", "_", "\\", '"; drop table run; --', "<script>", "日本"])
def test_sql_and_markup_in_filters_are_only_words(client: TestClient, sqlite_board: Services, text: str) -> None:
    with writing(sqlite_board.engine) as session:
        import_published(session)
    reply = client.get(f"{API}/board", params={"search": text, "judge": text, "benchmark": text})
    assert reply.status_code == 200 and reply.json()["rows"] == []
    assert reply.headers["content-type"].startswith("application/json")
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "runs/%00",
        "runs/..%2f..",
        "runs/" + "a" * 33,
        "models/%00",
        "submissions/x",
        "runs/" + "0" * 32,
        "models/nobody",
    ],
)
def test_ids_that_are_none_are_refused(client: TestClient, sqlite_board: Services, path: str) -> None:
    reply = client.get(f"{API}/{path}", headers=key_of(sqlite_board))
    assert reply.status_code in (404, 422)
    assert set(reply.json()["error"]) == {"kind", "message", "problems"}


def test_the_board_is_sent_once_while_it_does_not_change(client: TestClient, sqlite_board: Services) -> None:
    with writing(sqlite_board.engine) as session:
        import_published(session)
    for path in ("board", "board.csv"):
        first = client.get(f"{API}/{path}")
        tag = first.headers["ETag"]
        again = client.get(f"{API}/{path}", headers={"If-None-Match": f'W/{tag}, "other"'})
        assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    post(client, key_of(sqlite_board))
    work(sqlite_board)
    changed = client.get(f"{API}/board", headers={"If-None-Match": tag})
    assert changed.status_code == 200 and changed.headers["ETag"] != tag


def test_json_and_csv_show_the_same_rows_and_formulas_are_text(client: TestClient, sqlite_board: Services) -> None:
    with writing(sqlite_board.engine) as session:
        import_published(session)
    post(client, key_of(sqlite_board), model_name="=HYPERLINK(0)")
    work(sqlite_board)
    rows = client.get(f"{API}/board").json()["rows"]
    table = list(csv.DictReader(io.StringIO(client.get(f"{API}/board.csv").text)))
    assert [row["id"] for row in rows] == [row["id"] for row in table]
    assert table[0]["model"] == "'=HYPERLINK(0)" and rows[0]["model"] == "=HYPERLINK(0)"
    by_name = {(row["model"], row["source_name"]): row for row in table}
    assert by_name["AuroraCap-7B", "Official leaderboard site"]["average_accuracy"] == "0.3821"


def test_the_audit_names_every_rule_it_uses(client: TestClient, sqlite_board: Services) -> None:
    with writing(sqlite_board.engine) as session:
        import_published(session)
    found = client.get(f"{API}/audit").json()
    used = {flag["rule"] for row in found["rows"] for flag in row["flags"]}
    assert used and used <= set(found["rules"])


def test_model_page_has_all_its_rows(client: TestClient, sqlite_board: Services) -> None:
    with writing(sqlite_board.engine) as session:
        import_published(session)
    page = client.get(f"{API}/models/auroracap-7b").json()
    assert {row["source"] for row in page["rows"]} == {"site", "lmms-eval-readme", "token-budget"}
    assert {"auroracap-7b"} <= {model["slug"] for model in client.get(f"{API}/models").json()}


def test_health_readiness_and_metrics(client: TestClient, sqlite_board: Services) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    ready = client.get("/readyz").json()
    assert (ready["status"], ready["database"], ready["files"], ready["workers"]) == ("ready", True, True, 0)
    post(client, key_of(sqlite_board))
    text = client.get("/metrics").text
    assert 'vdc_board_submissions{state="queued"} 1.0' in text
    assert 'route="/submissions",status="201"' in text


def test_not_ready_once_the_files_have_gone(client: TestClient, sqlite_board: Services, tmp_path: Path) -> None:
    (tmp_path / "files").rename(tmp_path / "elsewhere")
    for _ in range(2):
        reply = client.get("/readyz")
        assert reply.status_code == 503 and reply.json()["files"] is False
    assert not (tmp_path / "files").exists()
    (tmp_path / "elsewhere").rename(tmp_path / "files")
    assert client.get("/readyz").status_code == 200


def test_files_that_cannot_be_reached_are_503_and_nothing_is_kept(
    client: TestClient, sqlite_board: Services, tmp_path: Path
) -> None:
    from leaderboard.services import init_board
    from vdc.errors import InputError

    post(client, key_of(sqlite_board))
    (tmp_path / "files").rename(tmp_path / "elsewhere")
    (tmp_path / "files").mkdir()  # as where a disk is not mounted
    with TestClient(create_site(sqlite_board), raise_server_exceptions=False) as opened:
        headers = key_of(sqlite_board)
        reply = post(opened, headers)
        assert reply.status_code == 503 and reply.headers["Retry-After"]
        assert reply.json()["error"]["kind"] == "unavailable"
        assert opened.get(f"{API}/submissions", headers=headers).json() == []
    with pytest.raises(InputError, match="VDC_LEADERBOARD_FILES"):
        init_board(sqlite_board.settings)
    assert not list((tmp_path / "files").iterdir())


def test_not_ready_without_files(client: TestClient, sqlite_board: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    from leaderboard.object_store import ObjectStore

    def broken(_: object) -> None:
        raise OSError("read-only")

    monkeypatch.setattr(ObjectStore, "check_writable", broken)
    reply = client.get("/readyz")
    assert reply.status_code == 503 and reply.json()["files"] is False


def test_log_lines_are_json_without_the_key(sqlite_board: Services, caplog: pytest.LogCaptureFixture) -> None:
    from leaderboard.logs import JsonFormatter

    headers = key_of(sqlite_board)
    with caplog.at_level("INFO"), TestClient(create_site(sqlite_board)) as opened:
        post(opened, headers)
    lines = [json.loads(JsonFormatter().format(record)) for record in caplog.records]
    assert any(line["message"] == "request" and line["status"] == 201 for line in lines)
    assert headers["Authorization"].rpartition("_")[2] not in json.dumps(lines)


def test_the_openapi_document_describes_the_upload(client: TestClient) -> None:
    document = client.get(f"{API}/openapi.json").json()
    form = document["paths"]["/submissions"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert {"model_name", "predictions", "run_record", "verdicts"} <= set(form["properties"])
    assert {"201", "200", "401", "413", "422", "429"} <= set(document["paths"]["/submissions"]["post"]["responses"])
