"""`rj health`: the health page, asked from beside the program, for a container's health check."""

import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

from bot.settings import read_settings

EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
"""What a server listens on that takes every address, and where it can be asked."""
PATIENCE_SECONDS = 8.0
"""More than the health page waits for the database."""


def health() -> None:
    """Ask the web server on HOST and PORT whether all is well; exit code 1 if not."""
    settings = read_settings()
    host = EVERY_ADDRESS.get(settings.host, settings.host)
    connection = HTTPConnection(host, settings.port, timeout=PATIENCE_SECONDS)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        text = answer.read(1024).decode(errors="replace")
    except (OSError, HTTPException) as problem:
        sys.exit(f"There is no answer on HOST and PORT ({type(problem).__name__}).")
    finally:
        connection.close()
    if answer.status != HTTPStatus.OK:
        sys.exit(text)
    sys.stdout.write(f"{text}\n")
