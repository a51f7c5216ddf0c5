"""Fields of a page drawn from the questions: what each asks, holds now, and what is wrong."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from flows.conversation import Conversation, FormFields
from flows.dialogue import form
from flows.dialogue.form import AnswerProblem, FormQuestion
from flows.wording import say

SELECT_THRESHOLD = 6
"""From how many answers on they stand in a list that opens."""
FIELD_GROUPS: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
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
class FormField:
    """One question on a page; `problem` is in words, "" when nothing is wrong."""

    question: FormQuestion
    value: str
    problem: str
    condition: str

    @property
    def choices(self) -> tuple[tuple[str, str], ...]:
        """Return every answer to choose from, with its label; none where words are typed."""
        return (*self.question.options, *self.question.non_answers) if self.question.options else ()

    @property
    def label(self) -> str:
        """Return what the field is called: a line is for one thing here, not for a paste."""
        return self.question.title if self.question.kind == "line" else self.question.ask

    @property
    def widget(self) -> str:
        """Return how it is drawn: radios, select, textarea or input."""
        if self.choices:
            return "select" if len(self.choices) > SELECT_THRESHOLD else "radios"
        return "textarea" if self.question.kind == "note" else "input"


@dataclass(frozen=True, slots=True)
class FieldGroup:
    """Fields that stand together; its words are under form.groups."""

    name: str
    fields: tuple[FormField, ...]


def build_fields(
    conversation: Conversation,
    posted: Mapping[str, str] | None = None,
    problems: Sequence[AnswerProblem] = (),
    keys: Collection[str] | None = None,
) -> tuple[FormField, ...]:
    """Return the fields of a conversation's form, with what was just `given` in them."""
    asked = form.form_questions(conversation, keys)
    wrong = {one.question: problem_text(conversation.language, one) for one in reversed(problems)}
    titles = {one.key: one for one in asked}
    return tuple(
        FormField(
            one,
            one.value if posted is None else posted.get(one.key, ""),
            wrong.get(one.key, ""),
            _condition_text(conversation.language, one, titles),
        )
        for one in asked
    )


def group_fields(journey: str, fields: Sequence[FormField]) -> tuple[FieldGroup, ...]:
    """Return the fields in their groups, in the order of a whole form; no group is empty."""
    by_key = {one.question.key: one for one in fields}
    groups = [
        FieldGroup(name, tuple(by_key.pop(key) for key in keys if key in by_key))
        for name, keys in FIELD_GROUPS[journey]
    ]
    return tuple(one for one in (*groups, FieldGroup("more", tuple(by_key.values()))) if one.fields)


def posted_answers(conversation: Conversation, posted: Mapping[str, str]) -> FormFields:
    """Return what a posted form gives to the questions of a conversation's form."""
    return tuple(
        (one.key, posted[one.key]) for one in form.form_questions(conversation) if one.key in posted
    )


def problem_text(language: str, problem: AnswerProblem) -> str:
    """Return what is wrong with an answer, and what to do."""
    return say(language, f"errors.{problem.error_key}", **dict(problem.blanks))


def _condition_text(
    language: str, question: FormQuestion, form_questions: Mapping[str, FormQuestion]
) -> str:
    """Return in words after which answers a question applies; "" when it always does."""
    if question.condition:
        return say(language, f"form.when.{question.condition}")
    for key, values in question.only_if:
        if key in form_questions:
            labels = dict(form_questions[key].options)
            answers = ", ".join(labels[value] for value in values)
            return say(
                language,
                "form.only_if",
                title=form_questions[key].title.rstrip("*"),
                answers=answers,
            )
    return ""
