"""Log lines for programs and for people."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from leaderboard.logs import JsonFormatter, LineFormatter, set_up_logs
from vdc.errors import InputError


def record(message: str, level: int = logging.INFO, **extra: object) -> logging.LogRecord:
    return logging.getLogger("leaderboard.test").makeRecord(
        "leaderboard.test", level, "file.py", 1, message, (), None, extra=extra
    )


@pytest.fixture(autouse=True)
def root_logger() -> object:
    """Puts the root logger back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers[:], root.level = handlers, level


def test_a_person_reads_the_message_first_and_the_level_only_where_it_matters() -> None:
    told = LineFormatter().format(record("serving", url="http://127.0.0.1:8321"))
    assert told[8:] == " serving  url=http://127.0.0.1:8321"
    assert LineFormatter().format(record("gone", logging.WARNING))[8:] == " warning: gone"


def test_nothing_from_outside_moves_the_cursor_or_begins_a_line() -> None:
    told = LineFormatter().format(record("a\x1b[2Jb\nc", name_of="\r"))
    assert told[8:] == " a?[2Jb?c  name_of=?"


def test_a_traceback_stands_below_its_line() -> None:
    try:
        raise ValueError("why")
    except ValueError:
        failed = record("failed", logging.ERROR)
        failed.exc_info = sys.exc_info()
    lines = LineFormatter().format(failed).splitlines()
    assert lines[0].endswith("error: failed") and lines[-1] == "ValueError: why"
    assert "ValueError: why" in json.loads(JsonFormatter().format(failed))["traceback"]


@pytest.mark.parametrize(
    ("terminal", "chosen", "formatter"),
    [
        (False, None, JsonFormatter),
        (True, None, LineFormatter),
        (True, "json", JsonFormatter),
        (False, "text", LineFormatter),
    ],
)
def test_a_terminal_gets_lines_everything_else_json(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, chosen: str | None, formatter: type
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    if chosen:
        monkeypatch.setenv("VDC_LOG_FORMAT", chosen)
    set_up_logs()
    assert isinstance(logging.getLogger().handlers[0].formatter, formatter)


@pytest.mark.parametrize("variable", ["VDC_LOG", "VDC_LOG_FORMAT"])
def test_a_level_or_form_that_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "loud")
    with pytest.raises(InputError, match=variable):
        set_up_logs()
