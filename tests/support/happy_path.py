"""One person's way from hello to a reference number, as the screen words it, for any channel."""

from dataclasses import dataclass

from flows.questions.questionnaire import get_question
from flows.wording import say

NAME, NUMBER, NUMBER_STORED = "Amina", "07700 900123", "+447700900123"


@dataclass(frozen=True, slots=True)
class PathStep:
    """What is shown, what the person then does, and the answer that this gives, if it is one."""

    shown: str
    press: str = ""
    say: str = ""
    question: str = ""
    value: str = ""


def happy_path(
    name: str = NAME, number: str = NUMBER, stored_number: str = NUMBER_STORED
) -> tuple[PathStep, ...]:
    """Return the steps of a person harmed who wants a call, up to the pressing of Send.

    Half of it is typed as bare positions: one that was heard twice would also answer what
    comes next.
    """
    return (
        PathStep(_first_line("scenes.welcome.hello"), press=_text("scenes.welcome.buttons.self")),
        PathStep(
            _first_line("scenes.notice.text"),
            press=_text("scenes.notice.adult"),
            question="age",
            value="adult",
        ),
        _pressed("wish", "find_out"),
        _typed("harm", "1", "theft"),
        _typed("known", "2", "no"),
        _typed("their_age", "1", "adult"),
        _typed("name", name, name),
        _typed("way", "1", "call"),
        _typed("number", number, stored_number),
        _pressed("if_answered", "no_message"),
        PathStep(question_first_line("extra"), press=_text("scenes.asking.skipped")),
        PathStep(_first_line("scenes.checking.ready"), press=SEND),
    )


def expected_answers(steps: tuple[PathStep, ...]) -> list[tuple[str, str]]:
    """Return the answers that these steps give, in order."""
    return [(step.question, step.value) for step in steps if step.question]


def steps_before(key: str, steps: tuple[PathStep, ...] | None = None) -> tuple[PathStep, ...]:
    """Return the steps before the question `key` is answered."""
    every = steps or happy_path()
    return every[: [step.question for step in every].index(key)]


def question_first_line(key: str) -> str:
    """Return the first line of a question."""
    return _first_of(get_question(key).prompt("en"))


def option_label(key: str, value: str) -> str:
    """Return what the button of an option says."""
    return get_question(key).option_label("en", value)


def _pressed(key: str, value: str) -> PathStep:
    return PathStep(
        question_first_line(key), press=option_label(key, value), question=key, value=value
    )


def _typed(key: str, typed: str, value: str) -> PathStep:
    return PathStep(question_first_line(key), say=typed, question=key, value=value)


def _text(key: str) -> str:
    return say("en", key)


def _first_line(key: str) -> str:
    return _first_of(say("en", key))


def _first_of(text: str) -> str:
    return text.split("\n", maxsplit=1)[0]


SEND = _text("scenes.checking.send")
