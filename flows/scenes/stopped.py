"""Where it cannot go on here: why, where to go instead, and the ways back."""

from flows.conversation import Conversation, Reply, Turn
from flows.interaction.buttons import ButtonVerb, button_for, delete_button, in_rows
from flows.interaction.moment import Moment
from flows.questions import journey
from flows.scenes import explain
from flows.service import service
from flows.vocabulary import Journey, StopReason
from flows.wording import say

DECIDING_QUESTIONS = {
    StopReason.NO_CONSENT: ("agreed",),
    StopReason.VICTIM_DID_NOT_ASK: ("victim_asked", "offence"),
    StopReason.NOT_WANTED: ("willing", "interested"),
    StopReason.DISPUTE: ("harm", "offence"),
    StopReason.OUTSIDE: ("area",),
    StopReason.PUSHED: ("wish",),
}


def show(moment: Moment) -> Turn:
    """Return the reason with where to go instead; it is not an error."""
    conversation = moment.conversation
    reason = conversation.stop_reason
    mediation = _mediation_text(conversation)
    text = say(conversation.language, f"scenes.stopped.{reason}", mediation=mediation)
    own = "scenes.stopped.own_choice" if reason == StopReason.PUSHED else "scenes.stopped.change"
    found = journey.current_answers(conversation)
    key = next((one for one in DECIDING_QUESTIONS[reason] if one in found), "")
    rows = [
        button_for(conversation, own, ButtonVerb.REOPEN, key),
        button_for(conversation, "scenes.welcome.buttons.person", ButtonVerb.PERSON),
        button_for(conversation, "scenes.welcome.buttons.questions", ButtonVerb.QUESTIONS),
        button_for(conversation, "scenes.asking.last_row_leave", ButtonVerb.LEAVE),
        delete_button(conversation),
    ]
    edits = conversation.card_message_id if conversation.journey == Journey.OFFICER else None
    return Turn(conversation, (Reply(text, in_rows(rows), edits_message_id=edits),))


def handle(moment: Moment) -> Turn:
    """Return an answer to typed words."""
    return explain.answer_or_suggest(moment)


def _mediation_text(conversation: Conversation) -> str:
    found = journey.current_answers(conversation)
    place = next((found[key].value for key in ("district", "victim_area") if key in found), "")
    scheme = service().districts.get(place, "")
    return say(conversation.language, f"scenes.stopped.mediation_{scheme}")
