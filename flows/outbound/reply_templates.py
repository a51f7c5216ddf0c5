"""The approved wordings that staff send through the bot: filled from choices, never free text."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from string import Formatter
from zoneinfo import ZoneInfo

from flows import content_files
from flows.calendar.workdays import is_working_day, next_working_day
from flows.conversation import Button, Reply
from flows.interaction.buttons import ButtonId, ButtonVerb
from flows.outbound import discretion
from flows.outbound.guard import Variant
from flows.service import service
from flows.wording import format_day, say, say_raw

FIRST_NAME_MAX = 30
DAYS_AHEAD = 5
"""How many working days staff can choose from, today's among them."""


@dataclass(frozen=True, slots=True)
class ReplyTemplate:
    """One approved wording; `buttons` are what the person can tap to answer."""

    id: str
    buttons: tuple[str, ...] = ()

    def required_blanks(self, variant: Variant, language: str) -> frozenset[str]:
        """Return which of time and first_name a member of staff must choose for this variant."""
        text = say_raw(language, f"replies.{self.id}.{variant}")
        return frozenset(name for _, name, _, _ in Formatter().parse(text) if name) & CHOSEN_BLANKS


CHOSEN_BLANKS = frozenset({"time", "first_name"})
"""All that can be filled in by choice."""


@dataclass(frozen=True, slots=True)
class ReplyChoice:
    """What a member of staff chose: a wording, a day, a part of it, and their own first name."""

    template: ReplyTemplate
    day: date | None = None
    part_of_day: str = ""
    first_name: str = ""


@cache
def reply_templates() -> tuple[ReplyTemplate, ...]:
    """Return the approved wordings in the order shown to staff."""
    rows = content_files.load_toml("replies.toml")
    return tuple(ReplyTemplate(id, tuple(row.get("buttons", ()))) for id, row in rows.items())


def find_template(id: str) -> ReplyTemplate | None:
    """Return the wording of that id, if there is one."""
    return next((one for one in reply_templates() if one.id == id), None)


def invalid_blanks(
    choice: ReplyChoice, variant: Variant, language: str, now: datetime
) -> Iterator[str]:
    """Give what is missing or cannot be said: time, first_name. Nothing when it can be sent."""
    asks = choice.template.required_blanks(variant, language)
    part_known = choice.part_of_day in service().windows
    if "time" in asks and not (part_known and choice.day in offerable_days(now)):
        yield "time"
    if "first_name" in asks and not is_first_name(choice.first_name):
        yield "first_name"


def is_first_name(name: str) -> bool:
    """Return whether this can be a first name: letters only, 30 at most, telling nothing."""
    return name.isalpha() and len(name) <= FIRST_NAME_MAX and not discretion.is_revealing(name)


def render_reply(choice: ReplyChoice, variant: Variant, language: str) -> Reply:
    """Return the message as the person gets it."""
    asks = choice.template.required_blanks(variant, language)
    blanks = {"first_name": choice.first_name} if "first_name" in asks else {}
    if "time" in asks and choice.day:
        blanks["time"] = part_of_day_text(choice.day, choice.part_of_day, language)
    text = say(language, f"replies.{choice.template.id}.{variant}", **blanks)
    own = [
        Button(
            reply_button_label(one, language),
            str(ButtonId(ButtonVerb.REPLY, (choice.template.id, one), prompt_id=0)),
        )
        for one in choice.template.buttons
    ]
    to_bot = ButtonId(ButtonVerb.RETURN_TO_BOT, (), prompt_id=0)
    back = Button(reply_button_label("computer", language), str(to_bot))
    return Reply(text, (tuple(own), (back,)) if own else ((back,),))


def reply_button_label(button: str, language: str) -> str:
    """Return what stands on a button."""
    return say(language, f"replies.buttons.{button}")


def offerable_days(now: datetime) -> tuple[date, ...]:
    """Return the working days that can be named, the first of them today if it is one."""
    told = service()
    day = now.astimezone(ZoneInfo(told.zone)).date()
    found = [day if is_working_day(day, told) else next_working_day(day, told)]
    while len(found) < DAYS_AHEAD:
        found.append(next_working_day(found[-1], told))
    return tuple(found)


def part_of_day_text(day: date, part: str, language: str) -> str:
    """Return a part of a day in words, such as "on Tuesday 24 November, in the morning"."""
    part_said = say(language, f"replies.parts.{part}")
    return say(language, "replies.part_of_day", part=part_said, day=format_day(language, day))
