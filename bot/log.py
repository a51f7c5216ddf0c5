"""Logs event names and codes, and nothing else: no words of a person, no token."""

import logging
import sys
from datetime import UTC, datetime

_ROOT_LOGGER = "rj"


class EventFormatter(logging.Formatter):
    """Writes time, level, logger and event name; of the rest only `code`, `n` and `ms`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line. What other libraries say is cut to their name and level."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        event = record.msg if record.name.split(".")[0] == _ROOT_LOGGER else "library_event"
        ours = [key for key in ("code", "n", "ms") if hasattr(record, key)]
        told = [f"{key}={getattr(record, key)}" for key in ours]
        if record.exc_info and record.exc_info[0]:
            told.append(f"error={record.exc_info[0].__name__}")
        return " ".join([at, record.levelname, record.name, str(event), *told])


def start_logging(level: str) -> None:
    """Send our events of `level` and above, and the libraries' warnings, to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(EventFormatter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(_ROOT_LOGGER).setLevel(level)
    for noisy in (
        "aiohttp",
        "httpx",
        "httpcore",
        "telegram",
        "sqlalchemy",
        "alembic",
        "uvicorn.access",
    ):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.raiseExceptions = False
