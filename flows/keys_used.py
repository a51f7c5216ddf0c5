"""Finds every key under which the code may ask for words, by reading the code itself."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

from flows import anytime, casework, content_files, faq, routing, rules
from flows.conversation import Given
from flows.crisis import Danger
from flows.questionnaire import questions
from flows.rules import Facts, Tri, Who
from flows.scenes import learning, notice, welcome
from flows.service import service

CODE = Path(__file__).resolve().parents[1]
ROOMS = ("flows", "bot")
_OWN = ("keys_used.py", "proofread.py", "proofread_tables.py", "proofread_words.py")
"""These name keys to check them, not to say them."""

Fill = tuple[str, ...]
Fills = Callable[[], Iterable[Fill]]


@dataclass(frozen=True, slots=True)
class Keys:
    """What the code may ask for: what `must` be said, and what stands on `labels` of buttons.

    `asked` says what else may be asked for. `lost` holds, as plain lines, what in the code
    could not be followed.
    """

    must: frozenset[str]
    labels: frozenset[str]
    lost: tuple[str, ...]
    asked: "Asked"

    def use(self, key: str) -> bool:
        """Return whether the code may ask for this key."""
        return key in self.must or any(self._fits(key, one) for one in self.asked.patterns)

    def _fits(self, key: str, pattern: str) -> bool:
        found = _as_regex(pattern).fullmatch(key)
        if found is None or pattern == "faq.*":
            return False
        may = key in _filled(pattern, MAY)
        return may or (pattern not in ALL and set(found.groups()) <= self.asked.words)


@cache
def _as_regex(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", "([a-z0-9_]*)"))


@dataclass(frozen=True, slots=True)
class Asked:
    """Keys as they stand in the code: whole ones, and patterns with a star for each blank.

    `words` are all single words that the code holds: what a star may become.
    """

    whole: frozenset[str]
    patterns: frozenset[str]
    on_buttons: frozenset[str]
    words: frozenset[str]


def keys_used(branches: Iterable[str], rooms: Path = CODE) -> Keys:
    """Return the keys that the code in `rooms` asks for; `branches` are their first parts."""
    asked = _asked(tuple(branches), rooms)
    must = {key for pattern in asked.patterns for key in _filled(pattern, MUST)}
    known = {*MUST, *MAY}
    lost = [
        *(
            f"{one} is asked for; say in keys_used.py what it can be."
            for one in asked.patterns - known
        ),
        *(
            f"{one} is not asked for any more; take it out of keys_used.py."
            for one in known - asked.patterns
        ),
    ]
    buttons = {key for one in asked.on_buttons for key in (*_filled(one, ON_BUTTONS), one)}
    labels = frozenset(key for key in buttons if "*" not in key) | _option_labels()
    return Keys(frozenset(must) | asked.whole, labels, tuple(sorted(lost)), asked)


def _filled(pattern: str, table: Mapping[str, Fills]) -> Iterator[str]:
    for fill in table[pattern]() if pattern in table else ():
        yield re.sub(r"\*", "{}", pattern).format(*fill)


@cache
def _asked(branches: tuple[str, ...], rooms: Path) -> Asked:
    key = re.compile(rf"({'|'.join(map(re.escape, branches))})(\.[a-z0-9_*]+)+")
    texts, on_buttons = set[str](), set[str]()
    for room in ROOMS:
        for file in sorted((rooms / room).rglob("*.py")):
            if file.name not in _OWN:
                tree = ast.parse(file.read_text(encoding="utf-8"))
                texts.update(_texts(tree))
                on_buttons.update(one for one in _button_texts(tree) if _is_key(key, one))
    found = {one for one in texts if _is_key(key, one)}
    patterns = frozenset(one for one in found if "*" in one)
    words = frozenset(one for one in texts if re.fullmatch(r"[a-z0-9_]*", one))
    return Asked(frozenset(found) - patterns, patterns, frozenset(on_buttons), words)


def _is_key(key: re.Pattern[str], text: str) -> bool:
    return bool(key.fullmatch(text)) and not text.endswith(".toml")


def _texts(tree: ast.AST) -> Iterator[str]:
    inside = {id(v) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for v in n.values}
    for node in ast.walk(tree):
        if id(node) not in inside:
            yield _text(node)


def _button_texts(tree: ast.AST) -> Iterator[str]:
    """Give the keys of buttons: the second word of `said(...)`, or what a `button(...)` says."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and len(node.args) > 1:
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            second = node.args[1]
            if name == "button" and isinstance(second, ast.Call) and len(second.args) > 1:
                second = second.args[1]
            if name in ("said", "button"):
                yield _text(second)


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(v) if isinstance(v, ast.Constant) else "*" for v in node.values)
    return ""


# --- what each pattern stands for


def _of(*values: str) -> Fills:
    return lambda: [(value,) for value in values]


def _each(values: Callable[[], Iterable[str]]) -> Fills:
    return lambda: [(value,) for value in values()]


def stop_reasons() -> frozenset[str]:
    """Return every reason for which the rules can stop, found by trying all facts."""
    facts = (
        Facts(
            who=who,
            consent=consent,
            own_wish=wish,
            domestic_or_sexual=kind,
            victim_asked=asked,
            in_area=area,
            dispute=dispute,
        )
        for consent, wish, kind, asked, area, dispute in product(Tri, repeat=6)
        for who in Who
    )
    return frozenset(rules.stop_reason(one) for one in facts) - {""}


def flags() -> tuple[str, ...]:
    """Return every flag that staff may see."""
    dangers = (f"danger_{kind}" for kind in Danger)
    own = ("pressure", "not_verified", "risks", "needs", "from_the_person_responsible")
    return tuple(dict.fromkeys([*(name for name, _ in routing.NOTES), *dangers, *own]))


def _option_labels() -> frozenset[str]:
    return frozenset(
        f"questions.{one.key}.options.{option}" for one in questions() for option in one.options
    )


def _own_words() -> list[tuple[str, str]]:
    """Return each question and option whose words are its own, not shared with another."""
    told = content_files.read_language("en")["questions"]
    return [
        (one.key, option)
        for one in questions()
        for option in one.options
        if "same_as" not in told.get(one.key, {})
    ]


def _telegram() -> list[Fill]:
    told = content_files.read_language("en")["telegram"]
    tables = ("commands", "officer_commands")
    return [(table, name) for table in tables for name in told[table] if name in anytime.COMMANDS]


def _specials() -> tuple[str, ...]:
    return tuple(given.value for given in Given if given != Given.SAID)


_MISREAD = ("choice", "name", "phone", "email", "contact", "line")
_MISREAD_BY_NAME = (
    "name.too_long",
    "name.greeting",
    "phone.short",
    "phone.long",
    "words.too_long",
    "words.empty",
    "note.too_long",
    "note.empty",
    "line.too_long",
)
_FIT = ("good", "maybe", "not_found", "not_here", "not_harmed", "yes", "no", "unsure")
_TYPED = ("typed_adult", "typed_young", "typed_yes", "typed_no")
_QUEUE = ("empty", "not_safe", "no_contact", "claimed", "taken", "stepped", "ring_officer")
_STAFF_ACTS = ("handed_over", "opened", "flag_raised")
_ALERTS = ("new", "flag", "withdraw", "ask_to_delete")

MUST: Mapping[str, Fills] = {
    "anytime.language_names.*": _each(lambda: service().languages),
    "anytime.words.*": _each(lambda: (*anytime.SPOKEN, *_specials(), "yes", "no")),
    "cards.*.text": _each(lambda: content_files.read("cards.toml")["order"]),
    "cards.*.title": _each(lambda: content_files.read("cards.toml")["order"]),
    "crisis.*.text": _each(lambda: [kind.value for kind in Danger]),
    "desk.*.*": lambda: [
        *(("reasons", rule.reason) for rule in routing.RULES),
        *(("flags", flag) for flag in flags()),
        *(("acts", act) for act in _STAFF_ACTS),
    ],
    "desk.acts.*": _each(lambda: [name for name, _, _ in casework.ACTS.moves]),
    "desk.alerts.*": _of(*_ALERTS),
    "desk.given.*": _of(*_specials(), "not_asked"),
    "desk.queue.*": _of(*_QUEUE),
    "desk.queues.*": _each(lambda: service().queues),
    "desk.stages.*": _of(*casework.OPEN, *casework.CLOSED),
    "errors.*": _of(*_MISREAD_BY_NAME),
    "errors.*.*": lambda: [(why, "first") for why in _MISREAD],
    "faq.*.answer": _each(lambda: [topic.id for topic in faq.topics()]),
    "faq.*.asked": _each(lambda: [topic.id for topic in faq.topics()]),
    "faq.*.title": _each(lambda: [*(topic.id for topic in faq.topics()), *faq.groups()]),
    "paste.*": _of("victim", "offender", "woman", "man", "adult", "young", "left_out"),
    "questions.*.*": lambda: [
        (one.key, part) for one in questions() for part in ("title", "ask", "why")
    ],
    "questions.*.options.*": _own_words,
    "questions.*.title": _each(lambda: [one.key for one in questions()]),
    "scenes.asking.*": _of(*_specials()),
    "scenes.checking.*": _of("show", "hide"),
    "scenes.checking.ready_callback*": _of("", "_with_more"),
    "scenes.fit.*": _of(*learning.FIT_QUESTIONS, *_FIT),
    "scenes.notice.*": _of(*notice.CHOICES, *_TYPED),
    "scenes.sent.*": _of("thanks", "thanks_officer", "thanks_own_call"),
    "scenes.sent_things.*": _of("any", "contact", "location"),
    "scenes.stopped.*": _each(stop_reasons),
    "scenes.stopped.mediation_*": _each(lambda: set(service().districts.values())),
    "scenes.welcome.buttons.*": _of(*welcome.DOORS),
    "telegram.*.*": _telegram,
}
"""Patterns in the code, and what their stars may be; all of these must be said."""

MAY: Mapping[str, Fills] = {
    "crisis.*.more": _each(lambda: [kind.value for kind in Danger]),
    "errors.*.again": _of(*_MISREAD),
    "faq.*": lambda: [],
    "questions.*.same_as": _each(lambda: [one.key for one in questions()]),
    "questions.*.typed.*": _own_words,
}
"""The same for what is only said where it is there."""

ON_BUTTONS: Mapping[str, Fills] = {**MUST, "scenes.fit.*": _of("yes", "no", "unsure")}
"""What the stars may be where the words stand on a button."""

ALL = (
    "anytime.words.*",
    "cards.*.title",
    "desk.given.*",
    "desk.queues.*",
    "desk.stages.*",
    "errors.*",
    "errors.*.*",
    "errors.*.again",
    "questions.*.*",
    "scenes.stopped.*",
)
"""Patterns whose stars can be nothing else than what stands above."""
