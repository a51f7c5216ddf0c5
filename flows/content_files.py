"""Reads the content folder: every word and every setting of the service, once."""

import hashlib
import tomllib
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

CONTENT_DIR = resources.files("flows") / "content"
ContentTree = dict[str, Any]


@cache
def load_toml(name: str) -> ContentTree:
    """Return one content file, such as "service.toml" or "en/scenes.toml", as nested tables."""
    return tomllib.loads((CONTENT_DIR / name).read_text("utf-8"))


@cache
def load_language(code: str) -> ContentTree:
    """Return everything said in a language: a tree whose first branches are its file names."""
    return _load_folder(CONTENT_DIR / code)


@cache
def wording_version(code: str) -> str:
    """Return 12 hex digits that name this exact wording of the questions in this language."""
    names = ("questions.toml", f"{code}/questions.toml", f"{code}/scenes.toml")
    together = b"".join((CONTENT_DIR / name).read_bytes() for name in names)
    return hashlib.sha256(together).hexdigest()[:12]


def _load_folder(folder: Traversable) -> ContentTree:
    tree: ContentTree = {}
    for entry in sorted(folder.iterdir(), key=lambda e: e.name):
        if entry.is_dir():
            branches = _load_folder(entry)
            tree[entry.name] = {k: v for branch in branches.values() for k, v in branch.items()}
        elif entry.name.endswith(".toml"):
            tree[entry.name.removesuffix(".toml")] = tomllib.loads(entry.read_text("utf-8"))
    return tree
