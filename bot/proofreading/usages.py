"""Finds where in the program a text is asked for, for whoever looks after the words."""

import re
from functools import cache

from bot.proofreading.wording_keys import CODE, OWN
from flows import content_files
from flows.wording import FIRST_LANGUAGE

_QUOTED = re.compile(r"""["']([a-z_]+\.[^"'\s\\]*)["'](\s*~)?""")
_BLANK = "[^.]*"


def where_used(key: str) -> tuple[str, ...]:
    """Return the files of the program that ask for this key, by its name or as closely as any."""
    fits = [
        (one.pattern.count(_BLANK), path)
        for path, asks in _files()
        for one in asks
        if one.fullmatch(key)
    ]
    closest = min((blanks for blanks, _ in fits), default=0)
    return tuple(dict.fromkeys(path for blanks, path in fits if blanks == closest))


@cache
def _files() -> tuple[tuple[str, tuple[re.Pattern[str], ...]], ...]:
    """Return each file with the keys it asks for; a blank in one is any text without a dot."""
    found = []
    for room, ending in (("flows", "py"), ("bot", "py"), ("bot", "html")):
        for path in sorted((CODE / room).rglob(f"*.{ending}")):
            asks = _asked_in(path.read_text("utf-8")) if path.parent.name != OWN else set()
            if asks:
                patterns = tuple(re.compile(one) for one in sorted(asks))
                found.append((path.relative_to(CODE).as_posix(), patterns))
    return tuple(found)


def _asked_in(text: str) -> set[str]:
    branches = content_files.read_language(FIRST_LANGUAGE)
    found = set()
    for key, joined in _QUOTED.findall(text):
        if key.split(".")[0] in branches and not key.endswith((".toml", ".py")):
            pieces = re.split(r"\{[^{}]*\}", key + ("{}" if joined else ""))
            found.add(_BLANK.join(map(re.escape, pieces)))
    return found
