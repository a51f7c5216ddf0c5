"""What the documents name exists, and what they draw is what the code imports."""

import ast
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from bot.__main__ import app
from tests.project.package_diagrams import diagrams
from tests.support.paths import ROOT

ARCHITECTURE, GLOSSARY = ROOT / "docs" / "architecture.md", ROOT / "docs" / "glossary.md"
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
REFERENCE = re.compile(r"`((?:bot|flows|storage|tests|docs|deploy|\.ci)/[\w./*-]*)(?:::([\w.]+))?`")
"""A path in a document, and after two colons the name of something defined in that file."""

COMMAND = re.compile(r"(?:`|^|\./run )rj ((?:[a-z]+ ?){1,2})", re.MULTILINE)
ROW = re.compile(r"^\| (?!---)(.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)


def name_of(document: Path) -> str:
    """Return a document's path in the project."""
    return document.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_path_and_every_name_in_it_exists(document: Path) -> None:
    assert list(missing_references(document.read_text("utf-8"))) == []


def test_a_path_or_name_that_is_not_there_is_found() -> None:
    wrong = "`bot/nowhere.py`", "`flows/turn.py::take_turns`", "`flows/conversation.py::Turn.step`"
    assert len(list(missing_references(", ".join(wrong)))) == len(wrong)
    right = "`flows/`", "`flows/turn.py::take_turn`", "`flows/conversation.py::Turn.replies`"
    assert list(missing_references(", ".join(right))) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_command_in_it_exists(document: Path) -> None:
    told = {" ".join(words.split()) for words in COMMAND.findall(document.read_text("utf-8"))}
    assert [words for words in sorted(told) if not is_command(words.split())] == []


def test_a_command_that_is_not_there_is_found() -> None:
    assert COMMAND.findall("`rj serve`, ./run rj queue claim next") == ["serve", "queue claim "]
    assert is_command(["queue", "claim"]) and is_command(["invite"])
    assert not is_command(["meet"]) and not is_command(["queue", "knock"])


def test_the_packages_are_drawn_as_they_import_each_other() -> None:
    start, end = "<!-- packages:begin -->\n", "<!-- packages:end -->"
    before, rest = ARCHITECTURE.read_text("utf-8").split(start)
    drawn, after = rest.split(end)
    shows = f"{diagrams()}\n"
    if os.environ.get("RECORD"):
        ARCHITECTURE.write_text(before + start + shows + end + after, "utf-8")
        drawn = shows
    assert drawn == shows, "RECORD=1 ./run test tests/project/test_docs.py draws it anew"


def test_the_glossary_says_each_term_once_in_order() -> None:
    tables = [ROW.findall(part)[1:] for part in GLOSSARY.read_text("utf-8").split("\n## ")[1:]]
    *groups, former = [[term.casefold() for term, _, _ in rows] for rows in tables]
    terms = [term for group in groups for term in group]
    assert len(terms) > 100
    assert sorted(term for term in set(terms) if terms.count(term) > 1) == []
    assert [group for group in (*groups, former) if group != sorted(group)] == []


def test_the_glossary_says_where_each_thing_lives() -> None:
    *groups, _ = [ROW.findall(part)[1:] for part in GLOSSARY.read_text("utf-8").split("\n## ")[1:]]
    assert [term for rows in groups for term, _, where in rows if not REFERENCE.search(where)] == []


def missing_references(text: str) -> Iterator[str]:
    """Give each path of a document that is not there, and each name not defined in its file."""
    for path, name in REFERENCE.findall(text):
        found = sorted(ROOT.glob(path.rstrip("/")))
        if not found:
            yield path
        elif name and not any(name in defined_names(one) for one in found):
            yield f"{path}::{name}"


@cache
def defined_names(path: Path) -> frozenset[str]:
    """Return the names of a file's functions, classes and constants; members after a dot."""
    return frozenset(_names_in(ast.parse(path.read_text("utf-8")).body))


def _names_in(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name):
                yield name
                yield from (f"{name}.{member}" for member in _names_in(node.body))
            case ast.Assign(targets=targets):
                for target in targets:
                    yield from (one.id for one in ast.walk(target) if isinstance(one, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name


def is_command(words: list[str]) -> bool:
    """Return whether the command line knows these words; after a command anything may stand."""
    command: Any = get_command(app)
    for word in words:
        if not hasattr(command, "commands"):
            return True
        if word not in command.commands:
            return False
        command = command.commands[word]
    return True
