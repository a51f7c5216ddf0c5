"""Wording: say(language, key, ...) looks up every text of content/ and fills its blanks."""

from datetime import date, datetime, time
from functools import cache
from typing import Any

from babel import Locale, dates

from flows import content_files
from flows.service import service

FIRST_LANGUAGE = "en"


def say(language: str, key: str, **blanks: object) -> str:
    """Return the words under `key` ("scenes.welcome.hello") with their blanks filled.

    The service's names, numbers and promises, and every helpline's number under its id, are
    filled in by themselves. Raises KeyError for an unknown key or an unfilled blank.
    """
    found = _lookup(language, key)
    if not isinstance(found, str):
        raise KeyError(f"{key} is not a text")
    text = found.strip()
    return text.format_map({**standard_blanks(language), **blanks}) if "{" in text else text


def words(language: str, key: str) -> tuple[str, ...]:
    """Return the list of words under `key`; raise KeyError when there is none."""
    return tuple(_lookup(language, key))


def has(language: str, key: str) -> bool:
    """Return whether something is said under `key` in this language."""
    return _lookup(language, key, default=None) is not None


def supported_language(language: str | None) -> str:
    """Return `language` if the service offers it ("en-GB" counts as "en"), else the first one."""
    short = (language or "").split("-")[0].lower()
    return short if short in service().languages else FIRST_LANGUAGE


def format_time(language: str, moment: datetime) -> str:
    """Return a local moment in words, such as "5pm on Tuesday 24 November"."""
    local = moment.astimezone(_zone())
    day = format_day(language, local)
    return say(language, "scenes.dates.by", time=_hour(language, local.time()), day=day)


def format_day(language: str, day: date, weekday: bool = True) -> str:
    """Return a day in words, such as "Tuesday 24 November", or without the weekday."""
    return dates.format_skeleton("MMMMEEEEd" if weekday else "MMMMd", day, locale=_locale(language))


@cache
def standard_blanks(language: str) -> dict[str, str]:
    """Return what any text may name: {phone}, {hours}, {promise}, {samaritans} and so on."""
    set_up = service()
    days = _locale(language).days["format"]["wide"]
    hours = say_raw(language, "scenes.dates.same_day_range").format(
        first=days[set_up.days[0]],
        last=days[set_up.days[-1]],
        opens=_hour(language, set_up.opens),
        closes=_hour(language, set_up.closes),
    )
    facts = dict(set_up.names)
    facts.update({line: row["number"] for line, row in helplines().items()})
    facts.update(
        hours=hours,
        promise=_working_days(language, set_up.promise_days["self"]),
        draft_hours=str(set_up.draft_hours),
        chat_clear_hours=str(set_up.chat_clear_hours),
        lock_minutes=str(set_up.lock_minutes),
        page_minutes=str(set_up.page_minutes),
    )
    return facts


def helplines() -> dict[str, dict[str, Any]]:
    """Return the reviewed helplines by id, each with number, hours and checked_on."""
    return content_files.load_toml("helplines.toml")


def say_raw(language: str, key: str) -> str:
    """Return the words under `key` with their blanks still open."""
    return str(_lookup(language, key)).strip()


_MISSING = object()


@cache
def _lookup(language: str, key: str, default: object = _MISSING) -> Any:
    branch: Any = content_files.load_language(language)
    for part in key.split("."):
        if not isinstance(branch, dict) or part not in branch:
            if default is _MISSING:
                raise KeyError(f"{key} is not said in {language}")
            return default
        branch = branch[part]
    return branch


def _working_days(language: str, days: int) -> str:
    form = _locale(language).plural_form(days)
    return say_raw(language, f"scenes.dates.working_days.{form}").format(n=days)


def _hour(language: str, at: time) -> str:
    pattern = say_raw(language, f"scenes.dates.{'minutes' if at.minute else 'hour'}")
    return dates.format_time(at, pattern, locale=_locale(language))


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(say_raw(language, "scenes.dates.locale"))


@cache
def _zone() -> Any:
    from zoneinfo import ZoneInfo

    return ZoneInfo(service().zone)
