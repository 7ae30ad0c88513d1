"""What the commands of a board print, and what they refuse."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from leaderboard.cli import app
from leaderboard.services import open_board
from leaderboard.settings import PREFIX
from tests.leaderboard.board_kit import new_holder, predictions_submission, work
from vdc.errors import InputError

pytestmark = pytest.mark.usefixtures("remembered_scoring")


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv(f"{PREFIX}BENCHMARKS", "sample")
    runner = CliRunner()
    assert runner.invoke(app, ["init", "--empty"]).exit_code == 0
    return runner


def test_a_start_does_not_undo_a_correction(runner: CliRunner, tmp_path: Path) -> None:
    assert "imported 106 published rows" in runner.invoke(app, ["init"]).output
    document = json.loads((Path(__file__).parents[2] / "leaderboard" / "data" / "published.json").read_text())
    document["rows"] = [document["rows"][0] | {"average": ["12.34", "1.00"]}]
    (tmp_path / "rows.json").write_text(json.dumps(document))
    assert runner.invoke(app, ["import", str(tmp_path / "rows.json")]).exit_code == 0
    assert "106 published rows are there already" in runner.invoke(app, ["init"]).output
    assert " 12.34 " in runner.invoke(app, ["rows", "list"]).output


def test_a_protocol_that_is_none_is_refused_beside_a_wrong_kind(runner: CliRunner) -> None:
    done = runner.invoke(app, ["rows", "list", "--protocol", "strikt", "--kind", "foo"])
    assert isinstance(done.exception, InputError) and done.exception.exit_code == 2
    assert [one.found for one in done.exception.problems] == ["protocol 'strikt'", "kind 'foo'"]
    assert "'strict'" in done.exception.problems[0].do_next


def test_a_row_made_here_ends_with_the_run_that_rebuild_takes(runner: CliRunner) -> None:
    from leaderboard.queue.interface import HeldQueue
    from leaderboard.settings import read_settings

    with open_board(read_settings(), HeldQueue()) as board:
        board.store.prepare()
        board.submissions.submit(new_holder(board)[0], predictions_submission())
        work(board)
    last = runner.invoke(app, ["rows", "list"]).stdout.splitlines()[-1].split()
    assert last[-2] == "run"
    assert "strict" in runner.invoke(app, ["rows", "rebuild", last[-1]]).stdout


def test_a_new_token_says_what_to_do_with_it(runner: CliRunner) -> None:
    done = runner.invoke(app, ["token", "create", "lab"])
    assert done.stdout.startswith("vdc_") and len(done.stdout.split()) == 1
    assert "only its hash is kept" in done.stderr
    assert done.stderr.splitlines()[-1] == (
        "next: export VDC_LEADERBOARD_TOKEN=..., then vdc submit FILE --url http://127.0.0.1:8321 --wait"
    )


def test_names_of_tokens_stand_below_each_other_and_times_are_iso(runner: CliRunner) -> None:
    keys = [runner.invoke(app, ["token", "create", *words]).stdout for words in (["A"], ["B", "--admin"], ["C"])]
    runner.invoke(app, ["token", "revoke", keys[2].split("_")[1]])
    lines = runner.invoke(app, ["token", "list"]).stdout.splitlines()
    assert len({len(line) for line in lines}) == 1 and {line[-1] for line in lines} == {"A", "B", "C"}
    listed = json.loads(runner.invoke(app, ["token", "list", "--json"]).stdout)
    times = [one[name] for one in listed for name in ("created_at", "revoked_at") if one[name]]
    assert len(times) == 4
    assert all("T" in time and datetime.fromisoformat(time).tzinfo is not None for time in times)


def test_a_key_in_place_of_an_id_is_not_shown_again(runner: CliRunner) -> None:
    key = runner.invoke(app, ["token", "create", "lab"]).stdout.strip()
    _, token_id, secret = key.split("_", 2)
    for text in (key, secret, f"{token_id}_{secret}", key.replace("vdc", "vcd")):
        done = runner.invoke(app, ["token", "revoke", "--", text])
        assert isinstance(done.exception, InputError) and "first two underscores" in str(done.exception)
        assert secret[:8] not in str(done.exception) + done.output
        assert (token_id in str(done.exception)) == (text == key)
    assert "is revoked" in runner.invoke(app, ["token", "revoke", token_id]).output
