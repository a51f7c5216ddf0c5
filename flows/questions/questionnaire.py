"""Reads content/questions.toml: what is asked, of whom, in which order, and what it says."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from flows import content_files, wording
from flows.vocabulary import AnswerStatus, Journey


class AnswerType(StrEnum):
    """How an answer is parsed: one parser each in flows/questions/answer_types.py."""

    CHOICE = "choice"
    NAME = "name"
    PHONE = "phone"
    EMAIL = "email"
    CONTACT = "contact"
    SHORT_TEXT = "words"
    NOTE = "note"
    CASE_REFERENCE = "line"


CASE_REFERENCE_QUESTION = "line"
"""The key of the question for an officer's own reference."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question, as content/questions.toml explains its fields."""

    key: str
    journeys: tuple[Journey, ...]
    kind: AnswerType
    options: tuple[str, ...] = ()
    columns: int = 1
    non_answers: tuple[AnswerStatus, ...] = ()
    only_if: tuple[tuple[str, tuple[str, ...]], ...] = ()
    condition: str = ""
    depends_on: tuple[str, ...] = ()
    optional: bool = False
    internal: bool = False
    safe_contact: bool = False
    group: str = ""

    def text(self, language: str, part: str) -> str:
        """Return this question's title, ask or why in a language."""
        return wording.say(language, f"questions.{self.key}.{part}")

    def option_label(self, language: str, option: str) -> str:
        """Return what an option's button says."""
        return wording.say(language, f"questions.{self._wording_key(language)}.options.{option}")

    def option_synonyms(self, language: str, option: str) -> tuple[str, ...]:
        """Return the other words that people type for an option."""
        key = f"questions.{self._wording_key(language)}.typed.{option}"
        return wording.words(language, key) if wording.has(language, key) else ()

    def _wording_key(self, language: str) -> str:
        shared = f"questions.{self.key}.same_as"
        return wording.say(language, shared) if wording.has(language, shared) else self.key

    def prompt(self, language: str) -> str:
        """Return the question exactly as it is shown: what is asked, and why."""
        return f"{self.text(language, 'ask')}\n\n{self.text(language, 'why')}"


@cache
def all_questions() -> tuple[Question, ...]:
    """Return all questions in the order they are asked."""
    return tuple(map(_parse_question, content_files.load_toml("questions.toml")["question"]))


@cache
def form_groups() -> tuple[str, ...]:
    """Return the names of the parts of a whole form, in the order shown."""
    return tuple(content_files.load_toml("questions.toml")["form_groups"])


@cache
def get_question(key: str) -> Question:
    """Return one question; raise KeyError for a name that is not (or no longer) asked."""
    for one in all_questions():
        if one.key == key:
            return one
    raise KeyError(key)


def question_exists(key: str) -> bool:
    """Return whether there is a question of that name."""
    return any(one.key == key for one in all_questions())


def _parse_question(row: content_files.ContentTree) -> Question:
    only_if = tuple((key, tuple(values)) for key, values in row.get("only_if", {}).items())
    return Question(
        key=row["key"],
        journeys=tuple(Journey(name) for name in row["journeys"]),
        kind=AnswerType(row["kind"]),
        options=tuple(row.get("options", ())),
        columns=row.get("columns", 1),
        non_answers=tuple(AnswerStatus(name) for name in row["non_answers"]),
        only_if=only_if,
        condition=row.get("condition", ""),
        depends_on=tuple(dict.fromkeys([*row.get("depends_on", ()), *(key for key, _ in only_if)])),
        optional=row.get("optional", False),
        internal=row.get("internal", False),
        safe_contact=row.get("safe_contact", False),
        group=row.get("group", ""),
    )
