"""Who may import whom: the contracts of pyproject.toml are kept, and each of them bites."""

import ast
import shutil
import subprocess
import sys
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from grimp import ImportGraph, build_graph
from importlinter import Contract, api
from importlinter.contracts.acyclic_siblings import AcyclicSiblingsContract
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.independence import IndependenceContract
from importlinter.contracts.layers import LayersContract

from tests.support.paths import ROOT

PACKAGES = ("bot", "flows", "storage")
TYPES: dict[str, type[Contract]] = {
    "acyclic_siblings": AcyclicSiblingsContract,
    "forbidden": ForbiddenContract,
    "independence": IndependenceContract,
    "layers": LayersContract,
}

HOLES = [
    ("layers", "flows.turn", "storage.chats.inbox"),
    ("layers", "flows.scenes.asking", "bot.settings"),
    ("layers", "storage.chats.inbox", "bot.settings"),
    ("acyclic", "flows.conversation", "flows.turn"),
    ("acyclic", "flows.questions.journey", "flows.dialogue.dispatch"),
    ("acyclic", "storage.chats.inbox", "storage.retention"),
    ("acyclic", "bot.web.forms", "bot.desk.guard"),
    ("pure-flows", "flows.turn", "asyncio"),
    ("pure-flows", "flows.turn", "os"),
    ("pure-flows", "flows.turn", "random"),
    ("pure-flows", "flows.calendar.workdays", "time"),
    ("pure-flows", "flows.scenes.officer_card", "urllib"),
    ("libraries", "flows.turn", "transitions"),
    ("libraries", "flows.scenes.officer_card", "rapidfuzz"),
    ("libraries", "storage.chats.inbox", "cryptography"),
    ("libraries", "storage.chats.inbox", "alembic"),
    ("libraries", "storage.chats.inbox", "sqlite3"),
    ("libraries", "storage.vault", "argon2"),
    ("libraries", "bot.pipeline.respond", "telegram"),
    ("libraries", "bot.pipeline.respond", "sqlmodel"),
    ("libraries", "bot.channels.telegram.receive", "starlette"),
    ("libraries", "bot.channels.webhook", "faststream"),
    ("libraries", "bot.desk.guard", "smtplib"),
    ("storage-shapes", "storage.chats.inbox", "flows.turn"),
    ("storage-shapes", "storage.chats.inbox", "flows.referral.match_keys"),
    ("channels-apart", "bot.channels.email", "bot.channels.telegram"),
    ("channels-apart", "bot.channels.telegram.receive", "bot.channels.email"),
    ("channels-apart", "bot.channels.web.guard", "bot.channels.telegram.receive"),
    ("channels-below", "bot.channels.telegram.receive", "bot.desk.routes"),
    ("channels-below", "bot.channels.web.guard", "bot.pipeline.respond"),
    ("channels-below", "bot.channels.webhook", "bot.pipeline.deliver"),
    ("channels-shapes", "bot.channels.telegram.receive", "storage.tables"),
    ("channels-shapes", "bot.channels.telegram.translate", "storage.chats.inbox"),
    ("channels-shapes", "bot.channels.telegram.receive", "flows.turn"),
    ("channels-shapes", "bot.channels.email", "storage.chats.inbox"),
    ("channels-shapes", "bot.channels.web.guard", "flows.turn"),
    ("pipeline", "bot.pipeline.respond", "telegram"),
    ("pipeline", "bot.pipeline.deliver", "starlette"),
    ("pipeline", "bot.pipeline.sweep", "bot.desk.routes"),
    ("pipeline", "bot.runtime", "bot.channels.telegram"),
    ("sweep", "bot.pipeline.sweep", "bot.channels.email"),
    ("desk", "bot.desk.casework.replies", "bot.channels.email"),
    ("desk", "bot.desk.guard", "bot.pipeline.respond"),
    ("desk", "bot.desk.guard", "bot.pipeline.deliver"),
]
"""A contract, and an import that must break it."""


@cache
def contracts() -> dict[str, Contract]:
    """Return the contracts by their ids."""
    read = api.read_configuration(str(ROOT / "pyproject.toml"))
    return {options["id"]: contract(read, options) for options in read["contracts_options"]}


def contract(read: dict[str, Any], options: dict[str, Any]) -> Contract:
    """Return one contract as import-linter checks it."""
    return TYPES[options["type"]](options["name"], read["session_options"], options)


@cache
def graph() -> ImportGraph:
    """Return who imports whom; imports inside functions and for type checking count too."""
    return build_graph(*PACKAGES, include_external_packages=True, cache_dir=None)


def is_kept(name: str, *added: tuple[str, str]) -> bool:
    """Return whether a contract is kept, should these imports be written as well."""
    drawn = deepcopy(graph())  # checking a contract takes out of the graph what it ignores
    for importer, imported in added:
        if imported not in drawn.modules:
            drawn.add_module(imported, is_squashed=True)
        drawn.add_import(importer=importer, imported=imported)
    return contracts()[name].check(drawn, verbose=False).kept


def module_of(path: Path) -> str:
    """Return the name under which a file is imported."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("name", contracts())
def test_a_contract_is_kept(name: str) -> None:
    assert is_kept(name)


@pytest.mark.parametrize(("name", "importer", "imported"), HOLES)
def test_a_hole_in_a_wall_is_seen(name: str, importer: str, imported: str) -> None:
    assert importer in graph().modules
    assert imported in graph().modules or imported in sys.stdlib_module_names
    assert not is_kept(name, (importer, imported))


def test_each_contract_has_a_hole_that_breaks_it() -> None:
    assert {name for name, _, _ in HOLES} == set(contracts())


def test_each_library_in_use_is_listed_and_each_listed_one_is_used() -> None:
    options = contracts()["libraries"].contract_options
    outside = {name for name in graph().modules if name.split(".")[0] not in PACKAGES}
    listed = set(options["forbidden_modules"]) - sys.stdlib_module_names
    assert outside - sys.stdlib_module_names == listed


def test_the_graph_holds_every_file_but_the_migrations_which_stand_alone() -> None:
    files = {module_of(path): path for name in PACKAGES for path in (ROOT / name).rglob("*.py")}
    unseen = {name: path for name, path in files.items() if name not in graph().modules}
    assert all(name.startswith("storage.migrations.versions.") for name in unseen)
    imported = {top for path in unseen.values() for top in imports(path)}
    assert imported - sys.stdlib_module_names == {"alembic", "sqlalchemy"}


def imports(path: Path) -> set[str]:
    """Return the packages that a file imports from; a relative import is an empty name."""
    found = set[str]()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("" if node.level else (node.module or "").split(".")[0])
    return found


def test_telegram_knows_one_shape_of_the_inbox() -> None:
    importer, imported = "bot.channels.telegram.receive", "storage.chats.inbox"
    details = graph().get_import_details(importer=importer, imported=imported)
    assert [found["line_contents"] for found in details] == [
        "from storage.chats.inbox import Arrival"
    ]


def test_an_import_is_seen_wherever_it_is_written(tmp_path: Path) -> None:
    for name in PACKAGES:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("*.pyc"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    holes = {
        "flows/turn.py": "def f():\n    from storage.chats import inbox\n",
        "flows/interaction/moves.py": "if TYPE_CHECKING:\n    import asyncio.events\n",
        "storage/chats/newcomer.py": "import bot.settings as settings\n",
        "bot/channels/webhook.py": "from .email import EmailChannel\n",
    }
    for path, lines in holes.items():
        with (tmp_path / path).open("a", encoding="utf-8") as file:
            file.write(lines)
    linter = Path(sys.executable).with_name("lint-imports")
    command = [str(linter), "--no-cache", "--no-logo"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    for module in (
        "flows.turn",
        "flows.interaction.moves",
        "storage.chats.newcomer",
        "bot.channels.webhook",
    ):
        assert f"{module} -> " in ran.stdout
