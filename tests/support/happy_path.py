"""One person's way from hello to a reference number, as the screen words it, for any channel."""

from dataclasses import dataclass

from flows.questions.questionnaire import question
from flows.wording import say

NAME, NUMBER, NUMBER_KEPT = "Amina", "07700 900123", "+447700900123"


@dataclass(frozen=True, slots=True)
class Step:
    """What is shown, what the person then does, and the answer that this gives, if it is one."""

    shown: str
    press: str = ""
    say: str = ""
    question: str = ""
    value: str = ""


def way(name: str = NAME, number: str = NUMBER, kept: str = NUMBER_KEPT) -> tuple[Step, ...]:
    """Return the steps of a person harmed who wants a call, up to the pressing of Send.

    Half of it is typed as bare positions: one that was heard twice would also answer what
    comes next.
    """
    return (
        Step(_first_line("scenes.welcome.hello"), press=_said("scenes.welcome.buttons.self")),
        Step(
            _first_line("scenes.notice.text"),
            press=_said("scenes.notice.adult"),
            question="age",
            value="adult",
        ),
        _pressed("wish", "find_out"),
        _typed("harm", "1", "theft"),
        _typed("known", "2", "no"),
        _typed("their_age", "1", "adult"),
        _typed("name", name, name),
        _typed("way", "1", "call"),
        _typed("number", number, kept),
        _pressed("if_answered", "no_message"),
        Step(shown("extra"), press=_said("scenes.asking.skipped")),
        Step(_first_line("scenes.checking.ready"), press=SEND),
    )


def answers(steps: tuple[Step, ...]) -> list[tuple[str, str]]:
    """Return the answers that these steps give, in order."""
    return [(step.question, step.value) for step in steps if step.question]


def until(key: str, steps: tuple[Step, ...] | None = None) -> tuple[Step, ...]:
    """Return the steps before the question `key` is answered."""
    every = steps or way()
    return every[: [step.question for step in every].index(key)]


def shown(key: str) -> str:
    """Return the first line of a question."""
    return _line(question(key).asked("en"))


def option(key: str, value: str) -> str:
    """Return what the button of an option says."""
    return question(key).option("en", value)


def _pressed(key: str, value: str) -> Step:
    return Step(shown(key), press=option(key, value), question=key, value=value)


def _typed(key: str, typed: str, value: str) -> Step:
    return Step(shown(key), say=typed, question=key, value=value)


def _said(key: str) -> str:
    return say("en", key)


def _first_line(key: str) -> str:
    return _line(say("en", key))


def _line(text: str) -> str:
    return text.split("\n", maxsplit=1)[0]


SEND = _said("scenes.checking.send")
