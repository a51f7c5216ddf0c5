"""An officer's questions: one card, edited in place, with what is answered so far."""

from dataclasses import replace
from datetime import datetime

from flows import journey, paste
from flows.answering import answered, read_answer
from flows.buttons import last_row, said
from flows.conversation import (
    Button,
    ClearMessage,
    Conversation,
    Heard,
    Hearing,
    Reply,
    Rows,
    Turn,
)
from flows.kinds import Read
from flows.questionnaire import Question
from flows.service import service
from flows.wording import say


def show(conversation: Conversation, one: Question, rows: Rows, heard: Heard) -> Turn:
    """Return the card with the open question; what is answered stands on it only by editing."""
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


def lines(conversation: Conversation) -> list[str]:
    """Return each answer that counts as "title: answer", in the order asked."""
    return [
        f"{one.says(conversation.language, 'title')}: {answer.label}"
        for one in journey.path(conversation)
        if not one.silent and (answer := journey.counting(conversation).get(one.key))
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
    replies = []
    if len(pasted.readings) > 1 or pasted.unread:
        key = "scenes.card.took_unread" if pasted.unread else "scenes.card.took"
        replies.append(Reply(say(taken.language, key, n=pasted.unread)))
    effects = (ClearMessage(heard.message),) if heard.message else ()
    return Turn(taken, tuple(replies), effects, shows=True)


def _take_all(conversation: Conversation, readings: dict[str, Read], now: datetime) -> Conversation:
    for one in journey.on_paper("officer"):
        if one.key in readings:
            answer = read_answer(conversation, one, readings[one.key], now)
            conversation = answered(conversation, answer)
    return conversation


def _card(conversation: Conversation, below: str, rows: Rows, heard: Heard) -> Turn:
    card = heard.message if heard.how == Hearing.PRESSED else conversation.card
    head = say(conversation.language, "scenes.card.head")
    text = "\n".join((head, *lines(conversation)))
    reply = Reply(f"{head}\n\n{below}", rows)
    if card:
        reply = Reply(f"{text}\n\n{below}", rows, edits=card, private=True, instead=reply.text)
    return Turn(replace(conversation, card=card), (reply,))


def _template(conversation: Conversation) -> Button:
    template = said(conversation, "scenes.card.template", "template")
    return replace(
        template, does="copy", id=say(conversation.language, "scenes.card.template_text")
    )
