"""The only file that knows `transitions`: one shared machine for each table, nothing attached."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import cached_property
from typing import Any, Generic, TypeVar

from transitions import Machine, MachineError
from transitions.extensions import GraphMachine

State_co = TypeVar("State_co", bound=StrEnum, covariant=True)
Name_co = TypeVar("Name_co", bound=StrEnum, covariant=True)


class InvalidTransition(ValueError):
    """This move does not start from where things stand."""


class _StateHolder:
    """What the library moves: it reads and writes `state` on it."""

    __slots__ = ("state",)

    def __init__(self, state: str) -> None:
        self.state = state


class TransitionTable(Generic[State_co, Name_co]):
    """A table of moves, each a row: name, where it starts, where it leads."""

    def __init__(
        self,
        states: Sequence[State_co],
        transitions: Iterable[tuple[Name_co, Sequence[State_co], State_co]],
    ) -> None:
        self.states = tuple(states)
        self.transitions = tuple(transitions)
        self._machine = Machine(
            model=None,
            states=[state.value for state in self.states],
            transitions=self._rows(),
            initial=self.states[0].value,
            auto_transitions=False,
        )

    def _rows(self) -> list[list[Any]]:
        """Return the moves as the library wants them: lists, not tuples.

        Plain strings: given an enum, the library would name its states by member, not by value.
        """
        return [
            [name.value, [state.value for state in starts], end.value]
            for name, starts, end in self.transitions
        ]

    def next_state(self, state: str, transition: str) -> State_co:
        """Return the state that `transition` leads to from `state`.

        Raises InvalidTransition when it does not start there, or when either name is unknown.
        """
        holder = _StateHolder(str(state))
        try:
            self._machine.events[transition].trigger(holder)
        except (MachineError, KeyError, ValueError) as refused:
            raise InvalidTransition(f"{transition} does not start from {state}") from refused
        return type(self.states[0])(holder.state)

    def allowed_from(self, state: str) -> tuple[Name_co, ...]:
        """Return the moves that start from `state`, in the table's order; none if unknown."""
        return self._allowed_by_state.get(state, ())

    @cached_property
    def _allowed_by_state(self) -> dict[str, tuple[Name_co, ...]]:
        return {
            state: tuple(
                dict.fromkeys(name for name, starts, _ in self.transitions if state in starts)
            )
            for state in self.states
        }

    def mermaid(self, title: str) -> str:
        """Return the table as a Mermaid state diagram, drawn by the library, left uncoloured."""
        drawing: Any = GraphMachine(
            model=_DiagramModel(),
            states=[state.value for state in self.states],
            transitions=self._rows(),
            initial=self.states[0].value,
            auto_transitions=False,
            graph_engine="mermaid",
        )
        lines = str(drawing.get_combined_graph(title=f"title: {title}").source).splitlines()
        return "\n".join(line for line in lines if not line.strip().startswith(_STYLING_PREFIXES))


_STYLING_PREFIXES = ("classDef", "Class ")


class _DiagramModel:
    """The library draws only with a model attached; this one is thrown away."""


AnyTable = TransitionTable[StrEnum, StrEnum]
"""Either table, for what draws one."""
