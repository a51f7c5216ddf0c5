"""The only file that knows `transitions`: one shared machine for each table, nothing attached."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from transitions import Machine, MachineError
from transitions.extensions import GraphMachine

Move = tuple[str, Sequence[str], str]


class NotAllowed(ValueError):
    """This move does not start from where things stand."""


class _Place:
    """Something that can be moved; the library reads and writes `state` on it."""

    __slots__ = ("state",)

    def __init__(self, state: str) -> None:
        self.state = state


class Table:
    """A table of moves, each a row: name, where it starts, where it leads."""

    def __init__(self, places: Sequence[str], moves: Iterable[Move]) -> None:
        self.places = tuple(places)
        self.moves = tuple(moves)
        self._machine = Machine(
            model=None,
            states=list(self.places),
            transitions=self._rows(),
            initial=self.places[0],
            auto_transitions=False,
        )

    def _rows(self) -> list[list[Any]]:
        """Return the moves as the library wants them: lists, not tuples."""
        return [[name, list(starts), end] for name, starts, end in self.moves]

    def after(self, place: str, move: str) -> str:
        """Return the place that `move` leads to from `place`; raise NotAllowed if it does not."""
        thing = _Place(place)
        try:
            self._machine.events[move].trigger(thing)
        except (MachineError, KeyError, ValueError) as refused:
            raise NotAllowed(f"{move} does not start from {place}") from refused
        return thing.state

    def allowed(self, place: str) -> tuple[str, ...]:
        """Return the names of the moves that start from `place`, in the table's order."""
        return self._from.get(place, ())

    @cached_property
    def _from(self) -> dict[str, tuple[str, ...]]:
        return {
            place: tuple(dict.fromkeys(name for name, starts, _ in self.moves if place in starts))
            for place in self.places
        }

    def mermaid(self, title: str) -> str:
        """Return the table as a Mermaid state diagram, drawn by the library, left uncoloured."""
        drawing: Any = GraphMachine(
            model=_Drawn(),
            states=list(self.places),
            transitions=self._rows(),
            initial=self.places[0],
            auto_transitions=False,
            graph_engine="mermaid",
        )
        lines = str(drawing.get_combined_graph(title=f"title: {title}").source).splitlines()
        return "\n".join(line for line in lines if not line.strip().startswith(_COLOURS))


_COLOURS = ("classDef", "Class ")


class _Drawn:
    """The library draws only with a model attached; this one is thrown away."""
