"""The welcome: the first message, and the choices from there."""

from dataclasses import replace
from enum import StrEnum

from flows.conversation import Conversation, Reply, Turn
from flows.interaction import moves
from flows.interaction.buttons import ButtonVerb, button_for, in_rows
from flows.interaction.moment import Moment, show_again
from flows.officers import Officer
from flows.questions import journey, paste
from flows.scenes import explain, learning, officer_card
from flows.scenes.revoked import revoked_notice
from flows.service import service
from flows.stages import DONE, FRESH, Move, Stage
from flows.understanding import text_match
from flows.vocabulary import Journey
from flows.wording import say, words

PASTE_MIN_ANSWERS, PASTE_MIN_ANSWERS_WITHOUT_OFFICER = 2, 4
"""How many coded facts make a text a pasted referral.

A person harmed may well mention two ("he is a man, it was violence"); only an officer writes four.
"""


class WelcomeChoice(StrEnum):
    """The choices of the welcome."""

    SELF = "self"
    OFFICER = "officer"
    LEARN = "learn"
    FIT = "fit"
    QUESTIONS = "questions"
    PERSON = "person"


# Questions and a person can be asked for by typing everywhere, so the commands know their words.
_TYPED_CHOICES = (WelcomeChoice.SELF, WelcomeChoice.OFFICER, WelcomeChoice.LEARN, WelcomeChoice.FIT)
_CHOICES_WITH_DRAFT = (WelcomeChoice.QUESTIONS, WelcomeChoice.PERSON)
"""Only these explain something; the others would begin anew."""


def show(moment: Moment) -> Turn:
    """Return the welcome, that of officers after an invitation, or the choices about a draft."""
    conversation = moment.conversation
    if moves.has_draft(conversation):
        return Turn(moves.apply_move(conversation, Move.LEAVE), rerender=True)
    if conversation.officer_revoked and not conversation.introduction:
        return Turn(conversation, (revoked_notice(conversation),))
    language, go = conversation.language, ButtonVerb.WELCOME_CHOICE
    if conversation.introduction and not conversation.officer:
        return _show_introduction(conversation, conversation.introduction.officer)
    if conversation.officer and conversation.officer.verified:
        choices = [
            button_for(conversation, "scenes.welcome.buttons.refer", go, WelcomeChoice.OFFICER),
            button_for(conversation, "scenes.welcome.buttons.questions", ButtonVerb.QUESTIONS),
        ]
        text = say(language, "scenes.welcome.from_officer")
        return Turn(conversation, (Reply(text, in_rows(choices)),))
    choices = [
        button_for(conversation, f"scenes.welcome.buttons.{choice}", go, choice)
        for choice in WelcomeChoice
    ]
    return Turn(conversation, (Reply(say(language, "scenes.welcome.hello"), in_rows(choices)),))


def _show_introduction(conversation: Conversation, officer: Officer) -> Turn:
    """Return the welcome of a person introduced by an officer: it is their own choice."""
    name = ", ".join(filter(None, (officer.name, officer.agency)))
    text = say(conversation.language, "scenes.welcome.introduced", officer=name)
    go = ButtonVerb.WELCOME_CHOICE
    choices = [
        button_for(conversation, "scenes.welcome.buttons.own_wish", go, WelcomeChoice.SELF),
        *(
            button_for(conversation, f"scenes.welcome.buttons.{choice}", go, choice)
            for choice in (WelcomeChoice.LEARN, WelcomeChoice.QUESTIONS, WelcomeChoice.PERSON)
        ),
    ]
    return Turn(conversation, (Reply(text, in_rows(choices)),))


def handle(moment: Moment) -> Turn:
    """Return a choice by other words for it, a pasted referral's card, or an answer."""
    typed = {
        choice.value: words(moment.conversation.language, f"scenes.welcome.typed.{choice}")
        for choice in _TYPED_CHOICES
    }
    chosen = text_match.exact_match(moment.text, typed)
    if chosen:
        return _open_choice(moment, WelcomeChoice(chosen))
    return _pasted_referral(moment) or explain.answer_or_suggest(moment)


def _pasted_referral(moment: Moment) -> Turn | None:
    """An officer may paste a whole referral before any question; it is taken as one."""
    conversation = moment.conversation
    pasted = paste.parse_paste(moment.text, conversation.language, service().adult_age)
    enough = PASTE_MIN_ANSWERS if conversation.officer else PASTE_MIN_ANSWERS_WITHOUT_OFFICER
    if len(pasted.answers) < enough:
        return None
    begun = moves.start_draft(conversation, Move.REFER, Journey.OFFICER)
    first = journey.journey_questions(Journey.OFFICER)[0]
    return officer_card.handle_paste(moment.at(begun), first)


def _open_choice(moment: Moment, choice: WelcomeChoice) -> Turn:
    conversation = moment.conversation
    match choice:
        case WelcomeChoice.SELF:
            return Turn(moves.start_draft(conversation, Move.BEGIN, Journey.SELF), rerender=True)
        case WelcomeChoice.OFFICER:
            return Turn(moves.start_draft(conversation, Move.REFER, Journey.OFFICER), rerender=True)
        case WelcomeChoice.PERSON:
            return explain.show_contact_options(moment)
        case WelcomeChoice.QUESTIONS:
            return explain.show_topic_groups(moment)
        case WelcomeChoice.FIT:
            return learning.show_fit_check(_start_learning(conversation), "")
        case WelcomeChoice.LEARN:
            return learning.show_info_card(_start_learning(conversation), "")


def _start_learning(conversation: Conversation) -> Conversation:
    if conversation.stage == Stage.LEARNING:
        return conversation
    # Reading is no step of its own: the buttons of the hello above stay current.
    return replace(moves.apply_move(conversation, Move.LEARN), prompt_id=conversation.prompt_id)


def press_welcome_choice(moment: Moment) -> Turn:
    """Return what a choice's button opens; a draft that is under way is shown, never dropped."""
    conversation, chosen = moment.conversation, moment.first_arg
    if chosen not in tuple(WelcomeChoice):
        return show_again(moment)
    choice = WelcomeChoice(chosen)
    busy = moves.has_draft(conversation) or conversation.stage not in (*FRESH, *DONE)
    if busy and choice not in _CHOICES_WITH_DRAFT:
        return show_again(moment)
    return _open_choice(moment, choice)


BUTTON_HANDLERS = {ButtonVerb.WELCOME_CHOICE: press_welcome_choice}
