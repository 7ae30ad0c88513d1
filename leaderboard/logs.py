"""Log lines: JSON objects for programs, plain lines for a person at a terminal; nothing in them is a secret."""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import Final

from vdc.errors import InputError, Problem

QUIET: Final = (
    "dbos",
    "alembic",
    "uvicorn.access",
    "uvicorn.error",
    "sqlalchemy.engine",
    "watchdog",
    "httpx",
    "httpx2",
)
"""Loggers that say much at INFO that nobody needs."""

LEVELS: Final = ("debug", "info", "warning", "error", "critical")
FORMS: Final = ("json", "text")
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}


class JsonFormatter(logging.Formatter):
    """Time, level, logger, message, whatever was given as ``extra``, and the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        fields: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields |= _extras(record)
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=True, default=str)


class LineFormatter(logging.Formatter):
    """The same for a person: time, level where it is not info, message, extras; the traceback below it."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and a traceback if there is one."""
        # The level's own word only where it asks for attention.
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        extras = "".join(f"  {key}={value}" for key, value in _extras(record).items())
        text = f"{datetime.fromtimestamp(record.created):%H:%M:%S} {level}{record.getMessage()}{extras}"
        # What comes from outside must not move the cursor or begin a line of its own.
        text = "".join(letter if letter.isprintable() else "?" for letter in text)
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


def _extras(record: logging.LogRecord) -> dict[str, object]:
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}


def _chosen(variable: str, default: str, values: tuple[str, ...]) -> str:
    value = (os.environ.get(variable) or default).lower()
    if value not in values:
        problem = Problem(f"{variable} = {value!r}", f"one of {', '.join(values)}", "correct or unset the variable")
        raise InputError(problem)
    return value


def set_up_logs() -> None:
    """Send every log line of this process to stderr: as JSON, but in plain lines where that is a terminal.

    ``VDC_LOG`` sets the level, ``VDC_LOG_FORMAT`` the form.

    Raises:
        InputError: One of them has a value that it cannot have.
    """
    level = _chosen("VDC_LOG", "info", LEVELS)
    form = _chosen("VDC_LOG_FORMAT", "text" if sys.stderr.isatty() else "json", FORMS)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter() if form == "text" else JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "dbos"):
        logger = logging.getLogger(name)
        # Their own handlers would say everything twice; one that says nothing keeps them from adding another.
        logger.handlers[:] = [logging.NullHandler()]
        logger.propagate = True


def quiet_libraries() -> None:
    """Keep the libraries' own chatter off the terminal of a command that prints a result."""
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)


def take_over_streamlit_logs() -> None:
    """Let Streamlit's loggers, present and future, say what they have to say through the root logger.

    Streamlit gives each of its loggers (and the server's) a handler of its own that writes plain lines, and has no
    setting against it; what it calls for that is replaced here.
    """
    from streamlit import logger as streamlit_logger

    def hand_on(logger: logging.Logger) -> None:
        logger.handlers.clear()
        logger.propagate = True

    streamlit_logger.setup_formatter = hand_on
    streamlit_logger.update_formatter()
