"""Draws a state diagram: stages in columns by their distance from the first, forward moves only."""

from dataclasses import dataclass
from enum import StrEnum

from flows.machine import AnyTable

BOX_WIDTH, BOX_HEIGHT, GAP_X, GAP_Y, MARGIN = 130, 36, 60, 18, 10


@dataclass(frozen=True, slots=True)
class Box:
    """One place of the picture, with its top left corner."""

    name: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Edge:
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
    edges: tuple[Edge, ...]


def moves_of(table: AnyTable) -> tuple[tuple[StrEnum, StrEnum, StrEnum], ...]:
    """Return every move of a table as (from, move, to), in the order of its places."""
    return tuple(
        (place, move, table.next_state(place, move))
        for place in table.states
        for move in table.allowed_from(place)
    )


def draw_table(table: AnyTable) -> Drawing:
    """Return the picture of a table. Ways back are left out: the list beside it holds all."""
    depth = _depths(table)
    columns = [
        [place for place in table.states if depth.get(place) == n]
        for n in range(max(depth.values()) + 1)
    ]
    boxes = {
        place: Box(place, MARGIN + n * (BOX_WIDTH + GAP_X), MARGIN + k * (BOX_HEIGHT + GAP_Y))
        for n, column in enumerate(columns)
        for k, place in enumerate(column)
    }
    pairs = dict.fromkeys((start, end) for start, _, end in moves_of(table) if start in boxes)
    ways = [_edge_between(boxes[a], boxes[b]) for a, b in pairs if depth[b] == depth[a] + 1]
    return Drawing(
        width=2 * MARGIN + len(columns) * (BOX_WIDTH + GAP_X) - GAP_X,
        height=2 * MARGIN + max(map(len, columns)) * (BOX_HEIGHT + GAP_Y) - GAP_Y,
        boxes=tuple(boxes.values()),
        edges=tuple(ways),
    )


def _depths(table: AnyTable) -> dict[StrEnum, int]:
    """Return how many moves away from the first place each place is."""
    depth = {table.states[0]: 0}
    line = [table.states[0]]
    for place in line:
        for move in table.allowed_from(place):
            end = table.next_state(place, move)
            if end not in depth:
                depth[end] = depth[place] + 1
                line.append(end)
    return depth


def _edge_between(start: Box, end: Box) -> Edge:
    return Edge(start.x + BOX_WIDTH, start.y + BOX_HEIGHT // 2, end.x, end.y + BOX_HEIGHT // 2)
