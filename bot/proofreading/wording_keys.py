"""Finds every key under which words are asked for: by reading the code, and from our tables."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flows import casework, content_files
from flows.dialogue import commands
from flows.outbound import guard, reply_templates
from flows.questions.questionnaire import Question, all_questions
from flows.referral import routing
from flows.scenes import notice, stopped, welcome
from flows.service import service
from flows.understanding import faq
from flows.understanding.crisis import Danger
from flows.vocabulary import DANGER_FLAGS, NON_ANSWERS, StepName
from flows.wording import FIRST_LANGUAGE, has, say

PROOFREADING_DIR, CODE_ROOT = "proofreading", Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class WordingKeys:
    """Keys that are `required`, those of `button_labels`, `patterns` of what may be used."""

    required: frozenset[str]
    button_labels: frozenset[str]
    patterns: tuple[re.Pattern[str], ...]

    def may_use(self, key: str) -> bool:
        """Return whether the code may ask for this key; a star is any text without a dot."""
        return key in self.required or any(one.fullmatch(key) for one in self.patterns)


def wording_keys(code: Path = CODE_ROOT) -> WordingKeys:
    """Return the keys that our tables name, and those that the code of flows/ and bot/ holds.

    Where a table of ours names all that a pattern can be, the pattern stands for nothing else.
    """
    asked, on_buttons = _keys_in_code(code)
    whole = frozenset(one for one in asked if "*" not in one)
    named = {
        pattern: {pattern.replace("*", "{}").format(*fill.split(".")) for fill in row}
        for pattern, row in _keys_from_tables().items()
    }
    may_be = asked - whole - (named.keys() - PARTIAL_PATTERNS)
    return WordingKeys(
        required=whole.union(*named.values()),
        button_labels=(whole & on_buttons).union(
            *(named[pattern] for pattern in BUTTON_LABEL_PATTERNS)
        ),
        patterns=tuple(re.compile(one.replace(".", r"\.").replace("*", "[^.]*")) for one in may_be),
    )


BUTTON_LABEL_PATTERNS = (
    *("commands.language_names.*", "cards.*.title", "faq.*.title", "questions.*.options.*"),
    *("replies.buttons.*", "scenes.asking.*", "scenes.notice.*", "scenes.welcome.buttons.*"),
)
PARTIAL_PATTERNS = {"commands.words.*", "scenes.notice.*"}
"""Which rows below are labels of buttons, and which do not name all that the code asks for."""


def _keys_from_tables() -> Mapping[str, Iterable[str]]:
    """Return what our tables name: what must fit each star; a dot parts what fits two stars."""
    cards = content_files.load_toml("cards.toml")["order"]
    topics = [topic.id for topic in faq.topics()]
    parts = [f"{one.key}.{part}" for one in all_questions() for part in ("title", "ask", "why")]
    options = [
        f"{_options_question(one)}.{option}" for one in all_questions() for option in one.options
    ]
    return {
        **_act_keys(),
        "commands.language_names.*": service().languages,
        "commands.words.*": (*commands.TYPED_COMMANDS, *NON_ANSWERS),
        "cards.*.text": cards,
        "cards.*.title": cards,
        "crisis.*.text": Danger,
        "desk.flags.*": [*(flag for flag, _ in routing.FLAG_RULES), *DANGER_FLAGS],
        "desk.given.*": NON_ANSWERS,
        "desk.queues.*": service().queues,
        "desk.reasons.*": [rule.reason for rule in routing.ROUTING_RULES],
        "desk.stages.*": casework.ReferralStage,
        "faq.*.answer": topics,
        "faq.*.asked": topics,
        "faq.*.title": (*topics, *faq.groups()),
        "desk.no_reply.*": guard.DENY_REASONS,
        "desk.wordings.*": [one.id for one in reply_templates.reply_templates()],
        "questions.*.*": parts,
        "questions.*.options.*": options,
        "replies.*.*": [
            f"{one.id}.{v}" for one in reply_templates.reply_templates() for v in guard.Variant
        ],
        "replies.buttons.*": [
            "computer",
            *(b for one in reply_templates.reply_templates() for b in one.buttons),
        ],
        "replies.parts.*": service().windows,
        "scenes.asking.*": NON_ANSWERS,
        "scenes.notice.*": notice.NoticeChoice,
        "scenes.stopped.*": stopped.DECIDING_QUESTIONS,
        "scenes.stopped.mediation_*": service().districts.values(),
        "scenes.welcome.buttons.*": welcome.WelcomeChoice,
    }


def _act_keys() -> Mapping[str, Iterable[str]]:
    """Return what the acts on a referral need words for."""
    acts = casework.ACTS
    asked_again = [casework.Act.CLAIM, *(rule.act for rule in acts.rules if rule.confirm)]
    return {
        "desk.acts.*": (*StepName, *(rule.act for rule in acts.rules)),
        "desk.numbers.came.*": acts.results(),
        "desk.numbers.times.*": [
            *("claimed", "tried", "spoke"),
            *(f"first_{act}" for act in acts.contacts()),
        ],
        **{f"desk.sure.*.{part}": asked_again for part in ("title", "text", "yes")},
        "desk.flash.*": ("none_next", "reassigned", *acts.queue_flashes()),
        "desk.page_flash.*": (*acts.page_flashes(), "third_try", StepName.NOTE),
    }


def _options_question(question: Question) -> str:
    """Return the question whose options this one says as its own."""
    shared = f"questions.{question.key}.same_as"
    return say(FIRST_LANGUAGE, shared) if has(FIRST_LANGUAGE, shared) else question.key


@cache
def _keys_in_code(code: Path) -> tuple[frozenset[str], frozenset[str]]:
    """Return the keys in the code, with a star for each blank, and the same for buttons."""
    branches = "|".join(map(re.escape, content_files.load_language(FIRST_LANGUAGE)))
    key = re.compile(rf"({branches})(\.(?!toml$)[a-z0-9_*]+)+")
    files = [*(code / "flows").rglob("*.py"), *(code / "bot").rglob("*.py")]
    trees = [
        ast.parse(one.read_text("utf-8")) for one in files if one.parent.name != PROOFREADING_DIR
    ]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    pieces = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    texts = frozenset(_literal_text(node) for node in nodes if id(node) not in pieces)
    asked = frozenset(filter(key.fullmatch, texts)) | _keys_in_templates(code, key)
    return asked, asked.intersection(label for node in nodes for label in _label_texts(node))


def _keys_in_templates(code: Path, key: re.Pattern[str]) -> frozenset[str]:
    """Return the keys in the pages' templates; what is joined on with ~ stands for a star."""
    text = "\n".join(one.read_text("utf-8") for one in sorted(code.glob("bot/**/*.html")))
    joined = re.sub(r"""["']\s*~\s*[\w.()\[\]]+\s*~\s*["']""", "*", text)
    joined = re.sub(r"""(["'][a-z0-9_.*]+\.[a-z0-9_]*)["']\s*~\s*[\w.()\[\]]+""", r'\1*"', joined)
    quoted = re.findall(r"""["']([a-z0-9_.*]+)["']""", joined)
    return frozenset(filter(key.fullmatch, quoted))


def _literal_text(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(
            _literal_text(one) if isinstance(one, ast.Constant) else "*" for one in node.values
        )
    return str(node.value) if isinstance(node, ast.Constant) else ""


def _label_texts(node: ast.AST) -> Iterator[str]:
    """Give the texts in the second part of a call to said() or button(): what the button says."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args[1:]:
        yield from map(
            _literal_text,
            ast.walk(node.args[1]) if node.func.id in ("button_for", "button") else (),
        )
