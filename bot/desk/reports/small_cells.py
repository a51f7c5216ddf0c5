"""Hides small counts: none from 1 to 4 is shown, and none can be worked out from what is shown."""

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
    """Return the parts of a whole as they may be shown beside it, whoever knows the whole.

    Small parts are hidden. As long as the whole and the parts that are shown leave only one
    value for them, the smallest of the others is hidden too; when that does not help, all are.
    With a small whole nothing else is shown.
    """
    whole = sum(parts)
    everything = tuple(Suppression.SECONDARY for _ in parts)
    if whole in _SMALL_COUNTS:
        return SuppressedCounts(Suppression.SMALL, everything)
    shown: list[Cell] = [suppress_count(n) for n in parts]
    if Suppression.SMALL not in shown:
        return SuppressedCounts(whole, tuple(shown))
    large = sorted((n, place) for place, n in enumerate(parts) if n >= MIN_SHOWN)
    for _, place in large:
        if _is_ambiguous(whole, shown):
            break
        shown[place] = Suppression.SECONDARY
    return SuppressedCounts(whole, tuple(shown) if _is_ambiguous(whole, shown) else everything)


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


def _is_ambiguous(whole: int, shown: Sequence[Cell]) -> bool:
    """Return whether a small part could be one or another, for all that is shown.

    What is hidden beside it may be nought, or 5 and more.
    """
    smalls = shown.count(Suppression.SMALL)
    beside = shown.count(Suppression.SECONDARY)
    rest = whole - sum(one for one in shown if isinstance(one, int))
    others = range(smalls - 1, (MIN_SHOWN - 1) * (smalls - 1) + 1)
    possible = [
        n for n in _SMALL_COUNTS if any(_can_sum_to(rest - n - other, beside) for other in others)
    ]
    return len(possible) > 1


def _can_sum_to(n: int, parts: int) -> bool:
    """Return whether this many parts, each nought or 5 and more, can sum up to `n`."""
    return n == 0 or (parts > 0 and n >= MIN_SHOWN)
