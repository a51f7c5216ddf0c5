"""Finds where in the program a text is asked for, for whoever looks after the words."""

import re
from functools import cache

from bot.proofreading.wording_keys import CODE_ROOT, PROOFREADING_DIR
from flows import content_files
from flows.wording import FIRST_LANGUAGE

_QUOTED_KEY = re.compile(r"""["']([a-z_]+\.[^"'\s\\]*)["'](\s*~)?""")
_BLANK_PATTERN = "[^.]*"


def where_used(key: str) -> tuple[str, ...]:
    """Return the files of the program that ask for this key, by its name or as closely as any."""
    fits = [
        (one.pattern.count(_BLANK_PATTERN), path)
        for path, asks in _key_patterns_by_file()
        for one in asks
        if one.fullmatch(key)
    ]
    closest = min((blanks for blanks, _ in fits), default=0)
    return tuple(dict.fromkeys(path for blanks, path in fits if blanks == closest))


@cache
def _key_patterns_by_file() -> tuple[tuple[str, tuple[re.Pattern[str], ...]], ...]:
    """Return each file with the keys it asks for; a blank in one is any text without a dot."""
    found = []
    for room, ending in (("flows", "py"), ("bot", "py"), ("bot", "html")):
        for path in sorted((CODE_ROOT / room).rglob(f"*.{ending}")):
            own = path.parent.name == PROOFREADING_DIR
            if asks := set() if own else _key_patterns_in(path.read_text("utf-8")):
                patterns = tuple(re.compile(one) for one in sorted(asks))
                found.append((path.relative_to(CODE_ROOT).as_posix(), patterns))
    return tuple(found)


def _key_patterns_in(text: str) -> set[str]:
    branches = content_files.load_language(FIRST_LANGUAGE)
    found = set()
    for key, joined in _QUOTED_KEY.findall(text):
        if key.split(".")[0] in branches and not key.endswith((".toml", ".py")):
            pieces = re.split(r"\{[^{}]*\}", key + ("{}" if joined else ""))
            found.add(_BLANK_PATTERN.join(map(re.escape, pieces)))
    return found
