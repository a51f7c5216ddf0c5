"""Where it cannot go on here: why, where to go instead, and the ways back."""

from datetime import datetime

from flows.buttons import in_rows, said
from flows.conversation import Conversation, Heard, Reply, Turn
from flows.questions import journey
from flows.scenes import explain
from flows.service import service
from flows.wording import say

DECIDED_BY = {
    "no_consent": ("agreed",),
    "victim_did_not_ask": ("victim_asked", "offence"),
    "not_wanted": ("willing", "interested"),
    "dispute": ("harm", "offence"),
    "outside": ("area",),
    "pushed": ("wish",),
}


def show(conversation: Conversation, heard: Heard) -> Turn:
    """Return the reason with where to go instead; it is not an error."""
    reason = conversation.stopped_for
    text = say(
        conversation.language, f"scenes.stopped.{reason}", mediation=_mediation(conversation)
    )
    own = "scenes.stopped.own_choice" if reason == "pushed" else "scenes.stopped.change"
    key = next((one for one in DECIDED_BY[reason] if one in journey.counting(conversation)), "")
    rows = [
        said(conversation, own, "reopen", key),
        said(conversation, "scenes.welcome.buttons.person", "person"),
        said(conversation, "scenes.welcome.buttons.questions", "questions"),
        said(conversation, "scenes.asking.last_row_leave", "leave"),
        said(conversation, "scenes.paused.delete", "delete", style="danger"),
    ]
    edits = conversation.card if conversation.journey == "officer" else None
    return Turn(conversation, (Reply(text, in_rows(rows), edits=edits),))


def hear(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    """Return an answer to typed words."""
    return explain.answer_or_suggest(conversation, heard.text)


def _mediation(conversation: Conversation) -> str:
    found = journey.counting(conversation)
    place = next((found[key].value for key in ("district", "victim_area") if key in found), "")
    scheme = service().districts.get(place, "")
    return say(conversation.language, f"scenes.stopped.mediation_{scheme}")
