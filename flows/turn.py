"""take_turn: the one door. What was heard goes in; what should happen comes out."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from flows import (
    answering,
    anytime,
    buttons,
    danger,
    journey,
    kinds,
    moves,
    rules,
    stages,
    wording,
)
from flows.buttons import Press
from flows.conversation import Conversation, ForgetDraft, Heard, Hearing, Reply, Turn, Waiting
from flows.kinds import Read
from flows.questionnaire import is_asked, question
from flows.scenes import asking, checking, learning, notice, paused, sent, stopped, welcome
from flows.service import service
from flows.wording import say

HEARD_MAX = 4096
"""The longest text that a message may hold (Telegram's own limit)."""

Show = Callable[[Conversation, Heard], Turn]
Hear = Callable[[Conversation, Heard, datetime], Turn]
Pressed = Callable[[Conversation, Heard, Press, datetime], Turn]

SHOWS: Mapping[str, Show] = {
    "welcome": welcome.show,
    "learning": learning.show,
    "notice": notice.show,
    "asking": asking.show,
    "checking": checking.show,
    "stopped": stopped.show,
    "paused": paused.show,
    "sent": sent.show,
    "withdrawn": sent.show,
    "expired": welcome.show_gone,
}
HEARS: Mapping[str, Hear] = {
    "welcome": welcome.hear,
    "learning": learning.hear,
    "notice": notice.hear,
    "asking": asking.hear,
    "checking": checking.hear,
    "stopped": stopped.hear,
    "paused": paused.hear,
    "sent": sent.hear,
    "withdrawn": sent.hear,
}
PRESSES: Mapping[str, Pressed] = {
    **anytime.PRESSES,
    **danger.PRESSES,
    **welcome.PRESSES,
    **learning.PRESSES,
    **notice.PRESSES,
    **asking.PRESSES,
    **answering.PRESSES,
    **checking.PRESSES,
    **sent.PRESSES,
    **paused.PRESSES,
}


def take_turn(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    """Return what should happen next; `now` is aware. Never silent, never raises for any input."""
    woken, lost = _wake(conversation, heard, now)
    turn = _decide(woken, heard, now)
    turn = _shown(turn, heard, fresh_send=woken.stage == "checking")
    turn = _with_keyboard_cleared(turn, woken)
    after = replace(turn.conversation, heard_at=now)
    return replace(turn, conversation=after, effects=(*lost, *turn.effects))


def _wake(
    conversation: Conversation, heard: Heard, now: datetime
) -> tuple[Conversation, tuple[ForgetDraft, ...]]:
    """Let time have its way: old drafts and receipts are gone, a new officer is known."""
    if conversation.heard_at is None:
        conversation = replace(conversation, language=wording.offered(heard.language))
    if heard.officer:
        conversation = replace(conversation, officer=heard.officer)
    receipt = conversation.receipt
    if receipt and now - receipt.sent_at > timedelta(days=service().receipt_days):
        conversation = replace(conversation, receipt=None)
    quiet = _quiet(conversation, now)
    if moves.has_draft(conversation) and quiet > timedelta(hours=service().draft_hours):
        return moves.begun(conversation, "run_out", ""), (ForgetDraft(),)
    return conversation, ()


def _decide(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    in_danger = danger.first(conversation, heard, now)
    if in_danger:
        return in_danger
    match heard.how:
        case Hearing.PRESSED:
            return _pressed(conversation, heard, now)
        case Hearing.SENT:
            return _sent_thing(conversation, heard)
        case Hearing.SHARED_NUMBER:
            return _shared_number(conversation, heard, now)
        case Hearing.EDITED:
            return _edited(conversation, heard, now)
        case Hearing.SAID:
            return _said(conversation, heard, now)


def _said(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    if len(heard.text) > HEARD_MAX:
        return _line(conversation, "errors.chat.too_long", n=len(heard.text), max=HEARD_MAX)
    if not kinds.tidy(heard.text):
        return _line(conversation, "errors.chat.unread")
    if heard.officer:
        return Turn(
            moves.begun(conversation, "welcome", "")
            if not moves.has_draft(conversation)
            else conversation,
            shows=True,
        )
    name = anytime.named(conversation, heard.text)
    if name == "leave":
        return anytime.act(conversation, heard, name, now)
    if _away(conversation, now) and name in (None, "start", "status", "carry_on", "back"):
        return _welcomed_back(conversation, heard, name)
    if conversation.stage == "expired":
        return Turn(conversation, shows=True)
    waited = _waited_for(conversation, heard, now)
    if waited:
        return waited
    if name and not _is_an_answer(conversation, name):
        return anytime.act(conversation, heard, name, now)
    return HEARS[conversation.stage](conversation, heard, now)


def _is_an_answer(conversation: Conversation, name: str) -> bool:
    """Some of the words are also answers: "carry on" agrees to the notice, "send" only sends."""
    return name == "carry_on" and conversation.stage == "notice"


def _waited_for(conversation: Conversation, heard: Heard, now: datetime) -> Turn | None:
    """A typed yes or no to what waits for one; the buttons beside it do the same."""
    waiting = conversation.waiting
    word = heard.text.strip().lower().rstrip(".!")
    if waiting is None or word not in ("yes", "no", "y", "n"):
        return None
    yes = word[0] == "y"
    press = Press("", (), conversation.step)
    if waiting.about == "guess" and is_asked(waiting.question) and conversation.stage == "asking":
        one = question(waiting.question)
        if not yes or journey.open_question(conversation) != one:
            return Turn(replace(conversation, waiting=None), shows=True)
        reading = kinds.chosen(one, waiting.value, conversation.language)
        return answering.take(conversation, one, reading, heard, now)
    does = {
        "change": answering.confirm_change,
        "again": paused.again_yes,
        "withdraw": sent.withdraw,
        "words": danger.press_use_words,
    }.get(waiting.about)
    if does is None:
        return None
    if yes:
        return does(conversation, heard, press, now)
    return answering.leave_as_it_was(conversation, heard, press, now)


def _pressed(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    pressed = buttons.read(heard.text)
    if pressed is None or pressed.verb not in PRESSES or pressed.step > conversation.step:
        return _line(conversation, "errors.chat.forged")
    if conversation.stage == "expired" and pressed.verb != "leave":
        return Turn(conversation, shows=True)
    return PRESSES[pressed.verb](conversation, heard, pressed, now)


def _sent_thing(conversation: Conversation, heard: Heard) -> Turn:
    own = heard.thing if heard.thing in ("contact", "location") else "any"
    return _line(conversation, f"scenes.sent_things.{own}")


def _shared_number(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    one = journey.open_question(conversation) if conversation.stage == "asking" else None
    if one is None or one.kind != "phone":
        return _line(conversation, "scenes.sent_things.contact")
    reading = kinds.read(one, heard.text, conversation.language)
    if not isinstance(reading, Read):
        return _line(conversation, "errors.phone.first", example=kinds.PHONE_EXAMPLE)
    return answering.take(conversation, one, reading, heard, now)


def _edited(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    """An edited message changes the answer that it gave, if it still reads as one."""
    given = [a for a in conversation.answers if heard.message and a.message == heard.message]
    on_path = [one.key for one in journey.path(conversation)]
    editable = conversation.stage in ("asking", "checking", "stopped")
    if not given or not editable or given[-1].question not in on_path:
        return _line(conversation, "scenes.asking.edited_not_an_answer")
    one = question(given[-1].question)
    reading = kinds.read(one, heard.text, conversation.language)
    if not isinstance(reading, Read):
        return _line(conversation, "scenes.asking.edited_not")
    now_open = journey.open_question(conversation)
    reopened = replace(moves.moved(conversation, "reopen"), looking_at=one.key)
    taken = answering.take(reopened, one, reading, heard, now)
    if taken.conversation.waiting:
        return taken
    kept = now_open.key if now_open and conversation.looking_at else ""
    line = Reply(say(conversation.language, "scenes.asking.edited"))
    return replace(
        taken,
        conversation=replace(taken.conversation, looking_at=kept),
        replies=(line, *taken.replies),
    )


def _away(conversation: Conversation, now: datetime) -> bool:
    """Somebody who was away a while is asked before anything is shown or taken."""
    busy = "leave" in stages.allowed(conversation.stage) and moves.has_draft(conversation)
    lock = timedelta(minutes=service().lock_minutes)
    return busy and conversation.stage != "paused" and _quiet(conversation, now) > lock


def _welcomed_back(conversation: Conversation, heard: Heard, name: str | None) -> Turn:
    """Show nothing that was said; words that may be an answer are kept until they carry on."""
    one = journey.open_question(conversation) if conversation.stage == "asking" else None
    away = moves.moved(conversation, "leave")
    if name is None and one:
        words = Waiting("words", one.key, heard.text, message=heard.message)
        away = replace(away, waiting=words)
    return Turn(away, shows=True)


def _quiet(conversation: Conversation, now: datetime) -> timedelta:
    return now - conversation.heard_at if conversation.heard_at else timedelta()


def _line(conversation: Conversation, key: str, **blanks: object) -> Turn:
    return Turn(conversation, (Reply(say(conversation.language, key, **blanks)),), shows=True)


def _shown(turn: Turn, heard: Heard, fresh_send: bool) -> Turn:
    """Add the scene where the conversation now stands, as often as one scene leads to the next."""
    while turn.shows:
        stands = _caught_up(turn.conversation)
        sent_just_now = stands.stage == "sent" and fresh_send
        show = sent.show_thanks if sent_just_now else SHOWS[stands.stage]
        new_below = replace(heard, message=None) if turn.replies else heard
        if turn.replies:
            stands = replace(stands, card=None)
        shown = show(stands, new_below)
        turn = replace(
            shown,
            replies=turn.replies + shown.replies,
            effects=turn.effects + shown.effects,
            toast=turn.toast,
        )
    return turn


def _caught_up(conversation: Conversation) -> Conversation:
    """Move on where the answers say so: it cannot go on here, or nothing is left to ask."""
    if conversation.stage == "checking" and journey.open_question(conversation):
        conversation = moves.moved(conversation, "reopen")
    if conversation.stage != "asking":
        return conversation
    reason = rules.stop_reason(rules.facts_of(conversation))
    if reason and not conversation.looking_at:
        return replace(moves.moved(conversation, "not_here"), stopped_for=reason)
    if journey.open_question(conversation) is None:
        ready = moves.moved(conversation, "nothing_left")
        return replace(ready, waiting=conversation.waiting)
    return conversation


def _with_keyboard_cleared(turn: Turn, before: Conversation) -> Turn:
    """A reply keyboard that is no longer wanted is taken away with a short line."""
    if not before.keyboard or (turn.conversation.keyboard and _asks_number(turn.conversation)):
        return turn
    saved = Reply(say(before.language, "scenes.asking.saved"), clears_keyboard=True)
    return replace(
        turn,
        conversation=replace(turn.conversation, keyboard=False),
        replies=(saved, *turn.replies),
    )


def _asks_number(conversation: Conversation) -> bool:
    one = journey.open_question(conversation) if conversation.stage == "asking" else None
    return one is not None and one.kind == "phone"
