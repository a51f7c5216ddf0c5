"""The first thing that is said, and the doors from there."""

from dataclasses import replace
from datetime import datetime

from flows import moves
from flows.buttons import ButtonPress, button_for, in_rows
from flows.conversation import Conversation, Input, Officer, Reply, Turn
from flows.questions import journey, paste
from flows.scenes import explain, learning, officer_card
from flows.scenes.revoked import revoked_notice
from flows.service import service
from flows.understanding import text_match
from flows.wording import say, words

PASTE_MIN_ANSWERS, PASTE_MIN_ANSWERS_WITHOUT_OFFICER = 2, 4
"""How many coded facts make a text a pasted referral."""

TYPED_CHOICES = ("self", "officer", "learn", "fit")
WELCOME_CHOICES = ("self", "officer", "learn", "fit", "questions", "person")


def show(conversation: Conversation, user_input: Input) -> Turn:
    """Return the hello, an officer's own when they came by invitation, or the way to a draft."""
    if moves.has_draft(conversation):
        return Turn(moves.apply_move(conversation, "leave"), rerender=True)
    if conversation.officer_revoked and not conversation.introduction:
        return Turn(conversation, (revoked_notice(conversation),))
    language = conversation.language
    if conversation.introduction and not conversation.officer:
        return _show_introduction(conversation, conversation.introduction.officer)
    if conversation.officer and conversation.officer.verified:
        doors = [
            button_for(conversation, "scenes.welcome.buttons.refer", "go", "officer"),
            button_for(conversation, "scenes.welcome.buttons.questions", "questions"),
        ]
        return Turn(
            conversation, (Reply(say(language, "scenes.welcome.from_officer"), in_rows(doors)),)
        )
    doors = [
        button_for(conversation, f"scenes.welcome.buttons.{door}", "go", door)
        for door in WELCOME_CHOICES
    ]
    return Turn(conversation, (Reply(say(language, "scenes.welcome.hello"), in_rows(doors)),))


def _show_introduction(conversation: Conversation, officer: Officer) -> Turn:
    """Return the hello for somebody whom an officer told of us: it is their own choice."""
    name = ", ".join(filter(None, (officer.name, officer.agency)))
    text = say(conversation.language, "scenes.welcome.introduced", officer=name)
    doors = [
        button_for(conversation, "scenes.welcome.buttons.own_wish", "go", "self"),
        *(
            button_for(conversation, f"scenes.welcome.buttons.{door}", "go", door)
            for door in ("learn", "questions", "person")
        ),
    ]
    return Turn(conversation, (Reply(text, in_rows(doors)),))


def show_expired(conversation: Conversation, user_input: Input) -> Turn:
    """Return the news that old answers were deleted, and then the hello."""
    gone = Reply(say(conversation.language, "scenes.welcome.gone"))
    return Turn(moves.apply_move(conversation, "welcome"), (gone,), rerender=True)


def handle(conversation: Conversation, user_input: Input, now: datetime) -> Turn:
    """Return a door by other words for it, a pasted referral's card, or an answer."""
    typed = {
        door: words(conversation.language, f"scenes.welcome.typed.{door}") for door in TYPED_CHOICES
    }
    door = text_match.exact_match(user_input.text, typed)
    if door:
        return _open_choice(conversation, user_input, door, now)
    referral = _pasted_referral(conversation, user_input, now)
    return referral or explain.answer_or_suggest(conversation, user_input.text)


def _pasted_referral(conversation: Conversation, user_input: Input, now: datetime) -> Turn | None:
    """An officer may paste a whole referral before any question; it is taken as one."""
    pasted = paste.parse_paste(user_input.text, conversation.language, service().adult_age)
    if len(pasted.answers) < (
        PASTE_MIN_ANSWERS if conversation.officer else PASTE_MIN_ANSWERS_WITHOUT_OFFICER
    ):
        return None
    begun = moves.start_draft(conversation, "refer", "officer")
    return officer_card.handle_paste(
        begun, journey.journey_questions("officer")[0], user_input, now
    )


def _open_choice(conversation: Conversation, user_input: Input, choice: str, now: datetime) -> Turn:
    match choice:
        case "self":
            return Turn(moves.start_draft(conversation, "begin", "self"), rerender=True)
        case "officer":
            return Turn(moves.start_draft(conversation, "refer", "officer"), rerender=True)
        case "person":
            return explain.show_contact_options(conversation, user_input, now)
        case "questions":
            return explain.show_topic_groups(conversation)
        case "fit":
            return learning.show_fit_check(_start_learning(conversation), "")
        case _:
            return learning.show_info_card(_start_learning(conversation), "")


def _start_learning(conversation: Conversation) -> Conversation:
    if conversation.stage == "learning":
        return conversation
    return replace(moves.apply_move(conversation, "learn"), prompt_id=conversation.prompt_id)


def press_welcome_choice(
    conversation: Conversation, user_input: Input, pressed: ButtonPress, now: datetime
) -> Turn:
    """Return what a door's button opens; a draft that is under way is shown, never dropped."""
    door = pressed.args[0] if pressed.args else ""
    fresh = conversation.stage in ("welcome", "learning", "expired", "sent", "withdrawn")
    busy = moves.has_draft(conversation) or not fresh
    if door not in WELCOME_CHOICES or (busy and door not in ("person", "questions")):
        return Turn(conversation, rerender=True)
    return _open_choice(conversation, user_input, door, now)


BUTTON_HANDLERS = {"go": press_welcome_choice}
