"""A table of the report as it is shown: headings, rows, bar lengths."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.desk.reports.small_cells import Cell, Suppression
from flows.wording import FIRST_LANGUAGE, say

_L = FIRST_LANGUAGE
HIDDEN_BAR_PERCENT = 2
"""How long a bar is whose count is not said: the same for each."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a picture: its share of the longest in percent, and whether it is hidden."""

    label: str
    value: str
    percent: int
    hidden: bool


@dataclass(frozen=True, slots=True)
class StatisticsTable:
    """One table: the first cell of each row is its head. Without bars there is no picture."""

    key: str
    caption: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    bars: tuple[Bar, ...] = ()


def cell_text(cell: Cell) -> str:
    """Return a count as it is shown."""
    if isinstance(cell, Suppression):
        return say(_L, f"desk.numbers.{cell}")
    return f"{cell:,}"


def bars_of(cells: Sequence[tuple[str, Cell]]) -> tuple[Bar, ...]:
    """Return a bar for each count; what is hidden has a bar of one length, or none."""
    most = max((n for _, n in cells if isinstance(n, int)), default=0) or 1
    return tuple(
        Bar(label, cell_text(n), _percent(n, most), not isinstance(n, int)) for label, n in cells
    )


def _percent(n: Cell, most: int) -> int:
    if isinstance(n, int):
        return round(100 * n / most)
    return HIDDEN_BAR_PERCENT if n == Suppression.SMALL else 0
