"""Takes what stood on a page of ours: several answers at once, by the same rules as one by one."""

from dataclasses import replace

from flows.conversation import Conversation, Reply, Turn
from flows.dialogue import danger, form_parsing
from flows.inputs import FormSubmission
from flows.interaction import moves
from flows.interaction.moment import Moment
from flows.questions import journey
from flows.referral import rules
from flows.scenes import checking
from flows.stages import ANSWERABLE, Move, Stage
from flows.vocabulary import Journey
from flows.wording import say


def submit_page(moment: Moment, form: FormSubmission, away: bool) -> Turn:
    """Return the turn after a page was filled in: danger first, then every answer it gives.

    Whoever was `away` from the chat is asked there before anything is shown again, as everywhere;
    a page that holds a whole journey of its own shows nothing there.
    """
    conversation = moment.conversation
    away = away and not form.journey
    typed = form_parsing.free_text_answers(form.fields)
    alarmed = danger.respond_to_danger_on_page(conversation, typed, moment.now)
    ready = _open_draft(moment.at(alarmed.conversation), form.journey)
    if ready is None:
        old = Reply(say(conversation.language, "scenes.asking.page_too_late"))
        return replace(alarmed, replies=(*alarmed.replies, old), rerender=True)
    taken, problems = form_parsing.parse_form(ready, form.fields, moment.now)
    given = moves.advance(replace(taken, answered_on_page=True))
    turn = replace(alarmed, conversation=given, rerender=True)
    if form.send and not away and _is_complete(given):
        return _send(moment.at(given), turn)
    return replace(_acknowledge(turn, len(problems)), conversation=_pause_if_away(given, away))


def _open_draft(moment: Moment, journey_of_page: Journey) -> Conversation | None:
    """Return the conversation where it takes answers; None when nothing is under way."""
    conversation = moment.conversation
    wanted = journey_of_page or conversation.journey
    if conversation.journey == wanted:
        if conversation.stage in ANSWERABLE:
            return moves.apply_move(conversation, Move.REOPEN)
        if conversation.stage == Stage.PAUSED:
            # Answers are taken, but only a page of its own ends the pause in the chat.
            is_whole_page = journey_of_page != Journey.NONE
            return moves.apply_move(conversation, Move.CARRY_ON) if is_whole_page else conversation
    # A page that holds a journey from the first question to the last may begin one; for a
    # call-back there is no such page.
    if journey_of_page == Journey.OFFICER:
        return moves.start_draft(conversation, Move.REFER, Journey.OFFICER)
    if journey_of_page != Journey.SELF or not moves.can(conversation, Move.BEGIN):
        return None
    begun = moves.apply_move(moves.start_draft(conversation, Move.BEGIN, Journey.SELF), Move.AGREE)
    aloud = say(begun.language, f"form.aloud.{journey_of_page}")
    return replace(begun, consented_at=moment.now, consent=aloud)


def _is_complete(conversation: Conversation) -> bool:
    if conversation.stage != Stage.ASKING or rules.stop_reason(rules.facts_of(conversation)):
        return False
    return journey.open_question(conversation) is None


def _send(moment: Moment, turn: Turn) -> Turn:
    ready = moves.apply_move(moment.conversation, Move.NOTHING_LEFT)
    return checking.send(moment.at(ready)).after(turn)


def _pause_if_away(conversation: Conversation, away: bool) -> Conversation:
    if away and conversation.stage == Stage.ASKING:
        return moves.apply_move(conversation, Move.LEAVE)
    return conversation


def _acknowledge(turn: Turn, problems: int) -> Turn:
    """Say that the page has come; what stood on it is not said again in the chat."""
    key = "scenes.asking.page_in_part" if problems else "scenes.asking.page_kept"
    line = Reply(say(turn.conversation.language, key))
    return replace(turn, replies=(*turn.replies, line))
