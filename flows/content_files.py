"""Reads the content folder: every word and every setting of the service, once."""

import hashlib
import tomllib
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

CONTENT_DIR = resources.files("flows") / "content"
ContentTree = dict[str, Any]
_own_folders: list[Path] = []


class UnusableContent(ValueError):
    """A service's own content cannot be used; the text names the file and says why."""


def use_own_folder(folder: Path) -> None:
    """Read the files of a folder over the shipped ones from now on, key by key.

    A process serves one service: call it before anything is read. Raises UnusableContent for a
    folder that is not there, a file that does not replace one of the shipped, or is not TOML.
    """
    if folder in _own_folders:
        return
    if not folder.is_dir():
        raise UnusableContent(f"There is no folder {folder}.")
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        if not file.is_file() or name.startswith("."):
            continue
        if not name.endswith(".toml") or not (CONTENT_DIR / name).is_file():
            raise UnusableContent(f"{name} is not the name of a file of flows/content.")
        try:
            tomllib.loads(file.read_text("utf-8"))
        except (ValueError, OSError) as trouble:
            raise UnusableContent(f"{name} is not TOML in UTF-8: {trouble}") from None
    if load_toml.cache_info().currsize or load_language.cache_info().currsize:
        raise RuntimeError("content was read already")
    _own_folders.append(folder)


@cache
def load_toml(name: str) -> ContentTree:
    """Return one content file, such as "service.toml" or "en/scenes.toml", as nested tables."""
    tree: ContentTree = {}
    for text in _versions_of(name):
        tree = merge_trees(tree, tomllib.loads(text.decode()))
    return tree


@cache
def load_language(code: str) -> ContentTree:
    """Return everything said in a language: a tree whose first branches are its file names."""
    return _load_folder(CONTENT_DIR / code, code)


@cache
def wording_version(code: str) -> str:
    """Return 12 hex digits that name this exact wording of the questions in this language."""
    names = ("questions.toml", f"{code}/questions.toml", f"{code}/scenes.toml")
    together = b"".join(text for name in names for text in _versions_of(name))
    return hashlib.sha256(together).hexdigest()[:12]


def merge_trees(tree: ContentTree, over: ContentTree) -> ContentTree:
    """Return a tree with the values of another over its own; a list is replaced as a whole."""
    merged = dict(tree)
    for key, value in over.items():
        both_tables = isinstance(value, dict) and isinstance(tree.get(key), dict)
        merged[key] = merge_trees(tree[key], value) if both_tables else value
    return merged


def _versions_of(name: str) -> list[bytes]:
    """Return the shipped file, then the service's own where it has one."""
    own = [folder / name for folder in _own_folders if (folder / name).is_file()]
    return [file.read_bytes() for file in (CONTENT_DIR / name, *own)]


def _load_folder(folder: Traversable, path: str) -> ContentTree:
    tree: ContentTree = {}
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        name = f"{path}/{entry.name}"
        if entry.is_dir():
            branches = _load_folder(entry, name)
            tree[entry.name] = {k: v for branch in branches.values() for k, v in branch.items()}
        elif entry.name.endswith(".toml"):
            tree[entry.name.removesuffix(".toml")] = load_toml(name)
    return tree
