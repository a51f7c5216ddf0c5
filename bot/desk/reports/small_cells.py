"""Small cells: counts from 1 to 4 are suppressed, and others where one could be derived."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

MIN_SHOWN = 5
"""The smallest count that is shown as it is, besides nought."""
_SMALL_COUNTS = range(1, MIN_SHOWN)


class Suppression(StrEnum):
    """Why a count is not shown: it is from 1 to 4, or it would give such a one away."""

    SMALL = "small"
    SECONDARY = "beside"


Cell = int | Suppression


@dataclass(frozen=True, slots=True)
class SuppressedCounts:
    """A whole and its parts as they may be shown."""

    whole: Cell
    parts: tuple[Cell, ...]


def suppress_count(n: int) -> Cell:
    """Return a count that stands alone, hidden when it is small."""
    return Suppression.SMALL if n in _SMALL_COUNTS else n


def suppress_parts(parts: Sequence[int]) -> SuppressedCounts:
    """Return the parts of a whole as they may be shown, to who knows the whole and this rule.

    Small parts are hidden. Where the whole leaves them only one sum that gives nothing away, the
    smallest of the others is hidden too; when that does not help, all are. With a small whole
    nothing else is shown.
    """
    whole = sum(parts)
    everything = SuppressedCounts(suppress_count(whole), (Suppression.SECONDARY,) * len(parts))
    shown = [suppress_count(n) for n in parts]
    small = [n for n in parts if n in _SMALL_COUNTS]
    if whole not in _SMALL_COUNTS and not small:
        return SuppressedCounts(whole, tuple(shown))
    # All ones or all fours would otherwise be the only parts of this whole that are hidden.
    if whole in (*_SMALL_COUNTS, len(parts), (MIN_SHOWN - 1) * len(parts)):
        return everything
    telling = _SMALL_COUNTS if len(small) == 1 else (len(small), (MIN_SHOWN - 1) * len(small))
    if sum(small) not in telling:
        return SuppressedCounts(whole, tuple(shown))
    large = sorted((n, place) for place, n in enumerate(parts) if n >= MIN_SHOWN)
    if not large:
        return everything
    smallest, place = large[0]
    following = large[1] if len(large) > 1 else (whole, 0)
    others = [smallest + sum(small) - total for total in telling]
    shown[place] = Suppression.SECONDARY
    ambiguous = sum(n >= MIN_SHOWN and (n, place) < following for n in others) > 1
    return SuppressedCounts(whole, tuple(shown)) if ambiguous else everything


def suppress_rows(table: Mapping[str, Sequence[int]]) -> dict[str, SuppressedCounts]:
    """Return the rows of a table, each a whole with its parts; the wholes are parts in turn.

    A row whose whole is hidden shows nothing. No column may be summed up anywhere else.
    """
    wholes = suppress_parts([sum(parts) for parts in table.values()]).parts
    return {
        name: suppress_parts(parts)
        if isinstance(whole, int)
        else SuppressedCounts(whole, tuple(Suppression.SECONDARY for _ in parts))
        for (name, parts), whole in zip(table.items(), wholes, strict=True)
    }


def rounded_percentage(part: int, whole: int) -> int | None:
    """Return a share as a percentage so rounded that it stands for about five counts or more.

    At 0 and at 100 it stands for three. The step is 5, 10 or 25; None below 20 in all, where
    even that would say too much.
    """
    for step in (5, 10, 25):
        if whole * step >= 100 * MIN_SHOWN:
            return step * round(100 * part / (whole * step))
    return None
