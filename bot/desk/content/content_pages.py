"""The words of the service, to be looked through: the flow, each message, what is out of date."""

import asyncio
from collections import Counter
from datetime import date
from zoneinfo import ZoneInfo

from sqlmodel import Session
from starlette.responses import Response

from bot.desk.content import message_index, state_diagram
from bot.desk.guard import At, Page
from bot.desk.reports import figures, tables, week_range
from bot.web.forms import int_of
from flows import casework, stages
from flows.questions.questionnaire import question
from flows.service import service
from flows.wording import FIRST_LANGUAGE, say
from storage.reports import missed_questions, statistics

_L = FIRST_LANGUAGE
ON_A_PAGE = 50
Questions = list[tuple[str, list[tuple[str, figures.Step]]]]


async def show(at: At) -> Response:
    """Return how things stand with the words: flow, dates, missed questions, warnings."""
    today = _day(at)
    wrong, warnings = await asyncio.to_thread(message_index.looked_through, today)
    return at.page(
        "content.html",
        flows=[
            ("talk", state_diagram.drawing(stages.STAGES), state_diagram.moves_of(stages.STAGES)),
            ("cases", state_diagram.drawing(casework.ACTS), state_diagram.moves_of(casework.ACTS)),
        ],
        questions=await _questions(at),
        share=figures.part_of_hundred,
        text_of=tables.text_of,
        answers=message_index.answers(today),
        helplines=message_index.numbers(today),
        missed=await _missed_by_day(at),
        wrong=wrong,
        warnings=warnings,
    )


async def search(at: At) -> Response:
    """Return the messages that hold what the address asks for, a page at a time."""
    branches = await asyncio.to_thread(message_index.branches)
    branch = at.asked("branch") if at.asked("branch") in branches else ""
    found = message_index.found(at.asked("q"), branch)
    pages = max(1, -(-len(found) // ON_A_PAGE))
    page = min(max(int_of(at.asked("page"), 1), 1), pages)
    return at.page(
        "messages.html",
        branches=branches,
        branch=branch,
        q=at.asked("q"),
        found=found[(page - 1) * ON_A_PAGE : page * ON_A_PAGE],
        size=len(found),
        page=page,
        pages=pages,
    )


async def read_missed(at: At) -> Response:
    """Return the questions that had no answer, in the words of whoever agreed to leave them."""
    await at.note("missed_read")
    asked = await at.read(lambda session: missed_questions.read(session, at.desk.vault))
    return at.page("missed.html", asked=list(reversed(asked)))


async def _questions(at: At) -> Questions:
    """Return each journey's questions as worded now, with how many of those shown went on."""
    chosen = week_range.asked("", "", at.now)

    def found(session: Session) -> Questions:
        funnel = statistics.funnel(session, chosen.first, chosen.last)
        return [
            (
                say(_L, f"desk.numbers.from.{who}"),
                [
                    (question(one.question).says(_L, "title").rstrip("*"), one)
                    for one in figures.steps(funnel, figures.current(who))
                ],
            )
            for who in figures.JOURNEYS
        ]

    return await at.read(found)


async def _missed_by_day(at: At) -> list[tuple[date, int]]:
    times = await at.read(missed_questions.times)
    zone = ZoneInfo(service().zone)
    return sorted(Counter(time.astimezone(zone).date() for time in times).items(), reverse=True)


def _day(at: At) -> date:
    return at.now.astimezone(ZoneInfo(service().zone)).date()


PAGES = (
    Page("/desk/content", "GET", "content", show),
    Page("/desk/content/messages", "GET", "content", search),
    Page("/desk/content/missed", "GET", "missed_words", read_missed),
)
