"""Fields of a page drawn from the questions: what each asks, holds now, and what is wrong."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from flows.conversation import Conversation
from flows.dialogue import form
from flows.dialogue.form import FormQuestion
from flows.dialogue.form_parsing import AnswerProblem
from flows.inputs import FormFields
from flows.questions.questionnaire import AnswerType, form_groups
from flows.wording import say

SELECT_THRESHOLD = 6
"""From how many answers on they stand in a list that opens."""
LAST_GROUP = "more"
"""Where on a whole form the questions without a group stand."""


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
        is_reference = self.question.kind == AnswerType.CASE_REFERENCE
        return self.question.title if is_reference else self.question.ask

    @property
    def widget(self) -> str:
        """Return how it is drawn: radios, select, textarea or input."""
        if self.choices:
            return "select" if len(self.choices) > SELECT_THRESHOLD else "radios"
        return "textarea" if self.question.kind == AnswerType.NOTE else "input"


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
    """Return the fields of a conversation's form, with what was just `posted` in them."""
    asked = form.form_questions(conversation, keys)
    language = conversation.language
    wrong = {
        one.question: say(language, f"errors.{one.error_key}", **dict(one.blanks))
        for one in reversed(problems)
    }
    titles = {one.key: one for one in asked}
    return tuple(
        FormField(
            one,
            one.value if posted is None else posted.get(one.key, ""),
            wrong.get(one.key, ""),
            _condition_text(language, one, titles),
        )
        for one in asked
    )


def group_fields(fields: Sequence[FormField]) -> tuple[FieldGroup, ...]:
    """Return the fields in their groups, in the order of a whole form; no group is empty."""
    found: dict[str, list[FormField]] = {}
    for field in fields:
        found.setdefault(field.question.group or LAST_GROUP, []).append(field)
    names = (*form_groups(), LAST_GROUP)
    return tuple(FieldGroup(name, tuple(found[name])) for name in names if name in found)


def posted_answers(conversation: Conversation, posted: Mapping[str, str]) -> FormFields:
    """Return what a posted form gives to the questions of a conversation's form."""
    return tuple(
        (one.key, posted[one.key]) for one in form.form_questions(conversation) if one.key in posted
    )


def _condition_text(
    language: str, question: FormQuestion, form_questions: Mapping[str, FormQuestion]
) -> str:
    """Return in words after which answers a question applies; "" when it always does."""
    if question.condition:
        return say(language, f"form.when.{question.condition}")
    for key, values in question.only_if:
        if key in form_questions:
            labels, title = dict(form_questions[key].options), form_questions[key].title.rstrip("*")
            answers = ", ".join(labels[value] for value in values)
            return say(language, "form.only_if", title=title, answers=answers)
    return ""
