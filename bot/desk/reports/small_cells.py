"""Hides small counts: none from 1 to 4 is shown, and none can be worked out from what is shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

LEAST = 5
"""The smallest count that is shown as it is, besides nought."""
_SMALLS = range(1, LEAST)


class Hidden(StrEnum):
    """Why a count is not shown: it is from 1 to 4, or it would give such a one away."""

    SMALL = "small"
    BESIDE = "beside"


Cell = int | Hidden


@dataclass(frozen=True, slots=True)
class Shares:
    """A whole and its parts as they may be shown."""

    whole: Cell
    parts: tuple[Cell, ...]


def safe(n: int) -> Cell:
    """Return a count that stands alone, hidden when it is small."""
    return Hidden.SMALL if n in _SMALLS else n


def split(parts: Sequence[int]) -> Shares:
    """Return the parts of a whole as they may be shown beside it, whoever knows the whole.

    Small parts are hidden. As long as the whole and the parts that are shown leave only one
    value for them, the smallest of the others is hidden too; when that does not help, all are.
    With a small whole nothing else is shown.
    """
    whole = sum(parts)
    everything = tuple(Hidden.BESIDE for _ in parts)
    if whole in _SMALLS:
        return Shares(Hidden.SMALL, everything)
    shown: list[Cell] = [safe(n) for n in parts]
    if Hidden.SMALL not in shown:
        return Shares(whole, tuple(shown))
    large = sorted((n, place) for place, n in enumerate(parts) if n >= LEAST)
    for _, place in [(0, -1), *large]:
        if place >= 0:
            shown[place] = Hidden.BESIDE
        if _leaves_open(whole, shown):
            return Shares(whole, tuple(shown))
    return Shares(whole, everything)


def rows(table: Mapping[str, Sequence[int]]) -> dict[str, Shares]:
    """Return the rows of a table, each a whole with its parts; the wholes are parts in turn.

    A row whose whole is hidden shows nothing. No column may be summed up anywhere else.
    """
    wholes = split([sum(parts) for parts in table.values()]).parts
    return {
        name: split(parts)
        if isinstance(whole, int)
        else Shares(whole, tuple(Hidden.BESIDE for _ in parts))
        for (name, parts), whole in zip(table.items(), wholes, strict=True)
    }


def share(part: int, whole: int) -> int | None:
    """Return a share as a percentage so rounded that it stands for about five counts or more.

    At 0 and at 100 it stands for three. The step is 5, 10 or 25; None below 20 in all, where
    even that would say too much.
    """
    for step in (5, 10, 25):
        if whole * step >= 100 * LEAST:
            return step * round(100 * part / (whole * step))
    return None


def _leaves_open(whole: int, shown: Sequence[Cell]) -> bool:
    """Return whether a small part could be one or another, for all that is shown.

    What is hidden beside it may be nought, or 5 and more.
    """
    smalls = shown.count(Hidden.SMALL)
    beside = shown.count(Hidden.BESIDE)
    rest = whole - sum(one for one in shown if isinstance(one, int))
    others = range(smalls - 1, (LEAST - 1) * (smalls - 1) + 1)
    possible = [n for n in _SMALLS if any(_can_be(rest - n - other, beside) for other in others)]
    return len(possible) > 1


def _can_be(n: int, parts: int) -> bool:
    """Return whether this many parts, each nought or 5 and more, can sum up to `n`."""
    return n == 0 or (parts > 0 and n >= LEAST)
