"""The only file that knows `transitions`: one shared machine for each table, nothing attached."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

from transitions import Machine, MachineError
from transitions.extensions import GraphMachine

Transition = tuple[str, Sequence[str], str]


class InvalidTransition(ValueError):
    """This move does not start from where things stand."""


class _StateHolder:
    """Something that can be moved; the library reads and writes `state` on it."""

    __slots__ = ("state",)

    def __init__(self, state: str) -> None:
        self.state = state


class TransitionTable:
    """A table of moves, each a row: name, where it starts, where it leads."""

    def __init__(self, states: Sequence[str], transitions: Iterable[Transition]) -> None:
        self.states = tuple(states)
        self.transitions = tuple(transitions)
        self._machine = Machine(
            model=None,
            states=list(self.states),
            transitions=self._rows(),
            initial=self.states[0],
            auto_transitions=False,
        )

    def _rows(self) -> list[list[Any]]:
        """Return the moves as the library wants them: lists, not tuples."""
        return [[name, list(starts), end] for name, starts, end in self.transitions]

    def next_state(self, state: str, transition: str) -> str:
        """Return the place that `move` leads to from `place`; raise NotAllowed if it does not."""
        thing = _StateHolder(state)
        try:
            self._machine.events[transition].trigger(thing)
        except (MachineError, KeyError, ValueError) as refused:
            raise InvalidTransition(f"{transition} does not start from {state}") from refused
        return thing.state

    def allowed_from(self, state: str) -> tuple[str, ...]:
        """Return the names of the moves that start from `place`, in the table's order."""
        return self._allowed_by_state.get(state, ())

    @cached_property
    def _allowed_by_state(self) -> dict[str, tuple[str, ...]]:
        return {
            place: tuple(
                dict.fromkeys(name for name, starts, _ in self.transitions if place in starts)
            )
            for place in self.states
        }

    def mermaid(self, title: str) -> str:
        """Return the table as a Mermaid state diagram, drawn by the library, left uncoloured."""
        drawing: Any = GraphMachine(
            model=_DiagramModel(),
            states=list(self.states),
            transitions=self._rows(),
            initial=self.states[0],
            auto_transitions=False,
            graph_engine="mermaid",
        )
        lines = str(drawing.get_combined_graph(title=f"title: {title}").source).splitlines()
        return "\n".join(line for line in lines if not line.strip().startswith(_STYLING_PREFIXES))


_STYLING_PREFIXES = ("classDef", "Class ")


class _DiagramModel:
    """The library draws only with a model attached; this one is thrown away."""
