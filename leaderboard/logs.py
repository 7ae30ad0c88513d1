"""Log lines as JSON objects, one per line; nothing in them is a secret."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Final

QUIET: Final = ("dbos", "alembic", "uvicorn.access", "sqlalchemy.engine", "watchdog", "httpx", "httpx2")
"""Loggers that say much at INFO that nobody needs."""

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
        fields |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=True, default=str)


def set_up_logs(level: str = "INFO") -> None:
    """Send every log line of this process to stderr as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
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
