"""The first thing that is said, and the doors from there."""

from dataclasses import replace
from datetime import datetime

from flows import moves
from flows.buttons import Press, in_rows, said
from flows.conversation import Conversation, Heard, Officer, Reply, Turn
from flows.questions import journey, paste
from flows.scenes import explain, learning, officer_card
from flows.service import service
from flows.understanding import text_match
from flows.wording import say, words

ENOUGH, ENOUGH_FROM_ANYBODY = 2, 4
"""How many coded facts make a text a pasted referral."""

TYPED = ("self", "officer", "learn", "fit")
DOORS = ("self", "officer", "learn", "fit", "questions", "person")


def show(conversation: Conversation, heard: Heard) -> Turn:
    """Return the hello, an officer's own when they came by invitation, or the way to a draft."""
    if moves.has_draft(conversation):
        return Turn(moves.moved(conversation, "leave"), shows=True)
    language = conversation.language
    if conversation.introduced_by and not conversation.officer:
        return _introduced(conversation, conversation.introduced_by.officer)
    if conversation.officer and conversation.officer.verified:
        doors = [
            said(conversation, "scenes.welcome.buttons.refer", "go", "officer"),
            said(conversation, "scenes.welcome.buttons.questions", "questions"),
        ]
        return Turn(
            conversation, (Reply(say(language, "scenes.welcome.from_officer"), in_rows(doors)),)
        )
    doors = [said(conversation, f"scenes.welcome.buttons.{door}", "go", door) for door in DOORS]
    return Turn(conversation, (Reply(say(language, "scenes.welcome.hello"), in_rows(doors)),))


def _introduced(conversation: Conversation, officer: Officer) -> Turn:
    """Return the hello for somebody whom an officer told of us: it is their own choice."""
    name = ", ".join(filter(None, (officer.name, officer.agency)))
    text = say(conversation.language, "scenes.welcome.introduced", officer=name)
    doors = [
        said(conversation, "scenes.welcome.buttons.own_wish", "go", "self"),
        *(
            said(conversation, f"scenes.welcome.buttons.{door}", "go", door)
            for door in ("learn", "questions", "person")
        ),
    ]
    return Turn(conversation, (Reply(text, in_rows(doors)),))


def show_gone(conversation: Conversation, heard: Heard) -> Turn:
    """Return the news that old answers were deleted, and then the hello."""
    gone = Reply(say(conversation.language, "scenes.welcome.gone"))
    return Turn(moves.moved(conversation, "welcome"), (gone,), shows=True)


def hear(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    """Return a door by other words for it, a pasted referral's card, or an answer."""
    typed = {door: words(conversation.language, f"scenes.welcome.typed.{door}") for door in TYPED}
    door = text_match.exact(heard.text, typed)
    if door:
        return _through(conversation, heard, door, now)
    referral = _pasted_referral(conversation, heard, now)
    return referral or explain.answer_or_suggest(conversation, heard.text)


def _pasted_referral(conversation: Conversation, heard: Heard, now: datetime) -> Turn | None:
    """An officer may paste a whole referral before any question; it is taken as one."""
    pasted = paste.read(heard.text, conversation.language, service().adult_age)
    if len(pasted.readings) < (ENOUGH if conversation.officer else ENOUGH_FROM_ANYBODY):
        return None
    begun = moves.begun(conversation, "refer", "officer")
    return officer_card.hear(begun, journey.on_paper("officer")[0], heard, now)


def _through(conversation: Conversation, heard: Heard, door: str, now: datetime) -> Turn:
    match door:
        case "self":
            return Turn(moves.begun(conversation, "begin", "self"), shows=True)
        case "officer":
            return Turn(moves.begun(conversation, "refer", "officer"), shows=True)
        case "person":
            return explain.a_person(conversation, heard, now)
        case "questions":
            return explain.groups(conversation)
        case "fit":
            return learning.fit(_looking_around(conversation), "")
        case _:
            return learning.card(_looking_around(conversation), "")


def _looking_around(conversation: Conversation) -> Conversation:
    if conversation.stage == "learning":
        return conversation
    return replace(moves.moved(conversation, "learn"), step=conversation.step)


def go(conversation: Conversation, heard: Heard, pressed: Press, now: datetime) -> Turn:
    """Return what a door's button opens; a draft that is under way is shown, never dropped."""
    door = pressed.args[0] if pressed.args else ""
    fresh = conversation.stage in ("welcome", "learning", "expired", "sent", "withdrawn")
    busy = moves.has_draft(conversation) or not fresh
    if door not in DOORS or (busy and door not in ("person", "questions")):
        return Turn(conversation, shows=True)
    return _through(conversation, heard, door, now)


PRESSES = {"go": go}
