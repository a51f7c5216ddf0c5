"""What can be done with a draft as a whole: leave it, carry on, start again, delete it."""

from dataclasses import replace
from datetime import datetime

from flows import moves, stages
from flows.buttons import button_for, in_rows
from flows.conversation import (
    ClearChat,
    Conversation,
    ForgetDraft,
    Input,
    Pending,
    Reply,
    Turn,
)
from flows.scenes import paused, sent
from flows.wording import say


def leave_chat(conversation: Conversation, user_input: Input, now: datetime) -> Turn:
    """Return one neutral line; the chat is cleared as far as it can be, the place is kept."""
    line = Reply(say(conversation.language, "scenes.paused.left"))
    left = conversation
    if "leave" in stages.allowed_moves(conversation.stage):
        left = moves.apply_move(conversation, "leave")
    return Turn(replace(left, card_message_id=None), (line,), (ClearChat(),))


def delete_draft(conversation: Conversation, user_input: Input, now: datetime) -> Turn:
    """Return the proof that a draft is gone at once; for what was sent, that contact is paused."""
    language = conversation.language
    fresh = (
        moves.start_draft(conversation, "forget", "")
        if _can_forget_draft(conversation)
        else conversation
    )
    fresh = replace(fresh, introduction=None)
    stopped = sent.stop_contact_effects(conversation, "ask_to_delete")
    if stopped:
        line = Reply(say(language, "anytime.delete.sent"))
        return Turn(sent.with_receipt_withdrawn(fresh), (line,), (ForgetDraft(), *stopped))
    if not (conversation.answers or conversation.journey) or not _can_forget_draft(conversation):
        nothing = Reply(say(language, "anytime.delete.nothing"))
        return Turn(replace(conversation, introduction=None), (nothing,), rerender=True)
    return Turn(
        fresh, (Reply(say(language, "anytime.delete.draft")),), (ForgetDraft(), ClearChat())
    )


def ask_to_restart(conversation: Conversation, user_input: Input, now: datetime) -> Turn:
    """Return one question before a draft is thrown away; without a draft, the first hello."""
    if conversation.stage in ("sent", "withdrawn"):
        return Turn(conversation, rerender=True)
    if not moves.has_draft(conversation):
        return Turn(moves.start_draft(conversation, "forget", ""), rerender=True)
    asked = replace(conversation, pending=Pending("again"))
    rows = [
        button_for(asked, "anytime.again.yes", "again_yes", style="danger"),
        button_for(asked, "anytime.again.no", "here"),
    ]
    return Turn(asked, (Reply(say(conversation.language, "anytime.again.sure"), in_rows(rows)),))


def start_over_or_continue(conversation: Conversation, user_input: Input, now: datetime) -> Turn:
    """Return the hello, or where things stand; a draft is never dropped by it."""
    if conversation.stage in ("sent", "withdrawn"):
        return Turn(conversation, rerender=True)
    if moves.has_draft(conversation):
        if user_input.text.startswith("/") and "leave" in stages.allowed_moves(conversation.stage):
            return Turn(moves.apply_move(conversation, "leave"), rerender=True)
        return Turn(conversation, rerender=True)
    if (
        conversation.stage == "asking"
        and conversation.journey
        and not user_input.text.startswith("/")
    ):
        return Turn(conversation, rerender=True)
    return Turn(moves.start_draft(conversation, "forget", ""), rerender=True)


def start_officer_referral(conversation: Conversation, user_input: Input, now: datetime) -> Turn:
    """Return a clean card for an officer; a draft of their own is shown first, not dropped."""
    if conversation.journey == "officer" and moves.has_draft(conversation):
        if conversation.stage == "paused":
            conversation = paused.resume_conversation(conversation)
        return Turn(conversation, rerender=True)
    if moves.has_draft(conversation):
        return start_over_or_continue(conversation, replace(user_input, text="/start"), now)
    return Turn(moves.start_draft(conversation, "refer", "officer"), rerender=True)


def request_callback(conversation: Conversation, user_input: Input, now: datetime) -> Turn:
    """Return the four taps of a call-back; what was told so far comes along, nothing is lost."""
    if conversation.journey == "officer" and moves.has_draft(conversation):
        return Turn(conversation, rerender=True)
    if conversation.journey == "self" and moves.has_draft(conversation):
        asked = moves.apply_move(conversation, "ask_for_a_call")
        return Turn(
            replace(asked, journey="callback", previous_journey="self", editing=""), rerender=True
        )
    if conversation.journey == "callback" and moves.has_draft(conversation):
        return Turn(conversation, rerender=True)
    return Turn(moves.start_draft(conversation, "ask_for_a_call", "callback"), rerender=True)


def resume_draft(conversation: Conversation, user_input: Input, now: datetime) -> Turn:
    """Return the place where the person was."""
    if conversation.stage == "paused":
        return Turn(paused.resume_conversation(conversation), rerender=True)
    return Turn(conversation, rerender=True)


def _can_forget_draft(conversation: Conversation) -> bool:
    return "forget" in stages.allowed_moves(conversation.stage)
