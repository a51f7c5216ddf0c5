"""Fields of a page drawn from the questions: what each asks, holds now, and what is wrong."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from flows.conversation import Conversation, Filled
from flows.dialogue import form
from flows.dialogue.form import Asked, Problem
from flows.wording import say

MANY = 6
"""From how many answers on they stand in a list that opens."""
GROUPS: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "officer": (
        ("agreed", ("agreed",)),
        (
            "person",
            (
                *("victim_gender", "victim_known", "in_relationship", "willing", "interested"),
                *("contacted", "offender_gender"),
            ),
        ),
        ("crime", ("offence", "victim_asked", "line")),
        ("contact", ("victim_name", "victim_contact", "victim_message")),
        ("officer", ("officer_name", "officer_agency", "officer_contact")),
    ),
    "self": (
        (
            "about",
            (
                *("age", "wish", "harm", "district", "known", "relationship"),
                *("still_happening", "their_age"),
            ),
        ),
        (
            "safe",
            (
                *("name", "way", "number", "email", "if_answered", "if_seen", "best_time"),
                *("must_not_know", "code_word"),
            ),
        ),
    ),
}
"""Which questions stand together on a whole form; all others are its last group, "more"."""


@dataclass(frozen=True, slots=True)
class Field:
    """One question on a page; `problem` is in words, "" when nothing is wrong."""

    asked: Asked
    value: str
    problem: str
    only_if: str

    @property
    def choices(self) -> tuple[tuple[str, str], ...]:
        """Return every answer to choose from, with its label; none where words are typed."""
        return (*self.asked.options, *self.asked.also) if self.asked.options else ()

    @property
    def label(self) -> str:
        """Return what the field is called: a line is for one thing here, not for a paste."""
        return self.asked.title if self.asked.kind == "line" else self.asked.ask

    @property
    def shape(self) -> str:
        """Return how it is drawn: radios, select, textarea or input."""
        if self.choices:
            return "select" if len(self.choices) > MANY else "radios"
        return "textarea" if self.asked.kind == "note" else "input"


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that stand together; its words are under form.groups."""

    name: str
    fields: tuple[Field, ...]


def fields_of(
    conversation: Conversation,
    given: Mapping[str, str] | None = None,
    problems: Sequence[Problem] = (),
    only: Collection[str] | None = None,
) -> tuple[Field, ...]:
    """Return the fields of a conversation's form, with what was just `given` in them."""
    asked = form.form_of(conversation, only)
    wrong = {one.question: in_words(conversation.language, one) for one in reversed(problems)}
    titles = {one.key: one for one in asked}
    return tuple(
        Field(
            one,
            one.value if given is None else given.get(one.key, ""),
            wrong.get(one.key, ""),
            _only_if(conversation.language, one, titles),
        )
        for one in asked
    )


def grouped(journey: str, fields: Sequence[Field]) -> tuple[Group, ...]:
    """Return the fields in their groups, in the order of a whole form; no group is empty."""
    by_key = {one.asked.key: one for one in fields}
    groups = [
        Group(name, tuple(by_key.pop(key) for key in keys if key in by_key))
        for name, keys in GROUPS[journey]
    ]
    return tuple(one for one in (*groups, Group("more", tuple(by_key.values()))) if one.fields)


def filled_of(conversation: Conversation, posted: Mapping[str, str]) -> Filled:
    """Return what a posted form gives to the questions of a conversation's form."""
    return tuple(
        (one.key, posted[one.key]) for one in form.form_of(conversation) if one.key in posted
    )


def in_words(language: str, problem: Problem) -> str:
    """Return what is wrong with an answer, and what to do."""
    return say(language, f"errors.{problem.why}", **dict(problem.blanks))


def _only_if(language: str, one: Asked, asked: Mapping[str, Asked]) -> str:
    """Return in words after which answers a question applies; "" when it always does."""
    if one.when:
        return say(language, f"form.when.{one.when}")
    for key, values in one.only_if:
        if key in asked:
            labels = dict(asked[key].options)
            answers = ", ".join(labels[value] for value in values)
            return say(
                language, "form.only_if", title=asked[key].title.rstrip("*"), answers=answers
            )
    return ""
