"""Turns the dataclasses of flows into JSON and back, also those of an older or newer version."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from flows import pending
from flows.conversation import Answer, Conversation, DangerSignpost, Receipt
from flows.officers import Introduction
from flows.record import Record, RecordLine

T = TypeVar("T")


FORMER_NAMES: Mapping[type, Mapping[str, str]] = {
    Conversation: {
        "prompt_id": "step",
        "draft_epoch": "began",
        "editing": "looking_at",
        "pending": "waiting",
        "stop_reason": "stopped_for",
        "previous_journey": "came_from",
        "last_input_at": "heard_at",
        "card_message_id": "card",
        "has_reply_keyboard": "keyboard",
        "invalid_count": "misread",
        "danger_signposts": "told",
        "answered_on_page": "by_page",
        "introduction": "introduced_by",
        "source": "door",
    },
    Answer: {
        "status": "given",
        "prompt": "asked",
        "wording_version": "wording",
        "answered_at": "at",
        "answered_by": "by",
        "message_id": "message",
    },
    RecordLine: {
        "status": "given",
        "prompt": "asked",
        "wording_version": "wording",
        "answered_at": "at",
        "answered_by": "by",
    },
    Record: {"wording_version": "wording", "source": "door"},
    pending.ChangeAnswer: {"status": "given", "message_id": "message"},
    pending.ConfirmSuggestion: {"option": "value"},
    pending.ConfirmUnconfirmedText: {"text": "value", "message_id": "message"},
    pending.UnansweredQuestion: {"text": "value"},
    pending.PasteResult: {"unparsed_count": "value"},
    DangerSignpost: {"given_at": "at"},
    Receipt: {"may_contact": "contact", "earlier_references": "earlier"},
    Introduction: {"case_reference": "line", "introduced_at": "at"},
}
"""Field names in JSON written by release 0.1, by the class and the name of today."""
TAG, FORMER_TAG = "kind", "about"
"""The key that says which class of a union a dict is."""
FORMER_TAGS: Mapping[str, type] = {
    "guess": pending.ConfirmSuggestion,
    "words": pending.ConfirmUnconfirmedText,
    "again": pending.ConfirmRestart,
    "withdraw": pending.ConfirmWithdrawal,
    "missed": pending.UnansweredQuestion,
    "told": pending.PasteResult,
}
"""The tags of release 0.1 that differ from today's: one class then, with all as `value`."""
FORMER_KEYS = {
    "edits": "edits_message_id",
    "instead": "fallback_text",
    "does": "kind",
    "by": "sender",
    "always": "unblockable",
}
"""The same for replies in the outbox and on a screen, which are stored as plain dicts."""


class DecodeError(ValueError):
    """Stored JSON does not decode to its class; the message never says what it holds."""


def dumps(value: object) -> str:
    """Return a dataclass, or plain lists and dicts, as JSON; times in UTC."""
    return _ENCODER.encode(value)


def loads(cls: type[T], text: str) -> T:
    """Return the dataclass that `text` holds.

    Fields that the class does not have are left out; what is missing or does not fit takes the
    field's own default. Raises DecodeError when there is none and no blank will do.
    """
    try:
        return cast(T, _decode_dataclass(cls, json.loads(text)))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise DecodeError(f"not a {cls.__name__}") from None


def loads_dict(text: str) -> dict[str, Any]:
    """Return the dict that `text` holds; raise DecodeError when it is something else."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise DecodeError("not JSON") from None
    if not isinstance(found, dict):
        raise DecodeError("not a dict")
    return found


def loads_reply(text: str) -> dict[str, Any]:
    """Return the reply that `text` holds, keys of release 0.1 under their names of today.

    Raises DecodeError when it is something else.
    """
    found = loads_dict(text)
    if not any(f'"{key}":' in text for key in FORMER_KEYS):
        return found
    return {key: _renamed(value) for key, value in _renamed(found).items()}


def _renamed(value: Any) -> Any:
    if isinstance(value, list):
        return [_renamed(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {FORMER_KEYS.get(key, key): item for key, item in value.items()}


def _encode_default(value: Any) -> object:
    if isinstance(value, datetime):
        return _in_utc(value).isoformat()
    return {name: getattr(value, name) for name in _field_names(value.__class__)}


_ENCODER = json.JSONEncoder(default=_encode_default, separators=(",", ":"))


@cache
def _field_names(cls: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cls))


def _in_utc(time: datetime) -> datetime:
    if time.utcoffset() is None:
        raise ValueError("A time without a zone cannot be kept.")
    return time.astimezone(UTC)


def _decode_dataclass(cls: type, raw: Any) -> object:
    if not isinstance(raw, dict):
        raise DecodeError
    return cls(
        **{field.name: _decode_field(cls, field, hint, raw) for field, hint in _typed_fields(cls)}
    )


@cache
def _typed_fields(cls: Any) -> tuple[tuple[Field[Any], Any], ...]:
    hints = get_type_hints(cls)
    return tuple((field, hints[field.name]) for field in fields(cls))


def _decode_field(cls: type, field: Field[Any], hint: Any, raw: dict[str, Any]) -> object:
    former = FORMER_NAMES.get(cls, {}).get(field.name, field.name)
    try:
        return _decode_value(hint, raw[field.name] if field.name in raw else raw[former])
    except (ValueError, TypeError, KeyError):
        if field.default is not MISSING:
            return field.default
        if hint in _BLANKS and field.name not in raw and former not in raw:
            return _BLANKS[hint]
        raise


_BLANKS: dict[Any, object] = {str: "", bool: False, tuple[str, ...]: ()}


def _decode_value(hint: Any, raw: Any) -> object:
    if type(raw) is hint:
        return cast(object, raw)
    if get_origin(hint) is tuple:
        return tuple(_decode_value(get_args(hint)[0], one) for one in _require_list(raw))
    if get_origin(hint) is UnionType:
        return None if raw is None else _decode_value(_member_for(hint, raw), raw)
    if is_dataclass(hint):
        return _decode_dataclass(cast(type, hint), raw)
    if hint is datetime:
        return _in_utc(datetime.fromisoformat(raw))
    if hint is int and isinstance(raw, str):
        return int(raw)
    if issubclass(hint, Enum):
        return hint(raw)
    raise DecodeError


def _require_list(raw: Any) -> list[Any]:
    if not isinstance(raw, list):
        raise DecodeError
    return raw


def _member_for(union: Any, raw: Any) -> Any:
    """Return the class of a union that `raw` is of: the only one, or the one that its tag names."""
    members = [member for member in get_args(union) if member is not NoneType]
    if len(members) == 1:
        return members[0]
    tag = raw.get(TAG, raw.get(FORMER_TAG)) if isinstance(raw, dict) else None
    by_tag = {field.default: cls for cls in members for field in fields(cls) if field.name == TAG}
    found = FORMER_TAGS.get(tag) or by_tag.get(tag) if isinstance(tag, str) else None
    if found is None:
        raise DecodeError
    return found
