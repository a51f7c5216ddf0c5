"""The check before sending: see it, change it, send it. Nothing was sent until Send is pressed."""

from dataclasses import replace

from flows.conversation import (
    Button,
    ButtonKind,
    ButtonRows,
    ButtonStyle,
    Conversation,
    CountEvent,
    Effect,
    HandOver,
    Receipt,
    RememberOfficer,
    Reply,
    Turn,
)
from flows.interaction import moves
from flows.interaction.buttons import ButtonVerb, button, button_for, in_rows, navigation_row
from flows.interaction.moment import Moment, reply_and_show_again, show_again
from flows.questions import journey
from flows.questions.questionnaire import get_question
from flows.referral import handover
from flows.scenes import explain, officer_card
from flows.scenes.answering import option_answer, with_answer
from flows.stages import ANSWERABLE, DONE, Move, Stage
from flows.vocabulary import CounterEvent, FaqOutcome, Journey
from flows.wording import say


def show(moment: Moment) -> Turn:
    """Return the check: a neutral message; an officer sees the whole card."""
    conversation = moment.conversation
    if conversation.journey == Journey.OFFICER:
        rows = _button_rows(conversation)
        if moment.input.sender.can_open_page:
            rows = (*rows[:-1], *_private_page_rows(conversation), *rows[-1:])
        return officer_card.show_full_card(moment, rows)
    text = say(conversation.language, handover.send_consent_key(conversation))
    return Turn(conversation, (Reply(text, _button_rows(conversation)),))


def handle(moment: Moment) -> Turn:
    """Return an answer to typed words; they are not sent, and that is said."""
    conversation = moment.conversation
    if conversation.journey == Journey.OFFICER:
        pasted = officer_card.handle_paste(moment, get_question("agreed"))
        if pasted:
            return replace(pasted, conversation=_reopen(pasted.conversation))
    turn = explain.answer_or_suggest(moment)
    if CountEvent(CounterEvent.FAQ, FaqOutcome.MISSED) in turn.effects:
        return reply_and_show_again(moment, "scenes.checking.first_ask")
    return turn


def answer_lines(conversation: Conversation) -> list[str]:
    """Return each answer as it would be sent: "title: answer"."""
    found = handover.answers_to_send(conversation)
    language = conversation.language
    return [
        f"{get_question(key).text(language, 'title')}: {answer.label}"
        for key, answer in found.items()
        if not get_question(key).internal
    ]


def press_send(moment: Moment) -> Turn:
    """Return the turn after Send; pressed again, or from an old message, it sends nothing."""
    conversation = moment.conversation
    if conversation.stage in DONE:
        return reply_and_show_again(moment, "scenes.sent.nothing_to_send")
    if conversation.stage != Stage.CHECKING or not moment.is_current:
        return show_again(moment)
    return send(moment)


def send(moment: Moment) -> Turn:
    """Return the turn that hands the record over; the chat keeps a receipt and no answers.

    A question that was added while somebody stood at the check is asked first.
    """
    conversation = moment.conversation
    if journey.open_question(conversation):
        return show_again(moment)
    record = handover.build_record(conversation, moment.now)
    officer = handover.referring_officer(conversation)
    effects: list[Effect] = [HandOver(record)]
    if officer and not conversation.officer:
        effects.append(RememberOfficer(officer))
    own, earlier = conversation.journey, _earlier_references(conversation)
    receipt = Receipt(
        record.reference,
        moment.now,
        record.due,
        own,
        record.may_contact,
        earlier_references=earlier,
        has_details=handover.has_victim_details(record),
    )
    sent = replace(
        moves.apply_move(conversation, Move.SEND),
        answers=(),
        reference="",
        receipt=receipt,
        editing="",
        previous_journey=Journey.NONE,
        flags=(),
        consent="",
        consented_at=None,
        officer=officer or conversation.officer,
        card_message_id=None,
        answered_on_page=False,
        introduction=None,
    )
    return Turn(sent, (), tuple(effects), rerender=True)


def _earlier_references(conversation: Conversation) -> tuple[str, ...]:
    """Return what a person sent before from this chat; an officer's referrals stand alone."""
    before = conversation.receipt
    if before is None or before.withdrawn:
        return ()
    of_officer = Journey.OFFICER in (before.journey, conversation.journey)
    return () if of_officer else (before.reference, *before.earlier_references)


def press_show(moment: Moment) -> Turn:
    """Return the answers, by changing the message the button stands on; never as a new one."""
    conversation, message_id = moment.conversation, moment.input.message_id
    if conversation.stage != Stage.CHECKING or not message_id:
        return show_again(moment)
    ready = say(conversation.language, handover.send_consent_key(conversation))
    text = "\n".join([*answer_lines(conversation), "", ready])
    rows = _button_rows(conversation, answers_visible=True)
    reply = Reply(text, rows, edits_message_id=message_id, private=True, fallback_text=ready)
    return Turn(conversation, (reply,))


def press_hide(moment: Moment) -> Turn:
    """Return the neutral message in the place of the answers."""
    conversation, message_id = moment.conversation, moment.input.message_id
    if conversation.stage != Stage.CHECKING or not message_id:
        return show_again(moment)
    ready = say(conversation.language, handover.send_consent_key(conversation))
    reply = Reply(ready, _button_rows(conversation), edits_message_id=message_id)
    return Turn(conversation, (reply,))


def choose_answer_to_change(moment: Moment) -> Turn:
    """Return the list of answered questions, without the answers; or say there is none."""
    conversation, language = moment.conversation, moment.conversation.language
    found = journey.current_answers(conversation)
    rows = [
        button(conversation, one.text(language, "title").rstrip("*"), ButtonVerb.REOPEN, one.key)
        for one in journey.questions_in_chat(conversation)
        if one.key in found and not one.internal
    ]
    if not rows:
        return reply_and_show_again(moment, "commands.change.nothing")
    if conversation.stage not in ANSWERABLE:
        return show_again(moment)
    back = (button_for(conversation, "scenes.learning.to_question", ButtonVerb.RERENDER),)
    text = say(language, "scenes.checking.which")
    return Turn(conversation, (Reply(text, (*in_rows(rows, 2), back)),))


def press_details(moment: Moment) -> Turn:
    """Return the turn after "add details": the questions on offer open one by one."""
    conversation = moment.conversation
    on_paper = [one.key for one in journey.journey_questions(conversation.journey)]
    key = "details" if "details" in on_paper else "extra"
    if conversation.stage != Stage.CHECKING or key not in on_paper:
        return show_again(moment)
    yes = option_answer(conversation, get_question(key), "yes", moment.now)
    return Turn(with_answer(_reopen(conversation), yes), rerender=True)


def _reopen(conversation: Conversation) -> Conversation:
    return moves.apply_move(conversation, Move.REOPEN)


def _button_rows(conversation: Conversation, answers_visible: bool = False) -> ButtonRows:
    style = ButtonStyle.SEND
    send_it = button_for(conversation, "scenes.checking.send", ButtonVerb.SEND, style=style)
    rows: list[tuple[Button, ...]] = [(send_it,)]
    if conversation.journey != Journey.OFFICER:
        look = ButtonVerb.HIDE if answers_visible else ButtonVerb.SHOW
        rows.append((button_for(conversation, f"scenes.checking.{look}", look),))
    change = [button_for(conversation, "scenes.checking.change", ButtonVerb.CHANGE)]
    if _has_optional_questions(conversation):
        change.append(button_for(conversation, "scenes.checking.add_details", ButtonVerb.DETAILS))
    style = ButtonStyle.DANGER
    delete = button_for(conversation, "scenes.checking.delete", ButtonVerb.DELETE, style=style)
    return (*rows, tuple(change), (delete,), navigation_row(conversation))


def _private_page_rows(conversation: Conversation) -> ButtonRows:
    """Return an officer's two private pages: for the details, and for whoever is with them."""
    details = button_for(conversation, "scenes.checking.details_page", ButtonVerb.PRIVATE_PAGE)
    code = button_for(conversation, "scenes.checking.two_key", ButtonVerb.TWO_KEY_PAGE)
    first, second = ButtonKind.PRIVATE_PAGE, ButtonKind.TWO_KEY_PAGE
    return (replace(details, kind=first),), (replace(code, kind=second),)


def _has_optional_questions(conversation: Conversation) -> bool:
    found = journey.current_answers(conversation)
    if conversation.journey == Journey.OFFICER:
        return not journey.is_yes(found, "details")
    return conversation.journey == Journey.SELF and not journey.is_yes(found, "extra")


BUTTON_HANDLERS = {
    ButtonVerb.SEND: press_send,
    ButtonVerb.SHOW: press_show,
    ButtonVerb.HIDE: press_hide,
    ButtonVerb.CHANGE: choose_answer_to_change,
    ButtonVerb.DETAILS: press_details,
}
