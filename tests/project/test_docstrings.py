"""Docstrings name what is there: the names in backticks, and the exceptions they say are raised."""

import ast
import builtins
import re
from collections.abc import Iterator
from functools import cache

from tests.project.test_architecture import SourceFile, product, read

NAMED = re.compile(r"`([a-z_][a-z0-9_]*)`")
RAISED = re.compile(r"[Rr]aises? ([A-Z]\w+)(?:,| or| and)?(?: ([A-Z]\w+))?")
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
OUTSIDE = {"rj", "IntegrityError", "NoResultFound"}
"""Names that no code needs: of the program, and of exceptions that pass through."""


def test_docstrings_name_what_is_there() -> None:
    assert [line for file in product() for line in unknown_names(file)] == []


def test_a_former_name_is_found() -> None:
    said = '"""Tell `actor` or `who`; raise Busy or KeyError."""'
    text = f'"""Says `who`."""\n\n\ndef f(actor: str) -> None:\n    {said}\n'
    assert [line.split(": ")[1] for line in unknown_names(read("bot/x.py", text))] == [
        "who",
        "who",
        "Busy",
    ]


def unknown_names(file: SourceFile) -> Iterator[str]:
    """Give each name in a docstring that the code of its file does not have."""
    here = code_names(file) | OUTSIDE
    for node in ast.walk(file.tree):
        said = ast.get_docstring(node) if isinstance(node, DOCUMENTED) else None
        raised = (name for pair in RAISED.findall(said or "") for name in pair if name)
        line = node.lineno if isinstance(node, ast.stmt) else 1
        for name in NAMED.findall(said or ""):
            if name not in here:
                yield f"{file.path}:{line}: {name}"
        for name in raised:
            if name not in here | class_names() and not hasattr(builtins, name):
                yield f"{file.path}:{line}: {name}"


def code_names(file: SourceFile) -> set[str]:
    """Return every name and every word of a string in a file, its docstrings apart."""
    docstrings = {
        node.body[0].value
        for node in ast.walk(file.tree)
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node) is not None
        if isinstance(node.body[0], ast.Expr)
    }
    names = set[str]()
    for node in ast.walk(file.tree):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
                names.add(name)
            case ast.Attribute(attr=name):
                names.add(name)
            case ast.alias(name=name) | ast.ImportFrom(module=str(name)):
                names.update(name.split("."))
            case (
                ast.FunctionDef(name=name)
                | ast.AsyncFunctionDef(name=name)
                | ast.ClassDef(name=name)
            ):
                names.add(name)
            case ast.Constant(value=str(text)) if node not in docstrings:
                names.update(re.findall(r"\w+", text))
    return names


@cache
def class_names() -> frozenset[str]:
    """Return the names of the product's classes."""
    return frozenset(
        node.name
        for file in product()
        for node in ast.walk(file.tree)
        if isinstance(node, ast.ClassDef)
    )
