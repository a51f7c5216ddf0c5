"""The search: a reference leads straight to it; a name or number is looked for in the records."""

from collections.abc import Callable, Iterator
from functools import cache

from sqlmodel import Session
from starlette.responses import Response

from bot.desk.casework.queue import as_reference
from bot.desk.casework.record_view import WAYS_IN
from bot.desk.guard import At, Page
from bot.desk.permissions import queues_of, sees
from flows.questions import answer_types
from flows.questions.questionnaire import questions
from flows.service import service
from storage.referrals import lifecycle, queue_views
from storage.referrals.rows import Said

AT_A_TIME = 250
"""How many records are opened before somebody else's page gets a turn."""
_SHORT, _FIGURES = 2, 4
_MOST = 100


async def search(at: At) -> Response:
    """Return what was found: references with what matched, never what a person said."""
    typed = answer_types.tidy(at.form.get("q", ""))[:_MOST]
    if await _is_there(at, as_reference(typed)):
        return at.go(f"/desk/r/{as_reference(typed)}")
    look_for = Sought(typed)
    if not look_for.enough:
        return at.page("search.html", 422, problem="short", typed=typed, found=[])
    await at.note("search")
    found, cut = await _found(at, look_for)
    return at.page("search.html", typed=typed, found=found, cut=cut)


class Sought:
    """What is looked for, as it is compared: a name without its case, a number by its figures."""

    def __init__(self, typed: str) -> None:
        self._words = typed.casefold().split()
        self._figures = _figures(answer_types.find_number(typed) or typed)
        self._is_number = bool(self._figures) and not any(one.isalpha() for one in typed)

    @property
    def enough(self) -> bool:
        """Return whether it is long enough to be looked for."""
        if self._is_number:
            return len(self._figures) >= _FIGURES
        return sum(one.isalnum() for word in self._words for one in word) >= _SHORT

    def among(self, answers: Said) -> str:
        """Return what of some answers matches: name, number, or "" when nothing does."""
        if self._is_number:
            ends = (_figures(one).endswith(self._figures) for one in _of_kinds(answers, WAYS_IN))
            return "number" if any(ends) else ""
        for one in _of_kinds(answers, ("name",)):
            if all(word in one.casefold() for word in self._words):
                return "name"
        typed = " ".join(self._words)
        same = (one.casefold() == typed for one in _of_kinds(answers, WAYS_IN))
        return "number" if any(same) else ""


def _of_kinds(answers: Said, kinds: tuple[str, ...]) -> Iterator[str]:
    """Give the answers to questions of some kinds."""
    keys = _keys(kinds)
    return (value for key, value in answers if value and key in keys)


@cache
def _keys(kinds: tuple[str, ...]) -> frozenset[str]:
    return frozenset(one.key for one in questions() if one.kind in kinds)


async def _found(at: At, look_for: Sought) -> tuple[list[tuple[str, str, str]], bool]:
    queues = queues_of(at.role, tuple(service().queues))
    ids = await at.read(lambda session: queue_views.newest(session, queues))
    found: list[tuple[str, str, str]] = []
    for start in range(0, len(ids), AT_A_TIME):
        found += await at.read(_look(at, ids[start : start + AT_A_TIME], look_for))
    return found, len(ids) >= queue_views.LOOKED_THROUGH


def _look(
    at: At, ids: list[str], look_for: Sought
) -> Callable[[Session], list[tuple[str, str, str]]]:
    return lambda session: queue_views.matching(session, at.desk.vault, ids, look_for.among)


async def _is_there(at: At, reference: str) -> bool:
    if not reference:
        return False
    standing = await at.read(lambda session: lifecycle.standing(session, reference))
    return standing is not None and sees(at.role, standing.queue)


def _figures(text: str) -> str:
    """Return the figures of a number; of a whole one without what stands for the country."""
    figures = "".join(one for one in text if one.isascii() and one.isdigit())
    return figures.removeprefix("44").removeprefix("0") if len(figures) > 9 else figures


PAGES = (Page("/desk/search", "POST", "queue", search),)
