"""Turns marked-up words into plain text and entities, and counts them as Telegram does."""

import html
import re
from typing import Any

from tests.telegram_server.state import BotApiError, Json

TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "span": "spoiler",
    "tg-spoiler": "spoiler",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
    "tg-time": "date_time",
}
TAG = re.compile(r"<(/?)([a-zA-Z-]*)([^<>]*)>")
ATTRIBUTE = re.compile(r"""([a-z-]+)\s*=\s*["']([^"']*)["']""")
KNOWN_REFERENCE = re.compile(r"&(?:lt|gt|amp|quot|#\d+|#x[0-9a-fA-F]+);")
COMMAND = re.compile(r"(?<![\w/])/[a-zA-Z0-9_]{1,64}(?:@\w+)?")


def width(text: str) -> int:
    """Return the length in UTF-16 units, which entities use and the strictest reading of limits."""
    return len(text.encode("utf-16-le")) // 2


def read_text(text: str, parse_mode: str, entities: list[Any]) -> tuple[str, list[Json]]:
    """Return the trimmed plain text and its entities; raises Refused for markup that is wrong.

    Only plain text and HTML are known here; other modes are refused.
    """
    if not parse_mode:
        return text.strip(), [dict(entity) for entity in entities]
    if parse_mode.lower() != "html":
        raise BotApiError(400, "Bad Request: unsupported parse_mode")
    plain, found = _read_html(text)
    return _trimmed(plain, found)


def commands_in(text: str) -> list[Json]:
    """Return the bot_command entities Telegram finds in what a person typed."""
    return [
        {"type": "bot_command", "offset": width(text[: m.start()]), "length": width(m[0])}
        for m in COMMAND.finditer(text)
    ]


def _read_html(text: str) -> tuple[str, list[Json]]:
    plain = ""
    at = 0
    waiting: list[tuple[str, Json]] = []
    found: list[Json] = []
    while at < len(text):
        start = text.find("<", at)
        plain += _unescaped(text[at:] if start < 0 else text[at:start])
        if start < 0:
            break
        tag = TAG.match(text, start)
        where = len(text[:start].encode())
        if tag is None:
            raise _broken(f"Unclosed start tag at byte offset {where}")
        name = tag[2].lower()
        if tag[1]:
            found.append(_closed(waiting, name, width(plain), where))
        else:
            waiting.append((name, _opened(name, tag[3], width(plain), where)))
        at = tag.end()
    if waiting:
        raise _broken(f'Can\'t find end tag corresponding to start tag "{waiting[-1][0]}"')
    found.sort(key=lambda entity: (entity["offset"], -entity["length"]))
    return plain, [entity for entity in found if entity["length"]]


def _unescaped(text: str) -> str:
    return KNOWN_REFERENCE.sub(lambda match: html.unescape(match[0]), text)


def _opened(name: str, attributes: str, offset: int, where: int) -> Json:
    given = {key: html.unescape(value) for key, value in ATTRIBUTE.findall(attributes)}
    if name not in TAGS:
        raise _broken(f'Unsupported start tag "{name}" at byte offset {where}')
    if name == "span" and given.get("class") != "tg-spoiler":
        raise _broken(f'Tag "span" must have class "tg-spoiler" at byte offset {where}')
    entity: Json = {"type": TAGS[name], "offset": offset}
    if name == "a":
        entity["url"] = given.get("href", "")
    if name == "blockquote" and "expandable" in attributes:
        entity["type"] = "expandable_blockquote"
    if name == "tg-emoji":
        entity["custom_emoji_id"] = given.get("emoji-id", "")
    if name == "tg-time":
        entity["unix_time"] = int(given.get("unix", "0"))
        entity["date_time_format"] = given.get("format", "")
    return entity


def _closed(waiting: list[tuple[str, Json]], name: str, end: int, where: int) -> Json:
    if not waiting:
        raise _broken(f"Unexpected end tag at byte offset {where}")
    opened, entity = waiting.pop()
    if name not in ("", opened):
        raise _broken(
            f'Unmatched end tag at byte offset {where}, expected "</{opened}>", found "</{name}>"'
        )
    return entity | {"length": end - entity["offset"]}


def _trimmed(plain: str, entities: list[Json]) -> tuple[str, list[Json]]:
    text = plain.strip()
    cut = width(plain[: len(plain) - len(plain.lstrip())])
    kept = []
    for entity in entities:
        start = max(entity["offset"] - cut, 0)
        end = min(entity["offset"] + entity["length"] - cut, width(text))
        if end > start:
            kept.append(entity | {"offset": start, "length": end - start})
    return text, kept


def _broken(why: str) -> BotApiError:
    return BotApiError(400, f"Bad Request: can't parse entities: {why}")
