"""What one thing heard leads to: danger first, then words, presses, edits, numbers, the rest."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from flows import buttons, moves, stages, wording
from flows.buttons import Press
from flows.conversation import ClearMessage, Conversation, Heard, Hearing, Reply, Turn, Waiting
from flows.dialogue import commands, form_submission, handoff
from flows.questions import answer_types, journey
from flows.questions.answer_types import Read
from flows.questions.questionnaire import is_asked, question
from flows.scenes import (
    answering,
    asking,
    checking,
    danger,
    learning,
    notice,
    paused,
    sent,
    welcome,
)
from flows.scenes.registry import HEARS, SHOWS
from flows.service import service
from flows.understanding import crisis, faq, text_match
from flows.wording import say

HEARD_MAX = answer_types.TYPED_MAX
_BOTH = ("yes", "no")
_BESIDE_OPTIONS = ("profile:", "keep:", "use_words")
"""Buttons under a question that are no options of it."""

Pressed = Callable[[Conversation, Heard, Press, datetime], Turn]

PRESSES: Mapping[str, Pressed] = {
    **commands.PRESSES,
    **danger.PRESSES,
    **handoff.PRESSES,
    **welcome.PRESSES,
    **learning.PRESSES,
    **notice.PRESSES,
    **asking.PRESSES,
    **answering.PRESSES,
    **checking.PRESSES,
    **sent.PRESSES,
    **paused.PRESSES,
}


def warm_up() -> None:
    """Read what listening needs, so that the first person does not wait for it."""
    crisis.hear_danger("warm up")
    crisis.hear_pressure("warm up")
    for code in service().languages:
        faq.suggest(code, "warm up")


def hear(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    """Return what follows from one thing heard: danger first, then whatever it is."""
    if heard.how == Hearing.FILLED:
        return form_submission.take_page(conversation, heard, _away(conversation, now), now)
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
    if not answer_types.tidy(heard.text):
        return _line(conversation, "errors.chat.unread")
    if heard.officer or heard.introduced:
        busy = moves.has_draft(conversation)
        return Turn(conversation if busy else moves.begun(conversation, "welcome", ""), shows=True)
    name = commands.named(conversation, heard.text)
    if name == "leave":
        return commands.act(conversation, heard, name, now)
    if _away(conversation, now) and name in (None, "start", "status", "carry_on", "back"):
        return _welcomed_back(conversation, heard, name)
    if conversation.stage == "expired":
        return Turn(conversation, shows=True)
    waited = _waited_for(conversation, heard, now)
    if waited:
        return waited
    if name and not _is_an_answer(conversation, name):
        return commands.act(conversation, heard, name, now)
    button = _button_typed(conversation, heard)
    if button:
        return _pressed(conversation, replace(heard, text=button, message=None), now)
    return HEARS[conversation.stage](conversation, heard, now)


def _button_typed(conversation: Conversation, heard: Heard) -> str | None:
    """Return the id of the scene's button whose label or number was typed, if one was.

    The questions read their own options and numbers, with many more words for each. What sends
    or deletes wants its words: a number typed once too often must do neither.
    """
    if conversation.stage == "asking" and journey.open_question(conversation) is None:
        return None
    shown = SHOWS[conversation.stage](conversation, heard).replies[-1:]
    buttons = [b for reply in shown for row in reply.buttons for b in row if b.does == "press"]
    if conversation.stage == "asking":
        beside = [one for one in buttons if one.id.startswith(_BESIDE_OPTIONS)]
        return text_match.exact(heard.text, {one.id: [one.label] for one in beside})
    labels = {
        one.id: [one.label] if one.style else [one.label, str(n)]
        for n, one in enumerate(buttons, start=1)
    }
    return text_match.exact(heard.text, labels)


def _is_an_answer(conversation: Conversation, name: str) -> bool:
    """Some of the words are also answers: "carry on" agrees to the notice, "send" only sends."""
    return name == "carry_on" and conversation.stage == "notice"


def _waited_for(conversation: Conversation, heard: Heard, now: datetime) -> Turn | None:
    """A typed yes or no to what waits for one; the buttons beside it do the same."""
    waiting = conversation.waiting
    words = {word: wording.words(conversation.language, f"anytime.words.{word}") for word in _BOTH}
    word = text_match.exact(heard.text, words) if waiting else None
    if waiting is None or word is None or not waiting.just_asked:
        return None
    if waiting.about == "words" and conversation.stage != "asking":
        return None
    yes = word == "yes"
    press = Press("", (), conversation.step)
    if waiting.about == "guess" and is_asked(waiting.question) and conversation.stage == "asking":
        one = question(waiting.question)
        if not yes or journey.open_question(conversation) != one:
            return Turn(replace(conversation, waiting=None), shows=True)
        reading = answer_types.chosen(one, waiting.value, conversation.language)
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
    if pressed.verb == "show" and _away(conversation, now):
        return _welcomed_back(conversation, heard, pressed.verb)
    return PRESSES[pressed.verb](conversation, heard, pressed, now)


def _sent_thing(conversation: Conversation, heard: Heard) -> Turn:
    own = heard.thing if heard.thing in ("contact", "location") else "any"
    taken_out = (ClearMessage(heard.message),) if heard.message else ()
    return replace(_line(conversation, f"scenes.sent_things.{own}"), effects=taken_out)


def _shared_number(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    one = journey.open_question(conversation) if conversation.stage == "asking" else None
    if one is None or one.kind != "phone":
        return _line(conversation, "scenes.sent_things.contact")
    reading = answer_types.read(one, heard.text, conversation.language)
    if not isinstance(reading, Read):
        return _line(conversation, "errors.phone.first", example=answer_types.PHONE_EXAMPLE)
    return answering.take(conversation, one, reading, heard, now)


def _edited(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    """An edited message changes the answer that it gave, if it still reads as one."""
    given = [a for a in conversation.answers if heard.message and a.message == heard.message]
    on_path = [one.key for one in journey.path(conversation)]
    editable = conversation.stage in ("asking", "checking", "stopped")
    if not given or not editable or given[-1].question not in on_path:
        return _line(conversation, "scenes.asking.edited_not_an_answer")
    one = question(given[-1].question)
    reading = answer_types.read(one, heard.text, conversation.language)
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
    return busy and conversation.stage != "paused" and quiet_for(conversation, now) > lock


def _welcomed_back(conversation: Conversation, heard: Heard, name: str | None) -> Turn:
    """Show nothing that was said; words that may be an answer are kept until they carry on."""
    one = journey.open_question(conversation) if conversation.stage == "asking" else None
    away = moves.moved(conversation, "leave")
    if name is None and one:
        words = Waiting("words", one.key, heard.text, message=heard.message)
        away = replace(away, waiting=words)
    return Turn(away, shows=True)


def quiet_for(conversation: Conversation, now: datetime) -> timedelta:
    """Return how long nothing was heard from this person."""
    return now - conversation.heard_at if conversation.heard_at else timedelta()


def _line(conversation: Conversation, key: str, **blanks: object) -> Turn:
    return Turn(conversation, (Reply(say(conversation.language, key, **blanks)),), shows=True)
