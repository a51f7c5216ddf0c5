"""Discretion: what a text reveals to somebody else who reads it."""

import re

from flows.service import service

REVEALING_WORDS = re.compile(
    r"\b(police|victim|offen[dc]|crim|abus|restorative|justice|harm|domestic|sexual|rape|violen"
    r"|assault|court|suspect|prison|refuge)"
)
"""Words that say why somebody is in touch with us."""


def is_revealing(text: str) -> bool:
    """Return whether a text names the service, its number, or why somebody is in touch."""
    lower = text.casefold()
    names = (name.casefold() for name in service().names.values() if name)
    return REVEALING_WORDS.search(lower) is not None or any(name in lower for name in names)
