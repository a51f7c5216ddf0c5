"""Where it cannot go on here: why, where to go instead, and the ways back."""

from datetime import datetime

from flows.buttons import button_for, in_rows
from flows.conversation import Conversation, Input, Reply, Turn
from flows.questions import journey
from flows.scenes import explain
from flows.service import service
from flows.wording import say

DECIDING_QUESTIONS = {
    "no_consent": ("agreed",),
    "victim_did_not_ask": ("victim_asked", "offence"),
    "not_wanted": ("willing", "interested"),
    "dispute": ("harm", "offence"),
    "outside": ("area",),
    "pushed": ("wish",),
}


def show(conversation: Conversation, user_input: Input) -> Turn:
    """Return the reason with where to go instead; it is not an error."""
    reason = conversation.stop_reason
    text = say(
        conversation.language, f"scenes.stopped.{reason}", mediation=_mediation_text(conversation)
    )
    own = "scenes.stopped.own_choice" if reason == "pushed" else "scenes.stopped.change"
    key = next(
        (one for one in DECIDING_QUESTIONS[reason] if one in journey.current_answers(conversation)),
        "",
    )
    rows = [
        button_for(conversation, own, "reopen", key),
        button_for(conversation, "scenes.welcome.buttons.person", "person"),
        button_for(conversation, "scenes.welcome.buttons.questions", "questions"),
        button_for(conversation, "scenes.asking.last_row_leave", "leave"),
        button_for(conversation, "scenes.paused.delete", "delete", style="danger"),
    ]
    edits = conversation.card_message_id if conversation.journey == "officer" else None
    return Turn(conversation, (Reply(text, in_rows(rows), edits_message_id=edits),))


def handle(conversation: Conversation, user_input: Input, now: datetime) -> Turn:
    """Return an answer to typed words."""
    return explain.answer_or_suggest(conversation, user_input.text)


def _mediation_text(conversation: Conversation) -> str:
    found = journey.current_answers(conversation)
    place = next((found[key].value for key in ("district", "victim_area") if key in found), "")
    scheme = service().districts.get(place, "")
    return say(conversation.language, f"scenes.stopped.mediation_{scheme}")
