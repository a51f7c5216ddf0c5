"""Tells open pages of the desk what is new and what was taken; nothing that a person said."""

import json
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session
from starlette.responses import Response

from bot.desk.casework.queue import Chosen, asked_by
from bot.desk.guard import At, Page
from storage.accounts import sign_ins
from storage.referrals import queue_views


async def live(at: At) -> Response:
    """Return a stream: how many are new, who has what. It says so when the sign-in has ended."""
    looking_at = at.asked("at").upper()

    async def look() -> str:
        now = at.desk.clock()
        if looking_at:
            at.desk.viewing.note(looking_at, at.who, now)
        return json.dumps(await at.read(lambda session: told(session, at, now)))

    return at.desk.live.events(at.request, look)


def told(session: Session, at: At, now: datetime) -> dict[str, object]:
    """Return what a page is told: `new` references, and who has `taken` which.

    Listening does not keep anybody signed in; `out` says that the sign-in has ended.
    """
    signed = at.signed
    still = signed and sign_ins.listed(session, signed.staff_id, now)
    if not signed or not still or signed.id not in {one.id for one in still}:
        return {"out": True}
    new, taken = queue_views.state(session, asked_by(replace(at, now=now), Chosen()))
    return {"new": new, "taken": taken}


PAGES = (Page("/desk/live", "GET", "queue", live),)
