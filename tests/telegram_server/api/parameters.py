"""Reads what a bot posts: JSON, form or multipart bodies become one kind of parameters."""

import json
from dataclasses import dataclass
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

from tests.telegram_server.state import BotApiError, Json

# Free words: "42" or "true" typed by somebody stays the words they typed.
WORDS = {
    "callback_query_id",
    "caption",
    "description",
    "language_code",
    "name",
    "parse_mode",
    "secret_token",
    "short_description",
    "text",
    "url",
}
NOT_AN_OBJECT = "Bad Request: can't parse JSON object"
NOT_UTF8 = "Bad Request: strings must be encoded in UTF-8"


@dataclass(frozen=True)
class Upload:
    """A file that came in a multipart body."""

    name: str
    content: bytes


def read_parameters(query: str, content_type: str, body: bytes) -> Json:
    """Return the parameters of a call, nested values unpacked; raises Refused if unreadable."""
    try:
        return _read(query, content_type, body)
    except UnicodeDecodeError as trouble:
        raise BotApiError(400, NOT_UTF8) from trouble


def _read(query: str, content_type: str, body: bytes) -> Json:
    given: Json = dict(parse_qsl(query, keep_blank_values=True))
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json":
        given |= _json_object(body)
    elif kind == "application/x-www-form-urlencoded":
        given |= dict(parse_qsl(body.decode(), keep_blank_values=True))
    elif kind == "multipart/form-data":
        given |= _multipart(content_type, body)
    return {name: _unpacked(name, value) for name, value in given.items()}


def _json_object(body: bytes) -> Json:
    try:
        found = json.loads(body or b"{}")
    except json.JSONDecodeError as trouble:
        raise BotApiError(400, NOT_AN_OBJECT) from trouble
    if not isinstance(found, dict):
        raise BotApiError(400, NOT_AN_OBJECT)
    return found


def _multipart(content_type: str, body: bytes) -> Json:
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    found: Json = {}
    for part in BytesParser(policy=HTTP).parsebytes(head + body).iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        file_name = part.get_filename()
        found[name] = content.decode() if file_name is None else Upload(file_name, content)
    return found


def _unpacked(name: str, value: Any) -> Any:
    if name in WORDS or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def whole_number(given: Json, name: str, usual: int = 0) -> int:
    """Return an integer parameter; raises Refused when it is something else."""
    value = given.get(name, usual)
    if isinstance(value, bool) or not isinstance(value, int):
        raise BotApiError(400, f"Bad Request: {name} must be an integer")
    return value


def words(given: Json, name: str) -> str:
    """Return a text parameter, "" when missing; raises Refused when it is something else."""
    value = given.get(name, "")
    if not isinstance(value, str):
        raise BotApiError(400, f"Bad Request: {name} must be a string")
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise BotApiError(400, NOT_UTF8)
    return value


def objects(given: Json, name: str) -> list[Any]:
    """Return a list parameter, empty when missing; raises Refused when it is something else."""
    value = given.get(name) or []
    if not isinstance(value, list):
        raise BotApiError(400, f"Bad Request: {name} must be an array")
    return value


def fields(given: Json, name: str) -> Json:
    """Return an object parameter, empty when missing; raises Refused when it is something else."""
    value = given.get(name) or {}
    if not isinstance(value, dict):
        raise BotApiError(400, f"Bad Request: {name} must be an object")
    return value
