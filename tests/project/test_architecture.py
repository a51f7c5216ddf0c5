"""How the files of the project look, and what only some of them may do."""

import ast
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from tests.support.paths import ROOT

PACKAGES = ("bot", "flows", "storage")
LINES, FUNCTION_LINES, FILES = 300, 45, 15
MANY_FILES = ("flows/content/", "tests/stories/", "/data/", "/pictures/", "/static/", "/templates/")
"""Folders of what is not code, of which there is as much as there is."""
MIGRATION_FILES = "storage/migrations/versions/*.py"
"""A migration is a list of what to do, as long as it has to be."""

PRINTS = ["bot/__main__.py", "bot/cli/play.py", "bot/cli/*_commands.py"]
CLOCK_CALLS = {"now", "today", "utcnow", "fromtimestamp"}

TOP_LEVEL = {
    ".ci",
    ".containerignore",
    ".dockerignore",
    ".editorconfig",
    ".env.example",
    ".gitattributes",
    ".gitignore",
    ".pre-commit-config.yaml",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "DECISIONS.md",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "bot",
    "deno.json",
    "deploy",
    "docs",
    "flows",
    "pyproject.toml",
    "requirements-dev.lock",
    "requirements.lock",
    "run",
    "storage",
    "tests",
}

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

# Spelt in pieces, so that this file does not hold what it looks for.
_REGISTRIES = ["py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "registry" + ".npm"]
_HOME_PATHS = ["/wo" + "rk/", "/ho" + "me/", "/Us" + "ers/", "/ro" + "ot/", "C:" + "\\Users"]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of the product, read once."""

    path: str
    text: str
    tree: ast.Module

    def is_in(self, *places: str) -> bool:
        """Return whether this file is one of these places; `**` is anything below."""
        return any(matches_pattern(self.path, place) for place in places)


def matches_pattern(path: str, place: str) -> bool:
    """Return whether a path fits a place such as "flows/**" or "bot/*.py"."""
    if place.endswith("**"):
        return path.startswith(place.removesuffix("**"))
    return PurePosixPath(path).match(place) and path.count("/") == place.count("/")


@cache
def product() -> tuple[SourceFile, ...]:
    """Return every Python file of the three rooms."""
    paths = sorted(path for room in PACKAGES for path in (ROOT / room).rglob("*.py"))
    assert len(paths) > 50
    return tuple(read(path.relative_to(ROOT).as_posix(), path.read_text("utf-8")) for path in paths)


def read(path: str, text: str) -> SourceFile:
    """Return a file by its path and its text."""
    return SourceFile(path, text, ast.parse(text))


@cache
def committed() -> tuple[Path, ...]:
    """Return the files that belong to the project; in a copy without git, all but what is made."""
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if listed.returncode == 0:
        names = listed.stdout.decode().split("\0")
        return tuple(ROOT / name for name in names if name and (ROOT / name).is_file())
    made = {line.strip("/\n") for line in (ROOT / ".gitignore").read_text().splitlines()} | {".git"}
    paths = (path for path in ROOT.rglob("*") if path.is_file())
    return tuple(path for path in paths if made.isdisjoint(path.relative_to(ROOT).parts))


# --- what only some files may do


def test_every_pattern_matches_a_file() -> None:
    assert [p for p in PRINTS if not any(file.is_in(p) for file in product())] == []


def test_only_the_settings_read_the_environment() -> None:
    assert uses_of("environ", "getenv", "putenv", allowed=[]) == []


def test_flows_never_asks_the_time() -> None:
    assert [line for line in clock_reads() if line.startswith("flows/")] == []


def test_only_the_backends_make_engines() -> None:
    backends = ["storage/backends/sqlite.py", "storage/backends/postgresql.py"]
    assert uses_of("create_engine", "create_async_engine", allowed=backends) == []


def test_only_the_command_line_prints() -> None:
    printing = [
        f"{file.path}:{node.lineno}"
        for file in product()
        for node in ast.walk(file.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id in ("print", "input") and not file.is_in(*PRINTS)
    ]
    assert printing == []


def uses_of(*names: str, allowed: list[str]) -> list[str]:
    """Return where one of these names is used, besides the allowed files."""
    return [
        f"{file.path}:{node.lineno} {name_of(node)}"
        for file in product()
        for node in ast.walk(file.tree)
        if isinstance(node, ast.Name | ast.Attribute)
        and isinstance(node.ctx, ast.Load)
        and name_of(node) in names
        and not file.is_in(*allowed)
    ]


def clock_reads() -> Iterator[str]:
    """Give where a date or a time is asked what it is now."""
    for file in product():
        for node in ast.walk(file.tree):
            if isinstance(node, ast.Attribute) and node.attr in CLOCK_CALLS:
                of = node.value
                if isinstance(of, ast.Name | ast.Attribute) and name_of(of) in ("datetime", "date"):
                    yield f"{file.path}:{node.lineno}"


def name_of(node: ast.Name | ast.Attribute) -> str:
    """Return the last part of a name."""
    return node.id if isinstance(node, ast.Name) else node.attr


# --- how files look


def test_every_file_says_at_its_top_what_it_is_for() -> None:
    wrong = []
    for file in product():
        first = (ast.get_docstring(file.tree, clean=False) or "").split("\n", maxsplit=1)[0]
        if not file.text.startswith('"""') or not first.endswith((".", "?", "!", "...")):
            wrong.append(file.path)
    assert wrong == []


def test_every_file_fits_a_few_screens() -> None:
    long = {file.path: len(file.text.splitlines()) for file in product()}
    assert {path: lines for path, lines in long.items() if lines > LINES} == {}


def test_every_folder_can_be_taken_in_at_a_glance() -> None:
    folders = Counter(f"{path.relative_to(ROOT).parent.as_posix()}/" for path in committed())
    counted = {f: n for f, n in folders.items() if not any(many in f for many in MANY_FILES)}
    del counted["./"]  # what stands at the top is listed by name
    assert {folder: files for folder, files in counted.items() if files > FILES} == {}


def test_every_function_fits_a_screen() -> None:
    long = []
    for file in product():
        for node in ast.walk(file.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not file.is_in(
                MIGRATION_FILES
            ):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                long += [f"{file.path} {node.name}: {lines}"] if lines > FUNCTION_LINES else []
    assert long == []


def test_every_public_thing_says_what_it_gives() -> None:
    wrong = []
    for file in product():
        for node in public_definitions(file.tree):
            if ast.get_docstring(node) is None and not file.is_in("storage/migrations/**"):
                wrong.append(f"{file.path} {node.name}")
    assert wrong == []


def public_definitions(tree: ast.Module) -> Iterator[Definition]:
    """Give the public functions, classes and methods of a file."""
    for node in tree.body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield node
            inside = node.body if isinstance(node, ast.ClassDef) else []
            methods = (one for one in inside if isinstance(one, Definition))
            yield from (one for one in methods if not one.name.startswith("_"))


def test_nothing_new_stands_at_the_top() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in committed()} - TOP_LEVEL == set()


def test_no_file_names_a_registry_or_a_path_of_somebodys_machine() -> None:
    found = []
    for path in committed():
        text = path.read_bytes().decode("utf-8", "replace")
        found += [f"{path.name}: {host}" for host in _REGISTRIES if host in text]
        found += [
            f"{path.name}: {start}"
            for start in _HOME_PATHS
            if re.search(rf"(?<![\w.:/]){re.escape(start)}", text)
        ]
    assert found == []
