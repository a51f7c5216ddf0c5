"""Turns flows' shapes into text and back, forgiving about fields a newer or older version had."""

import json
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")


class Unreadable(ValueError):
    """Kept text does not hold the shape it should; never says what it holds."""


def write(thing: object) -> str:
    """Return a shape, or plain lists and dicts, as text; times in UTC."""
    return json.dumps(thing, default=_plain, separators=(",", ":"))


def read(shape: type[T], text: str) -> T:
    """Return the shape that `text` holds.

    Fields the shape does not know are left out; what is missing or does not fit takes the
    field's own default. Raises Unreadable when there is none and no blank will do.
    """
    try:
        return cast(T, _built(shape, json.loads(text)))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise Unreadable(f"not a {shape.__name__}") from None


def read_dict(text: str) -> dict[str, Any]:
    """Return the dict that `text` holds; raise Unreadable when it is something else."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise Unreadable("not JSON") from None
    if not isinstance(found, dict):
        raise Unreadable("not a dict")
    return found


def _plain(thing: Any) -> object:
    if isinstance(thing, datetime):
        return _in_utc(thing).isoformat()
    return {field.name: getattr(thing, field.name) for field in fields(thing)}


def _in_utc(time: datetime) -> datetime:
    if time.utcoffset() is None:
        raise ValueError("A time without a zone cannot be kept.")
    return time.astimezone(UTC)


def _built(shape: type, raw: Any) -> object:
    if not isinstance(raw, dict):
        raise Unreadable
    return shape(**{field.name: _field(field, hint, raw) for field, hint in _parts(shape)})


@cache
def _parts(shape: Any) -> tuple[tuple[Field[Any], Any], ...]:
    hints = get_type_hints(shape)
    return tuple((field, hints[field.name]) for field in fields(shape))


def _field(field: Field[Any], hint: Any, raw: dict[str, Any]) -> object:
    try:
        return _value(hint, raw[field.name])
    except (ValueError, TypeError, KeyError):
        if field.default is not MISSING:
            return field.default
        if hint in _BLANKS and field.name not in raw:
            return _BLANKS[hint]
        raise


_BLANKS: dict[Any, object] = {str: "", bool: False, tuple[str, ...]: ()}


def _value(hint: Any, raw: Any) -> object:
    if type(raw) is hint:
        return cast(object, raw)
    if get_origin(hint) is tuple:
        return tuple(_value(get_args(hint)[0], one) for one in _list(raw))
    if get_origin(hint) is UnionType:
        return None if raw is None else _value(_without_none(hint), raw)
    if is_dataclass(hint):
        return _built(cast(type, hint), raw)
    if hint is datetime:
        return _in_utc(datetime.fromisoformat(raw))
    if issubclass(hint, Enum):
        return hint(raw)
    raise Unreadable


def _list(raw: Any) -> list[Any]:
    if not isinstance(raw, list):
        raise Unreadable
    return raw


def _without_none(hint: Any) -> Any:
    return next(kind for kind in get_args(hint) if kind is not NoneType)
