"""What can be done with a draft as a whole: leave it, carry on, start again, delete it."""

from dataclasses import replace

from flows.casework import Act
from flows.conversation import ButtonStyle, ClearChat, Conversation, ForgetDraft, Reply, Turn
from flows.interaction import moves
from flows.interaction.buttons import ButtonVerb, button_for, in_rows
from flows.interaction.moment import Moment, show_again
from flows.pending import ConfirmRestart
from flows.scenes import paused, sent
from flows.stages import DONE, Move, Stage
from flows.vocabulary import Journey
from flows.wording import say


def leave_chat(moment: Moment) -> Turn:
    """Return one neutral line; the chat is cleared as far as it can be, the place is kept."""
    conversation = moment.conversation
    line = Reply(say(conversation.language, "scenes.paused.left"))
    left = _left(conversation)
    return Turn(replace(left, card_message_id=None), (line,), (ClearChat(),))


def delete_draft(moment: Moment) -> Turn:
    """Return the proof that a draft is gone at once; for what was sent, that contact is paused."""
    conversation = moment.conversation
    language = conversation.language
    can_forget, fresh = moves.can(conversation, Move.FORGET), conversation
    if can_forget:
        fresh = moves.start_draft(conversation, Move.FORGET, Journey.NONE)
    fresh = replace(fresh, introduction=None)
    # A draft and a sent referral can both be there; "delete" is then for both.
    stopped = sent.stop_contact_effects(conversation, Act.ASK_TO_DELETE)
    if stopped:
        line = Reply(say(language, "commands.delete.sent"))
        return Turn(sent.with_receipt_withdrawn(fresh), (line,), (ForgetDraft(), *stopped))
    if not (conversation.answers or conversation.journey) or not can_forget:
        nothing = Reply(say(language, "commands.delete.nothing"))
        return Turn(replace(conversation, introduction=None), (nothing,), rerender=True)
    gone = Reply(say(language, "commands.delete.draft"))
    return Turn(fresh, (gone,), (ForgetDraft(), ClearChat()))


def ask_to_restart(moment: Moment) -> Turn:
    """Return one question before a draft is thrown away; without a draft, the welcome."""
    conversation = moment.conversation
    if conversation.stage in DONE:
        return show_again(moment)
    if not moves.has_draft(conversation):
        return Turn(moves.start_draft(conversation, Move.FORGET, Journey.NONE), rerender=True)
    asked, style = replace(conversation, pending=ConfirmRestart()), ButtonStyle.DANGER
    rows = [
        button_for(asked, "commands.again.yes", ButtonVerb.CONFIRM_RESTART, style=style),
        button_for(asked, "commands.again.no", ButtonVerb.RERENDER),
    ]
    return Turn(asked, (Reply(say(conversation.language, "commands.again.sure"), in_rows(rows)),))


def start_over_or_continue(moment: Moment) -> Turn:
    """Return the welcome, or where things stand; it never drops a draft.

    "/start" is what a channel sends when a chat is opened again, perhaps by somebody else, so it
    hides a draft behind the three choices. A plain "hello" among the questions shows the question.
    """
    conversation = moment.conversation
    is_slash_command = moment.text.startswith("/")
    if conversation.stage in DONE:
        return show_again(moment)
    if moves.has_draft(conversation):
        return Turn(_left(conversation) if is_slash_command else conversation, rerender=True)
    if conversation.stage == Stage.ASKING and conversation.journey and not is_slash_command:
        return show_again(moment)
    return Turn(moves.start_draft(conversation, Move.FORGET, Journey.NONE), rerender=True)


def start_officer_referral(moment: Moment) -> Turn:
    """Return a clean card for an officer; a draft of their own is shown first, not dropped."""
    conversation = moment.conversation
    if not moves.has_draft(conversation):
        return Turn(moves.start_draft(conversation, Move.REFER, Journey.OFFICER), rerender=True)
    if conversation.journey != Journey.OFFICER:
        return Turn(_left(conversation), rerender=True)
    return resume_draft(moment)


def request_callback(moment: Moment) -> Turn:
    """Return the four taps of a call-back; what was told so far comes along, nothing is lost."""
    conversation = moment.conversation
    if not moves.has_draft(conversation):
        begun = moves.start_draft(conversation, Move.ASK_FOR_A_CALL, Journey.CALLBACK)
        return Turn(begun, rerender=True)
    if conversation.journey != Journey.SELF:
        return show_again(moment)
    asked = moves.apply_move(conversation, Move.ASK_FOR_A_CALL)
    own, before = Journey.CALLBACK, Journey.SELF
    return Turn(replace(asked, journey=own, previous_journey=before, editing=""), rerender=True)


def resume_draft(moment: Moment) -> Turn:
    """Return the place where the person was."""
    if moment.conversation.stage == Stage.PAUSED:
        return Turn(paused.resume_conversation(moment.conversation), rerender=True)
    return show_again(moment)


def _left(conversation: Conversation) -> Conversation:
    """Return the conversation put aside, where there is something to put aside."""
    can_leave = moves.can(conversation, Move.LEAVE)
    return moves.apply_move(conversation, Move.LEAVE) if can_leave else conversation
