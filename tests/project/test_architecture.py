"""The walls of the house: who may import whom, and how its files look."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

import pytest

from tests.support.paths import ROOT

PACKAGES = ("bot", "flows", "storage")
LINES, FUNCTION_LINES, COLUMNS = 320, 45, 100
MIGRATION_FILES = "storage/migrations/versions/*.py"
"""A migration is a list of what to do, as long as it has to be."""

LIBRARY_USERS = {
    "alembic": ["storage/migrations/**"],
    "cryptography": ["storage/vault.py"],
    "argon2": ["bot/desk/signin/passwords.py"],
    "authlib": ["bot/desk/signin/oidc.py"],
    "email_validator": ["flows/questions/answer_types.py"],
    "fastapi": ["bot/desk/api/app.py"],
    "fpdf": ["bot/desk/exports/pdf.py"],
    "holidays": ["flows/calendar/workdays.py"],
    "joserfc": ["bot/desk/signin/oidc.py"],
    "httpx": ["bot/channels/webhook.py", "bot/desk/signin/oidc.py"],
    "jinja2": ["bot/web/templates.py"],
    "limits": ["bot/web/rate_limit.py"],
    "phonenumbers": ["flows/questions/answer_types.py"],
    "pwdlib": ["bot/desk/signin/passwords.py"],
    "pydantic": ["bot/settings.py", "bot/desk/api/schemas.py"],
    "pydantic_settings": ["bot/settings.py"],
    "pyotp": ["bot/desk/signin/totp.py"],
    "rapidfuzz": ["flows/understanding/text_match.py"],
    "segno": ["bot/web/qr.py"],
    "smtplib": ["bot/channels/email.py"],
    "sqlalchemy": [
        *("storage/**", "bot/bootstrap.py", "bot/pipeline/**", "bot/cli/**", "bot/desk/**"),
        "bot/channels/web/**",
    ],
    "sqlmodel": ["storage/**", "bot/desk/**", "bot/channels/web/**"],
    "sse_starlette": ["bot/web/event_stream.py"],
    "starlette": [
        "bot/serve.py",
        "bot/web/**",
        "bot/channels/telegram/webhook.py",
        "bot/channels/web/**",
        "bot/desk/**",
    ],
    "telegram": ["bot/channels/telegram/**"],
    "transitions": ["flows/machine.py"],
    "typer": ["bot/__main__.py", "bot/cli/*_commands.py"],
    "uvicorn": ["bot/web/server.py"],
    "webauthn": ["bot/desk/signin/passkeys.py"],
    "xlsxwriter": ["bot/desk/exports/spreadsheets.py"],
}
"""Which files may know which library; a library that is not here may not be used at all."""

IMPURE_MODULES = {
    "asyncio",
    "http",
    "os",
    "random",
    "secrets",
    "select",
    "selectors",
    "socket",
    "sqlite3",
    "ssl",
    "subprocess",
    "threading",
    "time",
    "urllib",
    "uuid",
}
"""The network, the clock, the environment, the database and chance: `flows` is told of them."""

_PIPELINE = ["telegram", "starlette", "bot.channels.telegram", "bot.desk"]
FORBIDDEN_IMPORTS = {
    "flows/**": ["bot", "storage", *sorted(IMPURE_MODULES)],
    "storage/**": ["bot"],
    "bot/channels/**": [
        *("bot.desk", "bot.pipeline.respond", "bot.pipeline.deliver", "bot.serve", "bot.cli"),
    ],
    "bot/pipeline/respond.py": _PIPELINE,
    "bot/pipeline/deliver.py": _PIPELINE,
    "bot/pipeline/sweep.py": [*_PIPELINE, "bot.channels"],
    "bot/desk/**": ["bot.channels", "bot.pipeline.respond", "bot.pipeline.deliver"],
    "**": ["sqlite3"],
}

SHARED_TYPES = ["flows.conversation", "flows.record", "flows.officers"]
ALLOWED_IMPORTS = {
    ("storage/**", "flows"): [
        *(*SHARED_TYPES, "flows.referral.match_keys", "flows.casework", "flows.referral.contact"),
    ],
    ("bot/channels/telegram/**", "flows"): [*SHARED_TYPES, "flows.content_files", "flows.wording"],
    ("bot/channels/*.py", "flows"): [*SHARED_TYPES, "flows.wording"],
    ("bot/channels/web/**", "flows"): [
        *SHARED_TYPES,
        *("flows.understanding.crisis", "flows.dialogue.form", "flows.questions.paste"),
        *("flows.service", "flows.wording"),
    ],
    ("bot/channels/telegram/**", "storage"): ["storage.chats.inbox.Arrival"],
    ("bot/channels/*.py", "storage"): ["storage.chats.inbox.Arrival"],
    ("bot/channels/web/**", "storage"): [
        *("storage.chats.conversations", "storage.chats.inbox", "storage.chats.one_time_links"),
        *("storage.chats.officers", "storage.chats.screens", "storage.chats.browser_sessions"),
        *("storage.database", "storage.serialization", "storage.vault"),
    ],
}
"""From a room, what may be known of another one."""

PRINTS = [
    *("bot/__main__.py", "bot/cli/play.py", "bot/cli/*_commands.py"),
]
CLOCK_CALLS = {"now", "today", "utcnow", "fromtimestamp"}

TOP_LEVEL = {
    ".ci",
    ".env.example",
    ".gitattributes",
    ".gitignore",
    "CHANGELOG.md",
    "DECISIONS.md",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "bot",
    "deploy",
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

    def imports(self) -> set[str]:
        """Return every module and name that is imported anywhere in it, inside functions too."""
        found = set[str]()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found.update(one.name for one in node.names)
            elif isinstance(node, ast.ImportFrom):
                found.update(f"{self.base(node)}.{one.name}" for one in node.names)
        return found

    def base(self, node: ast.ImportFrom) -> str:
        """Return the module that is imported from; dots are counted from this file."""
        if not node.level:
            return node.module or ""
        parts = PurePosixPath(self.path).parts[: -node.level]
        return ".".join([*parts, *([node.module] if node.module else [])])


def matches_pattern(path: str, place: str) -> bool:
    """Return whether a path fits a place such as "flows/**" or "bot/*.py"."""
    if place.endswith("**"):
        return path.startswith(place.removesuffix("**"))
    return PurePosixPath(path).match(place) and path.count("/") == place.count("/")


def is_submodule(name: str, above: str) -> bool:
    """Return whether an imported name is `above` or something inside it."""
    return name == above or name.startswith(f"{above}.")


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


# --- who may import whom


def import_violations(file: SourceFile) -> Iterator[str]:
    """Give a line for each import that goes through a wall."""
    for name in sorted(file.imports()):
        top = name.split(".")[0]
        alone = LIBRARY_USERS.get(top)
        if alone is None and top not in sys.stdlib_module_names and top not in PACKAGES:
            yield f"{file.path} imports {name}, which has no place in the house"
        if alone is not None and not file.is_in(*alone):
            yield f"{file.path} imports {name}; only {', '.join(alone)} may"
        for place, never in FORBIDDEN_IMPORTS.items():
            if (place == "**" or file.is_in(place)) and any(is_submodule(name, n) for n in never):
                yield f"{file.path} imports {name}"
        for (place, room), only in ALLOWED_IMPORTS.items():
            if file.is_in(place) and top == room and not any(is_submodule(name, n) for n in only):
                yield f"{file.path} imports {name}; only {', '.join(only)} may be known there"
        if is_of_another_channel(file, name):
            yield f"{file.path} imports {name}, another channel"


def is_of_another_channel(file: SourceFile, name: str) -> bool:
    """Return whether a channel's file imports from a channel that is not its own."""
    if not file.path.startswith("bot/channels/") or not is_submodule(name, "bot.channels"):
        return False
    channels = {path.stem for path in (ROOT / "bot" / "channels").iterdir()} - {"__init__"}
    own = PurePosixPath(file.path).parts[2].removesuffix(".py")
    parts = name.split(".")
    return len(parts) > 2 and parts[2] in channels - {own}


def test_no_forbidden_import() -> None:
    assert [line for file in product() for line in import_violations(file)] == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("flows/turn.py", "import asyncio"),
        ("flows/turn.py", "import os.path"),
        ("flows/turn.py", "def f():\n    from storage.chats import inbox"),
        ("flows/turn.py", "from random import choice"),
        ("flows/turn.py", "from transitions import Machine"),
        ("flows/scenes/officer_card.py", "import rapidfuzz.fuzz"),
        ("storage/chats/inbox.py", "from bot.settings import Settings"),
        ("storage/chats/inbox.py", "from flows.turn import take_turn"),
        ("storage/chats/inbox.py", "from cryptography.fernet import Fernet"),
        ("storage/chats/inbox.py", "import sqlite3"),
        ("storage/chats/inbox.py", "from alembic import op"),
        ("bot/pipeline/respond.py", "import telegram"),
        ("bot/pipeline/respond.py", "import requests"),
        ("bot/pipeline/respond.py", "from sqlmodel import Session"),
        ("bot/channels/email.py", "from bot.channels.telegram import build_bot"),
        ("bot/channels/telegram/receive.py", "from storage.tables import INBOX"),
        ("bot/channels/telegram/receive.py", "from storage.chats import inbox"),
        ("bot/channels/telegram/receive.py", "from bot.desk import labels"),
        ("bot/channels/telegram/receive.py", "from flows.turn import take_turn"),
        ("bot/channels/telegram/receive.py", "from starlette.responses import Response"),
        ("bot/channels/telegram/receive.py", "from ..email import EmailChannel"),
    ],
)
def test_a_forbidden_import_is_found(path: str, line: str) -> None:
    assert list(import_violations(read(path, f"{line}\n")))


def test_every_library_of_the_table_is_used_where_it_says() -> None:
    used = {name.split(".")[0] for file in product() for name in file.imports()}
    assert set(LIBRARY_USERS) - used == set()


def test_every_pattern_of_the_walls_matches_a_file() -> None:
    patterns = (
        {place for alone in LIBRARY_USERS.values() for place in alone}
        | set(FORBIDDEN_IMPORTS)
        | set(PRINTS)
    )
    patterns |= {place for place, _ in ALLOWED_IMPORTS}
    unmatched = {p for p in patterns if p != "**" and not any(f.is_in(p) for f in product())}
    assert unmatched == set()


def test_only_the_settings_read_the_environment() -> None:
    assert uses_of("environ", "getenv", "putenv", allowed=[]) == []


def test_flows_never_asks_the_time() -> None:
    assert [line for line in clock_reads() if line.startswith("flows/")] == []


def test_only_the_database_makes_an_engine() -> None:
    assert uses_of("create_engine", "create_async_engine", allowed=["storage/database.py"]) == []


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
