"""Small counts stay hidden from who knows the rule: every table that would look the same is tried.

The attacker has what is published, the whole, and the code that published it. A number is found out
when all counts that would be published alike have the same one in its place.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.desk.reports import figures
from bot.desk.reports.small_cells import (
    MIN_SHOWN,
    Cell,
    Suppression,
    rounded_percentage,
    suppress_count,
    suppress_parts,
    suppress_rows,
)
from bot.desk.reports.tables import StatisticsTable
from storage.reports.statistics import PairCounts

COUNTS = st.lists(st.integers(0, 9), min_size=1, max_size=5)
Counts = tuple[int, ...]


def counts_of(parts: int, whole: int) -> Iterator[Counts]:
    """Give every way in which so many parts make the whole."""
    if parts == 1:
        yield (whole,)
        return
    for first in range(whole + 1):
        for rest in counts_of(parts - 1, whole - first):
            yield (first, *rest)


def small_ones_found_out(
    parts: int, most: int, publish: Callable[[Counts], Hashable]
) -> list[tuple[int, Counts]]:
    """Return the place of each small number that the attacker is sure of, with an example.

    The whole is known, up to `most`; unless it is small itself: then only that it is.
    """
    groups = defaultdict(list)
    for whole in range(most + 1):
        for counts in counts_of(parts, whole):
            groups[suppress_count(whole), publish(counts)].append(counts)
    return [
        (place, alike[0])
        for alike in groups.values()
        for place, values in enumerate(zip(*alike, strict=True))
        if len(set(values)) == 1 and values[0] in range(1, MIN_SHOWN)
    ]


def test_the_attacker_finds_what_is_published_without_care() -> None:
    def hides_small(counts: Counts) -> Hashable:
        return tuple(map(suppress_count, counts))

    assert small_ones_found_out(2, 8, lambda counts: counts)
    assert (1, (4, 4)) in small_ones_found_out(2, 8, hides_small)


@pytest.mark.parametrize(("parts", "most"), [(1, 60), (2, 60), (3, 40), (4, 24), (5, 14), (6, 10)])
def test_no_small_part_can_be_worked_out_from_the_whole(parts: int, most: int) -> None:
    assert small_ones_found_out(parts, most, suppress_parts) == []


@pytest.mark.parametrize(("rows", "columns", "most"), [(2, 2, 20), (3, 2, 11), (2, 3, 11)])
def test_no_small_cell_of_a_table_can_be_worked_out(rows: int, columns: int, most: int) -> None:
    def publish(counts: Counts) -> Hashable:
        table = {str(n): counts[n * columns : (n + 1) * columns] for n in range(rows)}
        return tuple(suppress_rows(table).items())

    assert small_ones_found_out(rows * columns, most, publish) == []


@pytest.mark.parametrize(
    ("pairs", "most", "table_of"),
    [
        ([("self", "telegram"), ("self", "web"), ("officer", "web")], 18, figures.by_source),
        (list(product(("adults", "check"), ("open", "close"))), 11, figures.by_route),
    ],
)
def test_no_small_number_can_be_worked_out_from_what_the_page_shows(
    pairs: list[tuple[str, str]],
    most: int,
    table_of: Callable[[PairCounts], StatisticsTable],
) -> None:
    """The words and the bars of two of its tables."""

    def publish(counts: Counts) -> Hashable:
        return table_of(dict(zip(pairs, counts, strict=True)))

    assert small_ones_found_out(len(pairs), most, publish) == []


@given(COUNTS)
def test_what_is_shown_is_true(parts: list[int]) -> None:
    shown = suppress_parts(parts)
    for cell, n in zip((shown.whole, *shown.parts), (sum(parts), *parts), strict=True):
        assert isinstance(cell, Suppression) or cell == n
        assert cell != Suppression.SMALL or n in range(1, MIN_SHOWN)


@given(st.lists(st.just(0) | st.integers(MIN_SHOWN, 99)))
def test_nothing_is_hidden_without_need(parts: list[int]) -> None:
    assert suppress_parts(parts).parts == tuple(parts)


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
