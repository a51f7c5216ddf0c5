"""Small counts stay hidden: whoever subtracts, with every value tried, finds more than one."""

from collections.abc import Iterator, Sequence
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.desk.reports.small_cells import (
    MIN_SHOWN,
    Cell,
    Suppression,
    rounded_percentage,
    suppress_count,
    suppress_parts,
    suppress_rows,
)
from tests.harness.thorough import examples

COUNTS = st.lists(st.integers(0, 9), min_size=1, max_size=5)


def could_be(cell: Cell, beside_small: bool, whole: int) -> Sequence[int]:
    """Return the values that a reader thinks possible for a cell, by its mark alone."""
    if isinstance(cell, int):
        return (cell,)
    if cell == Suppression.SMALL:
        return range(1, MIN_SHOWN)
    return [n for n in range(whole + 1) if not beside_small or not 1 <= n < MIN_SHOWN]


def worlds(whole: int, cells: Sequence[Cell]) -> Iterator[tuple[int, ...]]:
    """Give every set of counts that fits all that is shown, and the whole."""
    small = Suppression.SMALL in cells
    for world in product(*(could_be(cell, small, whole) for cell in cells)):
        if sum(world) == whole:
            yield world


def derived(whole: int, cells: Sequence[Cell]) -> list[int]:
    """Return the places of hidden cells that can have one value only."""
    all_worlds = list(worlds(whole, cells))
    hidden = [place for place, cell in enumerate(cells) if isinstance(cell, Suppression)]
    return [place for place in hidden if len({world[place] for world in all_worlds}) == 1]


@given(COUNTS)
@settings(max_examples=examples(400), deadline=None)
def test_no_hidden_part_can_be_worked_out_from_the_whole(parts: list[int]) -> None:
    shown = suppress_parts(parts)
    assert not any(cell in range(1, MIN_SHOWN) for cell in (shown.whole, *shown.parts))
    if isinstance(shown.whole, int):
        assert derived(shown.whole, shown.parts) == []
    else:
        assert set(shown.parts) == {Suppression.SECONDARY}


@given(COUNTS)
def test_what_is_shown_is_true(parts: list[int]) -> None:
    shown = suppress_parts(parts)
    for cell, n in zip((shown.whole, *shown.parts), (sum(parts), *parts), strict=True):
        assert isinstance(cell, Suppression) or cell == n
        assert cell != Suppression.SMALL or n in range(1, MIN_SHOWN)


@given(COUNTS)
def test_nothing_is_hidden_without_need(parts: list[int]) -> None:
    if all(n == 0 or n >= MIN_SHOWN for n in parts):
        assert suppress_parts(parts).parts == tuple(parts)


@given(
    st.dictionaries(st.sampled_from("abcd"), st.lists(st.integers(0, 7), min_size=3, max_size=3))
)
@settings(max_examples=examples(300), deadline=None)
def test_no_hidden_cell_of_a_table_can_be_worked_out(table: dict[str, list[int]]) -> None:
    shown = suppress_rows(table)
    wholes = [one.whole for one in shown.values()]
    assert len(set(wholes)) >= 1 if table else wholes == []
    whole = sum(map(sum, table.values()))
    if Suppression.SMALL in wholes or Suppression.SECONDARY in wholes:
        assert whole < MIN_SHOWN or derived(whole, wholes) == []
    for one in shown.values():
        if isinstance(one.whole, int):
            assert derived(one.whole, one.parts) == []
        else:
            assert set(one.parts) <= {Suppression.SECONDARY}


@pytest.mark.parametrize(
    ("parts", "whole", "shown"),
    [
        ([12, 8], 20, (12, 8)),
        ([12, 3], 15, (Suppression.SECONDARY, Suppression.SMALL)),
        ([30, 6, 2], 38, (30, Suppression.SECONDARY, Suppression.SMALL)),
        ([30, 2, 3], 35, (30, Suppression.SMALL, Suppression.SMALL)),
        ([4, 4], 8, (Suppression.SECONDARY, Suppression.SECONDARY)),
        ([1, 1, 1, 1], Suppression.SMALL, (Suppression.SECONDARY,) * 4),
        ([0, 0], 0, (0, 0)),
        ([], 0, ()),
    ],
)
def test_examples(parts: list[int], whole: Cell, shown: tuple[Cell, ...]) -> None:
    found = suppress_parts(parts)
    assert (found.whole, found.parts) == (whole, shown)


def test_a_count_that_stands_alone() -> None:
    assert [suppress_count(n) for n in (0, 1, 4, 5)] == [0, Suppression.SMALL, Suppression.SMALL, 5]


@given(st.integers(0, 500), st.data())
def test_a_share_stands_for_several_counts(whole: int, data: st.DataObject) -> None:
    part = data.draw(st.integers(0, whole))
    found = rounded_percentage(part, whole)
    assert (found is None) == (whole < 20)
    if found is None:
        return
    assert abs(found - 100 * part / whole) <= 12.5
    alike = [n for n in range(whole + 1) if rounded_percentage(n, whole) == found]
    assert len(alike) >= (3 if found in (0, 100) else 4)
