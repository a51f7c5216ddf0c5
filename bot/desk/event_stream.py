"""Tells open pages of the desk what is new and what was taken; nothing that a person said."""

import json

from starlette.responses import Response

from bot.broadcast import Subscription
from bot.desk.casework.queue import QueueFilter, may_open, parse_reference, queue_query
from bot.desk.guard import DeskRequest, DeskRoute
from bot.web.event_stream import event_response
from storage.accounts import sign_ins
from storage.referrals import queue_views
from storage.referrals.steps import DESK_TOPIC
from storage.unit import Unit

LOOK_SECONDS = 15.0
"""Seconds after which a page looks by itself: a sign-in ends with time, and presence is renewed."""


async def stream_updates(request: DeskRequest) -> Response:
    """Return a stream: how many are new, who has what. It says so when the sign-in has ended."""
    looking_at = parse_reference(request.query("at"))
    if looking_at and not await may_open(request, looking_at):
        looking_at = ""

    async def look() -> str:
        if looking_at:
            request.runtime.presence.touch(looking_at, request.actor)
        return json.dumps(await request.read(live_state, request))

    subscription = Subscription(
        DESK_TOPIC, f"{request.browser_id} at the desk", look, look_seconds=LOOK_SECONDS
    )
    return event_response(request.runtime.live, subscription)


def live_state(unit: Unit, request: DeskRequest) -> dict[str, object]:
    """Return what a page is told: `new` references, and who has `taken` which.

    Listening does not keep anybody signed in; `out` says that the sign-in has ended.
    """
    signed = request.staff_session
    still = signed and sign_ins.list_sign_ins(unit, signed.staff_id)
    if not signed or not still or signed.id not in {one.id for one in still}:
        return {"out": True}
    new, taken = queue_views.live_snapshot(unit, queue_query(request, QueueFilter()))
    return {"new": new, "taken": taken}


ROUTES = (DeskRoute("/desk/live", "GET", "queue", stream_updates),)
