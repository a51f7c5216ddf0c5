"""What is decided by a value of a closed set names the value: Stage.SENT, never "sent"."""

import ast
from collections.abc import Iterator
from functools import cache

import pytest

from tests.project.test_architecture import SourceFile, product, read

FIELDS = {"asks", "blanks", "body", "case", "case['answers']", "on_paper"}
FORMS = {"request.form", "request.http.query_params"}
QUESTIONS = {"key", "one.question", "pair[0]", "question.key"}
WORDINGS = {"branch", "last"}
OTHER_WORDS = FIELDS | FORMS | QUESTIONS | WORDINGS | {"id", "site"}
"""What only looks like a value of ours.

Names of fields, of questions, of keys of wordings; "others" in place of the id of a sign-in, and
what a browser says of a site.
"""

Lookup = tuple[ast.expr, list[ast.expr]]
"""Something that is compared, and what with."""


def test_no_decision_spells_out_a_value_of_a_closed_set() -> None:
    found = [
        f"{file.path}:{line} {subject}: {value!r} is {members()[value]}"
        for file in product()
        if not file.is_in("storage/migrations/**")
        for line, subject, value in spelt_out(file)
        if subject not in OTHER_WORDS
    ]
    assert found == []


def test_every_exception_is_needed() -> None:
    seen = {subject for file in product() for _, subject, _ in spelt_out(file)}
    assert seen >= OTHER_WORDS


@pytest.mark.parametrize(
    "text",
    [
        'if row.stage == "withdrawn": pass',
        'if "withdrawn" != row.stage: pass',
        'if row.stage in ("no such", "withdrawn"): pass',
        'query.where(row.stage.in_(("no such", "withdrawn")))',
        'GONE = ("withdrawn",)\nif row.stage not in GONE: pass',
        'match row.stage:\n    case "no such" | "withdrawn": pass',
        'match act:\n    case Done(stage="withdrawn"): pass',
        '{"withdrawn": 1}.get(row.stage)',
        '{"withdrawn": 1}[row.stage]',
    ],
)
def test_a_value_that_is_spelt_out_is_found(text: str) -> None:
    assert [value for _, _, value in spelt_out(read("bot/x.py", text))] == ["withdrawn"]


def test_a_value_that_is_named_is_not_found() -> None:
    text = 'if row.stage == ReferralStage.WITHDRAWN or row.stage == "no such": pass'
    assert list(spelt_out(read("bot/x.py", text))) == []


@cache
def members() -> dict[str, str]:
    """Return each value of a closed set of the product, and a member that has it."""
    found: dict[str, str] = {}
    for file in product():
        for node in ast.walk(file.tree):
            if isinstance(node, ast.ClassDef) and {"Enum", "StrEnum"} & set(
                map(ast.unparse, node.bases)
            ):
                for line in node.body:
                    if isinstance(line, ast.Assign) and (value := ast.literal_eval(line.value)):
                        found[value] = f"{node.name}.{ast.unparse(line.targets[0])}"
    assert len(found) > 200
    return found


def spelt_out(file: SourceFile) -> Iterator[tuple[int, str, str]]:
    """Give the line, what is compared, and the value of a closed set that stands there as text."""
    groups = {
        ast.unparse(line.targets[0]): line.value
        for line in file.tree.body
        if isinstance(line, ast.Assign) and not isinstance(line.value, ast.Constant | ast.Dict)
    }
    for node in ast.walk(file.tree):
        for subject, others in _lookups(node):
            for other in others:
                group = groups.get(ast.unparse(other), other)
                for text in _texts(group):
                    if text in members():
                        yield subject.lineno, ast.unparse(subject), text


def _lookups(node: ast.AST) -> Iterator[Lookup]:
    match node:
        case ast.Compare(left, _, others):
            sides = [left, *others]
            yield from ((one, [two for two in sides if two is not one]) for one in sides)
        case ast.Match(subject, cases):
            patterns = [part for case in cases for part in ast.walk(case.pattern)]
            yield subject, [one.value for one in patterns if isinstance(one, ast.MatchValue)]
        case ast.Call(ast.Attribute(column, "in_" | "not_in"), values):
            yield column, values
        case ast.Call(ast.Attribute(ast.Dict() as table, "get"), [subject, *_]):
            yield subject, [table]
        case ast.Subscript(ast.Dict() as table, subject):
            yield subject, [table]


def _texts(node: ast.expr) -> Iterator[str]:
    """Give the texts that a constant, a group of them, or the keys of a table are."""
    match node:
        case ast.Constant(str(text)):
            yield text
        case ast.Call(ast.Name("frozenset" | "set" | "tuple"), [part]) | ast.Starred(part):
            yield from _texts(part)
        case ast.Tuple(parts) | ast.List(parts) | ast.Set(parts):
            yield from (text for part in parts for text in _texts(part))
        case ast.Dict(keys):
            yield from (text for key in keys if key for text in _texts(key))
