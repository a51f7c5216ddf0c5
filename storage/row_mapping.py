"""Rows of the database as dataclasses."""

from dataclasses import fields
from functools import cache
from typing import Any, TypeVar, cast

from storage.tables import AnyRow

T = TypeVar("T")


def from_row(cls: type[T], row: AnyRow, **computed: object) -> T:
    """Return a dataclass whose fields are columns of a row by the same names, or `computed`."""
    values = {**row._mapping, **computed}
    return cls(**{name: values[name] for name in _field_names(cast(Any, cls))})


@cache
def _field_names(cls: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cls))
