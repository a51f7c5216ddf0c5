"""An officer's questions: one card, edited in place, with what is answered so far."""

from dataclasses import replace
from datetime import datetime

from flows.buttons import last_row, said
from flows.conversation import (
    Button,
    ClearMessage,
    Conversation,
    Given,
    Heard,
    Hearing,
    Reply,
    Rows,
    Turn,
    Waiting,
)
from flows.questions import journey, paste
from flows.questions.answer_types import Read
from flows.questions.questionnaire import Question
from flows.scenes.answering import answered, read_answer
from flows.service import service
from flows.wording import say

TOLD = "told"


def show(conversation: Conversation, one: Question, rows: Rows, heard: Heard) -> Turn:
    """Return the card with the open question; typed words stand on it only by editing."""
    language = conversation.language
    asked = one.asked(language)
    if one is journey.on_paper("officer")[0]:
        rows = (*rows, (_template(conversation),))
    return _card(conversation, asked, (*rows, last_row(conversation)), heard)


def show_check(conversation: Conversation, rows: Rows, heard: Heard) -> Turn:
    """Return the whole card, ready to be sent."""
    return _card(
        conversation, say(conversation.language, "scenes.checking.ready_card"), rows, heard
    )


def lines(conversation: Conversation, coded_only: bool = False) -> list[str]:
    """Return each answer that counts as "title: answer", in the order asked.

    With `coded_only`, only what was chosen from a list: a new message holds no typed words.
    """
    found = journey.counting(conversation)
    return [
        f"{one.says(conversation.language, 'title')}: {found[one.key].label}"
        for one in journey.in_chat(conversation)
        if one.key in found and not one.silent and (one.options or not coded_only)
    ]


def hear(conversation: Conversation, one: Question, heard: Heard, now: datetime) -> Turn | None:
    """Return the turn after a pasted message or a typed line; None when it holds neither.

    Every coded answer in it is taken, the rest is left out, and the message is deleted.
    """
    pasted = paste.read(heard.text, conversation.language, service().adult_age)
    enough = 1 if one.key == "line" and "line" in pasted.readings else 2
    if one.key.startswith(("officer_", "victim_contact")) or len(pasted.readings) < enough:
        return None
    taken = _take_all(conversation, pasted.readings, now)
    if len(pasted.readings) > 1 or pasted.unread:
        taken = replace(taken, waiting=Waiting(TOLD, value=str(pasted.unread)))
    effects = (ClearMessage(heard.message),) if heard.message else ()
    return Turn(taken, (), effects, shows=True)


def _take_all(conversation: Conversation, readings: dict[str, Read], now: datetime) -> Conversation:
    for one in journey.on_paper("officer"):
        if one.key in readings:
            answer = read_answer(conversation, one, readings[one.key], now)
            conversation = answered(conversation, answer)
    return conversation


def _card(conversation: Conversation, below: str, rows: Rows, heard: Heard) -> Turn:
    card = heard.message if heard.how == Hearing.PRESSED else conversation.card
    head = "\n\n".join([*_told(conversation), say(conversation.language, "scenes.card.head")])
    apart = _kept_apart(conversation)
    coded = "\n".join((head, *lines(conversation, coded_only=True), *apart))
    reply = Reply(f"{coded}\n\n{below}", rows)
    if card:
        whole = "\n".join((head, *lines(conversation), *apart))
        reply = Reply(f"{whole}\n\n{below}", rows, card, private=True, instead=reply.text)
    return Turn(replace(conversation, card=card), (reply,))


def _kept_apart(conversation: Conversation) -> list[str]:
    """Return one line for what was given on a private page and never shows in the chat."""
    found = journey.counting(conversation)
    shown = journey.in_chat(conversation)
    hidden = [one for one in journey.path(conversation) if one not in shown and one.key in found]
    given = any(found[one.key].given == Given.SAID for one in hidden)
    return [say(conversation.language, "scenes.card.apart")] if given else []


def _told(conversation: Conversation) -> list[str]:
    """Return what became of a pasted message: said once, on top of the card."""
    waiting = conversation.waiting
    if waiting is None or waiting.about != TOLD:
        return []
    key = "scenes.card.took" if waiting.value == "0" else "scenes.card.took_unread"
    return [say(conversation.language, key, n=waiting.value)]


def _template(conversation: Conversation) -> Button:
    template = said(conversation, "scenes.card.template", "template")
    return replace(
        template, does="copy", id=say(conversation.language, "scenes.card.template_text")
    )
