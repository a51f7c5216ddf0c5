"""The questions: one at a time, each with why it is asked, and ways back, round and out."""

from dataclasses import replace
from datetime import datetime

from flows import moves
from flows.buttons import Press, button, in_rows, last_row, said
from flows.conversation import (
    ClearMessage,
    Conversation,
    Given,
    Heard,
    Reply,
    Rows,
    Turn,
    Waiting,
)
from flows.questions import answer_types, journey
from flows.questions.answer_types import Read, Slip, Unread
from flows.questions.questionnaire import Question, is_asked, question
from flows.scenes import explain, officer_card
from flows.scenes.answering import take
from flows.understanding import faq, text_match
from flows.wording import has, say, words

_FREE = ("name", "words", "note")
"""Kinds that would take any words for an answer; a clear question is heard as a question."""


def show(conversation: Conversation, heard: Heard) -> Turn:
    """Return the open question, on the officer's card or as a message of its own."""
    one = journey.open_question(conversation)
    if one is None:
        raise LookupError("there is no open question to show")
    if conversation.journey == "officer":
        rows = (*_page_row(conversation, one, heard), *answer_rows(conversation, one, heard))
        return officer_card.show(conversation, one, rows, heard)
    text = one.asked(conversation.language)
    if journey.old_answer(conversation, one):
        text = f"{text}\n\n{say(conversation.language, 'scenes.asking.keep_hint')}"
    rows = (*answer_rows(conversation, one, heard), last_row(conversation))
    shares = any(b.does == "share_number" for row in rows for b in row)
    page = _page_row(conversation, one, heard)
    asking = replace(conversation, keyboard=shares)
    if shares and page:
        beside = Reply(say(conversation.language, "scenes.asking.or_on_a_page"), page)
        return Turn(asking, (beside, Reply(text, rows)))
    return Turn(asking, (Reply(text, (*page, *rows)),))


def answer_rows(conversation: Conversation, one: Question, heard: Heard) -> Rows:
    """Return the buttons that answer a question."""
    language = conversation.language
    options = [
        button(conversation, one.option(language, option), "answer", one.key, option)
        for option in one.options
    ]
    also = tuple(
        said(conversation, f"scenes.asking.{given}", "special", one.key, given)
        for given in one.also
    )
    rows = [*in_rows(options, one.across), *_shortcuts(conversation, one, heard), also]
    if journey.old_answer(conversation, one):
        rows.append((said(conversation, "scenes.asking.keep", "keep", one.key),))
    waiting = conversation.waiting
    if waiting and waiting.about == "words" and waiting.question == one.key:
        rows.append((said(conversation, "scenes.asking.use_typed", "use_words"),))
    return tuple(row for row in rows if row)


def _page_row(conversation: Conversation, one: Question, heard: Heard) -> Rows:
    """Return the way to a private page, for what is typed; a reply keyboard cannot hold it."""
    if one.options or not heard.can_open_page:
        return ()
    page = said(conversation, "scenes.asking.on_a_page", "quiet")
    return ((replace(page, does="quiet"),),)


def _shortcuts(conversation: Conversation, one: Question, heard: Heard) -> Rows:
    if one.key == "name" and heard.profile_name:
        return ((said(conversation, "questions.name.use_profile", "profile", "name"),),)
    if one.key == "number" and heard.can_share_number:
        share = said(conversation, "questions.number.share", "share")
        return ((replace(share, does="share_number"),),)
    return ()


def hear(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    """Return what typed words do: they answer, are a slip to confirm, or are a question."""
    one = journey.open_question(conversation)
    if one is None:
        return Turn(conversation, shows=True)
    if conversation.journey == "officer":
        pasted = officer_card.hear(conversation, one, heard, now)
        if pasted:
            return pasted
    if journey.old_answer(conversation, one) and _keeps(conversation, heard.text):
        kept = Press("keep", (one.key,), conversation.step)
        return press_keep(conversation, heard, kept, now)
    if one.kind in _FREE and _is_a_question(conversation, one, heard.text):
        return explain.answer_or_suggest(conversation, heard.text)
    reading = answer_types.read(one, heard.text, conversation.language)
    match reading:
        case Read():
            return _with_typed_cleared(take(conversation, one, reading, heard, now), one, heard)
        case Slip():
            return _confirm_slip(conversation, one, reading)
        case Unread():
            return _unread(conversation, one, reading, heard)


def _with_typed_cleared(turn: Turn, one: Question, heard: Heard) -> Turn:
    """What an officer typed stands on the card, so their message is taken out of the chat."""
    if one.options or "officer" not in one.journeys or not heard.message:
        return turn
    return replace(turn, effects=(*turn.effects, ClearMessage(heard.message)))


def _keeps(conversation: Conversation, text: str) -> bool:
    said = words(conversation.language, "anytime.words.keep")
    return text_match.exact(text, {"keep": said}) is not None


def _is_a_question(conversation: Conversation, one: Question, text: str) -> bool:
    asks = text.rstrip().endswith("?")
    if one.kind == "note" and not asks:
        return False
    long_enough = len(text.split()) >= 3
    found = faq.suggest(conversation.language, text) if asks or long_enough else None
    return bool(found and (found.answer or (asks and found.suggestions and one.kind != "note")))


def _confirm_slip(conversation: Conversation, one: Question, slip: Slip) -> Turn:
    asked = replace(conversation, waiting=Waiting("guess", one.key, slip.option))
    language = conversation.language
    rows = [
        button(asked, one.option(language, slip.option), "answer", one.key, slip.option),
        said(asked, "scenes.asking.guess_no", "here"),
    ]
    return Turn(asked, (Reply(say(language, "scenes.asking.guess"), in_rows(rows)),))


def _unread(conversation: Conversation, one: Question, unread: Unread, heard: Heard) -> Turn:
    if one.kind not in ("phone", "email", "contact", "line") or heard.text.rstrip().endswith("?"):
        found = faq.suggest(conversation.language, heard.text)
        if found.answer or found.suggestions:
            return explain.answer_or_suggest(conversation, heard.text)
    again = replace(conversation, misread=conversation.misread + 1)
    text = say(conversation.language, _error_key(again, unread), **dict(unread.blanks))
    person = (said(again, "scenes.welcome.buttons.person", "person"),)
    rows = (*answer_rows(again, one, heard), *((person,) if again.misread > 1 else ()))
    return Turn(again, (Reply(text, (*rows, last_row(again))),))


def _error_key(conversation: Conversation, unread: Unread) -> str:
    if "." in unread.why:
        return f"errors.{unread.why}"
    again = conversation.misread > 1 and has(conversation.language, f"errors.{unread.why}.again")
    return f"errors.{unread.why}.{'again' if again else 'first'}"


# --- buttons


def press_answer(conversation: Conversation, heard: Heard, pressed: Press, now: datetime) -> Turn:
    """Return what an option's button does, whenever it is pressed."""
    key, option = _two(pressed)
    if not is_asked(key) or option not in question(key).options:
        return _forged(conversation)
    reading = answer_types.chosen(question(key), option, conversation.language)
    return _press(conversation, heard, pressed, question(key), reading, now)


def press_special(conversation: Conversation, heard: Heard, pressed: Press, now: datetime) -> Turn:
    """Return what Not sure, Rather not say or Skip does, whenever it is pressed."""
    key, given = _two(pressed)
    if not is_asked(key) or given not in [one.value for one in Given if one != Given.SAID]:
        return _forged(conversation)
    reading = answer_types.special(Given(given), conversation.language)
    return _press(conversation, heard, pressed, question(key), reading, now)


def press_keep(conversation: Conversation, heard: Heard, pressed: Press, now: datetime) -> Turn:
    """Return the turn after an earlier answer is kept: it is said again, as of now."""
    key, _ = _two(pressed)
    old = journey.old_answer(conversation, question(key)) if is_asked(key) else None
    if old is None or pressed.step < conversation.began:
        return _forged(conversation)
    reading = Read(old.value, old.label, old.given)
    return _press(conversation, heard, pressed, question(key), reading, now)


def press_profile(conversation: Conversation, heard: Heard, pressed: Press, now: datetime) -> Turn:
    """Return the turn after "use the name on my account"."""
    one = question("name")
    reading = answer_types.read(one, heard.profile_name, conversation.language)
    if not isinstance(reading, Read) or reading.given != Given.SAID:
        text = say(conversation.language, "errors.name.first")
        return Turn(conversation, (Reply(text),), shows=True)
    return _press(conversation, heard, pressed, one, reading, now)


def press_reopen(conversation: Conversation, heard: Heard, pressed: Press, now: datetime) -> Turn:
    """Return the turn after an old question's "change that answer"."""
    key, _ = _two(pressed)
    in_chat = [one.key for one in journey.in_chat(conversation)]
    if conversation.stage not in ("asking", "checking", "stopped") or key not in in_chat:
        return Turn(conversation, shows=True)
    return Turn(replace(moves.moved(conversation, "reopen"), looking_at=key), shows=True)


def _press(
    conversation: Conversation,
    heard: Heard,
    pressed: Press,
    one: Question,
    reading: Read,
    now: datetime,
) -> Turn:
    if pressed.step < conversation.began or conversation.stage in ("welcome", "learning", "notice"):
        return _old_draft(conversation)
    if conversation.stage == "paused" and moves.has_draft(conversation):
        conversation = moves.moved(conversation, "carry_on")
    if conversation.stage == "asking" and journey.open_question(conversation) == one:
        return take(conversation, one, reading, heard, now)
    found = journey.counting(conversation).get(one.key)
    if found and (found.value, found.given) == (reading.value, reading.given):
        return Turn(conversation, toast=say(conversation.language, "scenes.asking.already"))
    return _offer_change(conversation, one)


def _offer_change(conversation: Conversation, one: Question) -> Turn:
    if conversation.stage not in ("asking", "checking", "stopped"):
        return _old_draft(conversation)
    if one not in journey.in_chat(conversation):
        return _old_draft(conversation)
    language = conversation.language
    rows = [
        said(conversation, "scenes.asking.change_that", "reopen", one.key),
        said(conversation, "scenes.learning.to_question", "here"),
    ]
    text = say(language, "scenes.asking.old_button", title=one.says(language, "title").rstrip("*?"))
    return Turn(conversation, (Reply(text, in_rows(rows)),))


def _old_draft(conversation: Conversation) -> Turn:
    text = say(conversation.language, "scenes.asking.old_draft")
    return Turn(conversation, (Reply(text),), shows=True)


def _forged(conversation: Conversation) -> Turn:
    return Turn(
        conversation, (Reply(say(conversation.language, "errors.chat.forged")),), shows=True
    )


def _two(pressed: Press) -> tuple[str, str]:
    first, second, *_ = (*pressed.args, "", "")
    return first, second


PRESSES = {
    "answer": press_answer,
    "special": press_special,
    "keep": press_keep,
    "profile": press_profile,
    "reopen": press_reopen,
}
