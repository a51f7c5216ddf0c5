"""Draws a table of moves: places in columns by how many moves away they are, ways onwards only."""

from dataclasses import dataclass

from flows.machine import Table

WIDE, HIGH, APART_X, APART_Y, EDGE = 130, 36, 60, 18, 10


@dataclass(frozen=True, slots=True)
class Box:
    """One place of the picture, with its top left corner."""

    name: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Way:
    """One way between two places, as a line from point to point."""

    x1: int
    y1: int
    x2: int
    y2: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture: its size, its boxes and the ways between them."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    ways: tuple[Way, ...]


def moves_of(table: Table) -> tuple[tuple[str, str, str], ...]:
    """Return every move of a table as (from, move, to), in the order of its places."""
    return tuple(
        (place, move, table.after(place, move))
        for place in table.places
        for move in table.allowed(place)
    )


def drawing(table: Table) -> Drawing:
    """Return the picture of a table. Ways back are left out: the list beside it holds all."""
    depth = _depths(table)
    columns = [
        [place for place in table.places if depth.get(place) == n]
        for n in range(max(depth.values()) + 1)
    ]
    boxes = {
        place: Box(place, EDGE + n * (WIDE + APART_X), EDGE + k * (HIGH + APART_Y))
        for n, column in enumerate(columns)
        for k, place in enumerate(column)
    }
    pairs = dict.fromkeys((start, end) for start, _, end in moves_of(table) if start in boxes)
    ways = [_way(boxes[a], boxes[b]) for a, b in pairs if depth[b] == depth[a] + 1]
    return Drawing(
        width=2 * EDGE + len(columns) * (WIDE + APART_X) - APART_X,
        height=2 * EDGE + max(map(len, columns)) * (HIGH + APART_Y) - APART_Y,
        boxes=tuple(boxes.values()),
        ways=tuple(ways),
    )


def _depths(table: Table) -> dict[str, int]:
    """Return how many moves away from the first place each place is."""
    depth = {table.places[0]: 0}
    line = [table.places[0]]
    for place in line:
        for move in table.allowed(place):
            end = table.after(place, move)
            if end not in depth:
                depth[end] = depth[place] + 1
                line.append(end)
    return depth


def _way(start: Box, end: Box) -> Way:
    return Way(start.x + WIDE, start.y + HIGH // 2, end.x, end.y + HIGH // 2)
