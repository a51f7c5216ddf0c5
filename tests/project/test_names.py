"""One thing, one name: no class twice, no name of former releases, and few parameters."""

import ast
import re
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cache

from jinja2 import Environment, nodes

from tests.project.test_architecture import SourceFile, product, read
from tests.support.paths import ROOT

MIGRATIONS = "storage/migrations/versions/*.py"
SCENE_FUNCTIONS = {"show", "handle"}
"""What every scene has; flows/scenes/registry.py calls them."""
SAME_FUNCTION = 3
"""A page, what it does in storage and its command may share a name."""
MANY_PARAMETERS, MOST_PARAMETERS, MANY_SHARE = 6, 7, 0.015

EVERYDAY = {"held", "heard", "likeness", "print", "stands", "told", "tries", "wanted"}
"""Besides the former names of the glossary, words that names were once made of."""
ORDINARY = {
    *("about", "after", "codes", "journey", "keys", "known", "last", "limits", "lines", "link"),
    *("links", "lists", "live", "missed", "numbers", "offered", "opening", "page", "pages"),
    *("read", "replies", "rules", "safe", "small_cells", "step", "typed", "waiting", "write"),
}
"""The former meaning of these is gone, and what bears the name today is called so everywhere."""
PUBLIC = {"door"}
"""A field of the JSON API, and of the words for it."""
COLUMN_KINDS = {"column", "table", "table, column"}
"""Only the database had these names, and a migration renames what it has."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def former_names() -> frozenset[str]:
    """Return the names in the last table of the glossary that code had, without `.py`."""
    table = (ROOT / "docs/glossary.md").read_text("utf-8").split("\n## Former names")[1]
    rows = [row.split(" | ") for row in table.splitlines() if row.startswith("| ")]
    of_code = " ".join(former for former, _, kind in rows if kind.strip(" |") not in COLUMN_KINDS)
    quoted = " ".join(re.findall(r"`([^`]+)`", of_code)).replace(".py", "")
    return frozenset(re.findall(r"\w+", quoted)) - ORDINARY - PUBLIC | EVERYDAY


def test_no_two_classes_share_a_name() -> None:
    assert shared(classes_of, most=1) == {}


def test_no_public_function_name_is_in_more_than_three_modules() -> None:
    assert {*shared(public_functions_of, SAME_FUNCTION)} == SCENE_FUNCTIONS


def test_no_name_in_python_is_a_former_one() -> None:
    assert "hearing" in former_names() and "At" in former_names() and len(former_names()) > 70
    assert [line for file in product() for line in found_in(file)] == []


def test_a_former_name_is_found_wherever_it_stands() -> None:
    text = (
        "class Here:\n    frame: int\n    class House: ...\n"
        "def hear(pulse, *alike, tries=1, **counts):\n    told = 1\n    return told\n"
    )
    assert set(found_in(read("bot/knock.py", text))) == {
        *("bot/knock.py: knock", "bot/knock.py:1: Here", "bot/knock.py:1: frame"),
        *("bot/knock.py:3: House", "bot/knock.py:4: hear", "bot/knock.py:4: pulse"),
        *("bot/knock.py:4: alike", "bot/knock.py:4: tries", "bot/knock.py:4: counts"),
    }


def test_no_name_in_a_template_is_a_former_one() -> None:
    templates = sorted((ROOT / "bot/web/templates").rglob("*.html"))
    assert len(templates) > 50
    found = {
        (path.name, name)
        for path in templates
        for name in (path.stem, *template_names(path.read_text("utf-8")))
        if name in former_names()
    }
    assert found == set()


def test_no_key_of_the_words_is_a_former_name() -> None:
    paths = sorted((ROOT / "flows/content/en").rglob("*.toml"))
    assert len(paths) > 20
    tables = [
        (path.stem, name)
        for path in paths
        for name, value in (*tomllib.loads(path.read_text("utf-8")).items(), (path.stem, {}))
        if isinstance(value, dict) and name in former_names()
    ]
    assert tables == []


def test_few_functions_take_many_parameters() -> None:
    counted = [parameters(node) for file in product() for node in functions_of(file)]
    assert len(counted) > 1000
    assert max(map(len, counted)) <= MOST_PARAMETERS
    many = [names for names in counted if len(names) >= MANY_PARAMETERS]
    assert len(many) / len(counted) <= MANY_SHARE


def shared(names_of: Callable[[SourceFile], Iterable[str]], most: int) -> dict[str, list[str]]:
    """Return the names that more files have than `most`, or that one file has so often."""
    places = defaultdict(list)
    for file in product():
        for name in names_of(file):
            places[name].append(file.path)
    assert len(places) > 100
    return {name: paths for name, paths in places.items() if len(paths) > most}


def classes_of(file: SourceFile) -> Iterator[str]:
    """Give the name of each class."""
    yield from (node.name for node in ast.walk(file.tree) if isinstance(node, ast.ClassDef))


def public_functions_of(file: SourceFile) -> Iterator[str]:
    """Give the name of each public function of a module, migrations apart."""
    for node in file.tree.body if not file.is_in(MIGRATIONS) else []:
        if isinstance(node, Function) and not node.name.startswith("_"):
            yield node.name


def functions_of(file: SourceFile) -> Iterator[Function]:
    """Give each function and method."""
    yield from (node for node in ast.walk(file.tree) if isinstance(node, Function))


def parameters(node: Function) -> list[str]:
    """Return the names of a function's parameters, without `self` and `cls`."""
    taken = node.args
    ordinary = [*taken.posonlyargs, *taken.args, *taken.kwonlyargs]
    variable = [one for one in (taken.vararg, taken.kwarg) if one]
    return [one.arg for one in (*ordinary, *variable) if one.arg not in ("self", "cls")]


def found_in(file: SourceFile) -> Iterator[str]:
    """Give where a module, class, function, field or parameter has a former name."""
    stem = file.path.rsplit("/", 1)[-1].removesuffix(".py")
    if stem in former_names():
        yield f"{file.path}: {stem}"
    for node in ast.walk(file.tree):
        if isinstance(node, ast.ClassDef | Function):
            names = [
                node.name,
                *(parameters(node) if isinstance(node, Function) else fields_of(node)),
            ]
            yield from (
                f"{file.path}:{node.lineno}: {one}" for one in names if one in former_names()
            )


def fields_of(node: ast.ClassDef) -> Iterator[str]:
    """Give the names of a class's fields and enum members."""
    for one in node.body:
        targets = one.targets if isinstance(one, ast.Assign) else []
        targets = [one.target] if isinstance(one, ast.AnnAssign) else targets
        yield from (to.id for to in targets if isinstance(to, ast.Name))


def template_names(text: str) -> Iterator[str]:
    """Give the variables, macros, blocks and keywords of a template."""
    tree = Environment(autoescape=True).parse(text)
    yield from (node.name for node in tree.find_all(nodes.Name))
    yield from (node.name for node in tree.find_all(nodes.Macro))
    yield from (node.name for node in tree.find_all(nodes.Block))
    yield from (node.key for node in tree.find_all(nodes.Keyword))
