"""What can be done with a draft as a whole: leave it, carry on, start again, delete it."""

from dataclasses import replace
from datetime import datetime

from flows import moves, stages
from flows.buttons import in_rows, said
from flows.conversation import (
    ClearChat,
    Conversation,
    ForgetDraft,
    Heard,
    Reply,
    Turn,
    Waiting,
)
from flows.scenes import paused, sent
from flows.wording import say


def leave(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    """Return one neutral line; the chat is cleared as far as it can be, the place is kept."""
    line = Reply(say(conversation.language, "scenes.paused.left"))
    left = conversation
    if "leave" in stages.allowed(conversation.stage):
        left = moves.moved(conversation, "leave")
    return Turn(replace(left, card=None), (line,), (ClearChat(),))


def delete(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    """Return the proof that a draft is gone at once; for what was sent, that contact is paused."""
    language = conversation.language
    fresh = moves.begun(conversation, "forget", "") if _draft_stage(conversation) else conversation
    fresh = replace(fresh, introduced_by=None)
    stopped = sent.contact_stopped(conversation, "ask_to_delete")
    if stopped:
        line = Reply(say(language, "anytime.delete.sent"))
        return Turn(sent.after_stopping(fresh), (line,), (ForgetDraft(), *stopped))
    if not (conversation.answers or conversation.journey) or not _draft_stage(conversation):
        nothing = Reply(say(language, "anytime.delete.nothing"))
        return Turn(replace(conversation, introduced_by=None), (nothing,), shows=True)
    return Turn(
        fresh, (Reply(say(language, "anytime.delete.draft")),), (ForgetDraft(), ClearChat())
    )


def again(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    """Return one question before a draft is thrown away; without a draft, the first hello."""
    if conversation.stage in ("sent", "withdrawn"):
        return Turn(conversation, shows=True)
    if not moves.has_draft(conversation):
        return Turn(moves.begun(conversation, "forget", ""), shows=True)
    asked = replace(conversation, waiting=Waiting("again"))
    rows = [
        said(asked, "anytime.again.yes", "again_yes", style="danger"),
        said(asked, "anytime.again.no", "here"),
    ]
    return Turn(asked, (Reply(say(conversation.language, "anytime.again.sure"), in_rows(rows)),))


def start(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    """Return the hello, or where things stand; a draft is never dropped by it."""
    if conversation.stage in ("sent", "withdrawn"):
        return Turn(conversation, shows=True)
    if moves.has_draft(conversation):
        if heard.text.startswith("/") and "leave" in stages.allowed(conversation.stage):
            return Turn(moves.moved(conversation, "leave"), shows=True)
        return Turn(conversation, shows=True)
    if conversation.stage == "asking" and conversation.journey and not heard.text.startswith("/"):
        return Turn(conversation, shows=True)
    return Turn(moves.begun(conversation, "forget", ""), shows=True)


def refer(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    """Return a clean card for an officer; a draft of their own is shown first, not dropped."""
    if conversation.journey == "officer" and moves.has_draft(conversation):
        if conversation.stage == "paused":
            conversation = paused.resumed(conversation)
        return Turn(conversation, shows=True)
    if moves.has_draft(conversation):
        return start(conversation, replace(heard, text="/start"), now)
    return Turn(moves.begun(conversation, "refer", "officer"), shows=True)


def call_me(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    """Return the four taps of a call-back; what was told so far comes along, nothing is lost."""
    if conversation.journey == "officer" and moves.has_draft(conversation):
        return Turn(conversation, shows=True)
    if conversation.journey == "self" and moves.has_draft(conversation):
        asked = moves.moved(conversation, "ask_for_a_call")
        return Turn(replace(asked, journey="callback", came_from="self", looking_at=""), shows=True)
    if conversation.journey == "callback" and moves.has_draft(conversation):
        return Turn(conversation, shows=True)
    return Turn(moves.begun(conversation, "ask_for_a_call", "callback"), shows=True)


def carry_on(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    """Return the place where the person was."""
    if conversation.stage == "paused":
        return Turn(paused.resumed(conversation), shows=True)
    return Turn(conversation, shows=True)


def _draft_stage(conversation: Conversation) -> bool:
    return "forget" in stages.allowed(conversation.stage)
