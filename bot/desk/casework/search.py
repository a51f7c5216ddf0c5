"""The search: a reference leads straight to it; a name or number is looked for in the records."""

from collections.abc import Iterator
from functools import cache

from starlette.responses import Response

from bot.desk.casework.queue import parse_reference
from bot.desk.casework.record_view import CONTACT_KINDS
from bot.desk.guard import DeskRequest, DeskRoute
from bot.desk.permissions import may_see_queue
from flows.questions import answer_types
from flows.questions.questionnaire import all_questions
from storage.referrals import lifecycle, queue_views
from storage.referrals.rows import AnswerPairs

BATCH_SIZE = 250
"""How many records are opened before somebody else's page gets a turn."""
_MIN_LETTERS, _MIN_DIGITS = 2, 4
_MAX_LENGTH = 100


async def search_referrals(request: DeskRequest) -> Response:
    """Return what was found: references with what matched, never what a person said."""
    typed = answer_types.sanitize(request.form.get("q", ""))[:_MAX_LENGTH]
    if await _exists(request, parse_reference(typed)):
        return request.redirect(f"/desk/r/{parse_reference(typed)}")
    look_for = SearchTerm(typed)
    if not look_for.is_long_enough:
        return request.render("search.html", 422, problem="short", typed=typed, found=[])
    await request.audit("search")
    found, cut = await _find_matches(request, look_for)
    return request.render("search.html", typed=typed, found=found, cut=cut)


class SearchTerm:
    """What is looked for, as it is compared: a name without its case, a number by its figures."""

    def __init__(self, typed: str) -> None:
        self._words = typed.casefold().split()
        self._digits = _significant_digits(answer_types.find_phone_number(typed) or typed)
        self._is_number = bool(self._digits) and not any(one.isalpha() for one in typed)

    @property
    def is_long_enough(self) -> bool:
        """Return whether it is long enough to be looked for."""
        if self._is_number:
            return len(self._digits) >= _MIN_DIGITS
        return sum(one.isalnum() for word in self._words for one in word) >= _MIN_LETTERS

    def match_in(self, answers: AnswerPairs) -> str:
        """Return what of some answers matches: name, number, or "" when nothing does."""
        if self._is_number:
            ends = (
                _significant_digits(one).endswith(self._digits)
                for one in _answers_of_kinds(answers, CONTACT_KINDS)
            )
            return "number" if any(ends) else ""
        for one in _answers_of_kinds(answers, ("name",)):
            if all(word in one.casefold() for word in self._words):
                return "name"
        typed = " ".join(self._words)
        same = (one.casefold() == typed for one in _answers_of_kinds(answers, CONTACT_KINDS))
        return "number" if any(same) else ""


def _answers_of_kinds(answers: AnswerPairs, answer_kinds: tuple[str, ...]) -> Iterator[str]:
    """Give the answers to questions of some kinds."""
    keys = _question_keys(answer_kinds)
    return (value for key, value in answers if value and key in keys)


@cache
def _question_keys(answer_kinds: tuple[str, ...]) -> frozenset[str]:
    return frozenset(one.key for one in all_questions() if one.kind in answer_kinds)


async def _find_matches(
    request: DeskRequest, term: SearchTerm
) -> tuple[list[tuple[str, str, str]], bool]:
    ids = await request.read(queue_views.newest_referral_ids, request.queues)
    found: list[tuple[str, str, str]] = []
    for start in range(0, len(ids), BATCH_SIZE):
        batch = ids[start : start + BATCH_SIZE]
        found += await request.read(queue_views.search_answers, batch, term.match_in)
    return found, len(ids) >= queue_views.SCAN_LIMIT


async def _exists(request: DeskRequest, reference: str) -> bool:
    if not reference:
        return False
    standing = await request.read(lifecycle.referral_status, reference)
    return standing is not None and may_see_queue(request.role, standing.queue)


def _significant_digits(text: str) -> str:
    """Return the figures of a number; of a whole one without what stands for the country."""
    figures = "".join(one for one in text if one.isascii() and one.isdigit())
    return figures.removeprefix("44").removeprefix("0") if len(figures) > 9 else figures


ROUTES = (DeskRoute("/desk/search", "POST", "queue", search_referrals),)
