"""Reads content/questions.toml: what is asked, of whom, in which order, and what it says."""

from dataclasses import dataclass
from functools import cache

from flows import content_files, wording
from flows.conversation import Given


@dataclass(frozen=True, slots=True)
class Question:
    """One question, as content/questions.toml explains its fields."""

    key: str
    journeys: tuple[str, ...]
    kind: str
    options: tuple[str, ...] = ()
    across: int = 1
    also: tuple[Given, ...] = ()
    only_if: tuple[tuple[str, tuple[str, ...]], ...] = ()
    when: str = ""
    rests_on: tuple[str, ...] = ()
    offered: bool = False
    silent: bool = False
    safe: bool = False

    def says(self, language: str, part: str) -> str:
        """Return this question's title, ask or why in a language."""
        return wording.say(language, f"questions.{self.key}.{part}")

    def option(self, language: str, option: str) -> str:
        """Return what an option's button says."""
        return wording.say(language, f"questions.{self._words_from(language)}.options.{option}")

    def typed(self, language: str, option: str) -> tuple[str, ...]:
        """Return the other words that people type for an option."""
        key = f"questions.{self._words_from(language)}.typed.{option}"
        return wording.words(language, key) if wording.has(language, key) else ()

    def _words_from(self, language: str) -> str:
        shared = f"questions.{self.key}.same_as"
        return wording.say(language, shared) if wording.has(language, shared) else self.key

    def asked(self, language: str) -> str:
        """Return the question exactly as it is shown: what is asked, and why."""
        return f"{self.says(language, 'ask')}\n\n{self.says(language, 'why')}"


@cache
def questions() -> tuple[Question, ...]:
    """Return all questions in the order they are asked."""
    return tuple(_read(row) for row in content_files.read("questions.toml")["question"])


@cache
def question(key: str) -> Question:
    """Return one question; raise KeyError for a name that is not (or no longer) asked."""
    for one in questions():
        if one.key == key:
            return one
    raise KeyError(key)


def is_asked(key: str) -> bool:
    """Return whether there is a question of that name."""
    return any(one.key == key for one in questions())


def _read(row: content_files.Tree) -> Question:
    only_if = tuple((key, tuple(values)) for key, values in row.get("only_if", {}).items())
    return Question(
        key=row["key"],
        journeys=tuple(row["for"]),
        kind=row["kind"],
        options=tuple(row.get("options", ())),
        across=row.get("across", 1),
        also=tuple(Given(name) for name in row["also"]),
        only_if=only_if,
        when=row.get("when", ""),
        rests_on=tuple(dict.fromkeys([*row.get("rests_on", ()), *(key for key, _ in only_if)])),
        offered=row.get("offered", False),
        silent=row.get("silent", False),
        safe=row.get("safe", False),
    )
