"""Content review: the state diagrams, each message, what is due for review."""

import asyncio
from collections import Counter
from datetime import date
from zoneinfo import ZoneInfo

from starlette.responses import Response

from bot.desk.content import message_index, state_diagram
from bot.desk.guard import DeskRequest, DeskRoute
from bot.desk.reports import figures, tables, week_range
from bot.web.forms import parse_int
from flows import casework, stages
from flows.machine import AnyTable
from flows.questions.questionnaire import get_question
from flows.service import service
from flows.vocabulary import JOURNEYS
from flows.wording import FIRST_LANGUAGE, say
from storage.reports import missed_questions, statistics
from storage.unit import Unit

_L = FIRST_LANGUAGE
PAGE_SIZE = 50
QuestionFunnels = list[tuple[str, list[tuple[str, figures.FunnelStep]]]]


async def show_content(request: DeskRequest) -> Response:
    """Return how things stand with the words: flow, dates, missed questions, warnings."""
    today = _today(request)
    wrong, warnings = await asyncio.to_thread(message_index.proofreading_findings, today)
    tables_shown: tuple[tuple[str, AnyTable], ...] = (
        ("talk", stages.STAGES),
        ("cases", casework.ACTS),
    )
    return request.render(
        "content.html",
        flows=[
            (name, state_diagram.draw_table(table), state_diagram.moves_of(table))
            for name, table in tables_shown
        ],
        questions=await _question_funnels(request),
        share=figures.percentage_text,
        text_of=tables.cell_text,
        answers=message_index.reviewed_answers(today),
        helplines=message_index.checked_helplines(today),
        missed=await _missed_per_day(request),
        wrong=wrong,
        warnings=warnings,
    )


async def show_messages(request: DeskRequest) -> Response:
    """Return the messages that hold what the address asks for, a page at a time."""
    branches = await asyncio.to_thread(message_index.content_branches)
    branch = request.query("branch") if request.query("branch") in branches else ""
    found = message_index.find_messages(request.query("q"), branch)
    pages = max(1, -(-len(found) // PAGE_SIZE))
    page = min(max(parse_int(request.query("page"), 1), 1), pages)
    return request.render(
        "messages.html",
        branches=branches,
        branch=branch,
        q=request.query("q"),
        found=found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE],
        size=len(found),
        page=page,
        pages=pages,
    )


async def show_missed_questions(request: DeskRequest) -> Response:
    """Return the questions that had no answer, in the words of whoever agreed to leave them."""
    await request.audit("missed_read")
    asked = await request.read(missed_questions.list_missed_questions)
    return request.render("missed.html", asked=list(reversed(asked)))


async def _question_funnels(request: DeskRequest) -> QuestionFunnels:
    """Return each journey's questions as worded now, with how many of those shown went on."""
    chosen = week_range.parse_weeks("", "", request.now)

    def found(unit: Unit) -> QuestionFunnels:
        funnel = statistics.funnel_counts(unit, chosen.first, chosen.last)
        return [
            (
                say(_L, f"desk.numbers.from.{who}"),
                [
                    (get_question(one.question).text(_L, "title").rstrip("*"), one)
                    for one in figures.funnel_steps(funnel, figures.current_funnel_key(who))
                ],
            )
            for who in JOURNEYS
        ]

    return await request.read(found)


async def _missed_per_day(request: DeskRequest) -> list[tuple[date, int]]:
    times = await request.read(missed_questions.missed_question_times)
    zone = ZoneInfo(service().zone)
    return sorted(Counter(time.astimezone(zone).date() for time in times).items(), reverse=True)


def _today(request: DeskRequest) -> date:
    return request.now.astimezone(ZoneInfo(service().zone)).date()


ROUTES = (
    DeskRoute("/desk/content", "GET", "content", show_content),
    DeskRoute("/desk/content/messages", "GET", "content", show_messages),
    DeskRoute("/desk/content/missed", "GET", "missed_words", show_missed_questions),
)
