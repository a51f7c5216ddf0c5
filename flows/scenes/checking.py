"""The check before sending: see it, change it, send it. Nothing was sent until Send is pressed."""

from dataclasses import replace
from datetime import datetime

from flows import funnel_events, moves
from flows.buttons import ButtonPress, button, button_for, in_rows, navigation_row
from flows.conversation import (
    Button,
    ButtonRows,
    Conversation,
    CountEvent,
    Effect,
    HandOver,
    Input,
    Receipt,
    RememberOfficer,
    Reply,
    Turn,
)
from flows.questions import journey
from flows.questions.questionnaire import get_question
from flows.referral.handover import (
    answers_to_send,
    build_record,
    referring_officer,
    send_consent_key,
)
from flows.scenes import explain, officer_card
from flows.scenes.answering import option_answer, with_answer
from flows.wording import say


def show(conversation: Conversation, user_input: Input) -> Turn:
    """Return the check: a neutral message; an officer sees the whole card."""
    if conversation.journey == "officer":
        rows = _button_rows(conversation)
        if user_input.can_open_page:
            rows = (*rows[:-1], *_private_page_rows(conversation), *rows[-1:])
        return officer_card.show_full_card(conversation, rows, user_input)
    text = say(conversation.language, send_consent_key(conversation))
    return Turn(conversation, (Reply(text, _button_rows(conversation)),))


def handle(conversation: Conversation, user_input: Input, now: datetime) -> Turn:
    """Return an answer to typed words; they are not sent, and that is said."""
    if conversation.journey == "officer":
        first = get_question("agreed")
        pasted = officer_card.handle_paste(conversation, first, user_input, now)
        if pasted:
            return replace(pasted, conversation=_reopen(pasted.conversation))
    reply = explain.answer_or_suggest(conversation, user_input.text)
    if any(isinstance(effect, CountEvent) and effect.key == "missed" for effect in reply.effects):
        first_ask = Reply(say(conversation.language, "scenes.checking.first_ask"))
        return Turn(conversation, (first_ask,), rerender=True)
    return reply


def answer_lines(conversation: Conversation) -> list[str]:
    """Return each answer as it would be sent: "title: answer"."""
    found = answers_to_send(conversation)
    language = conversation.language
    return [
        f"{get_question(key).text(language, 'title')}: {answer.label}"
        for key, answer in found.items()
        if not get_question(key).internal
    ]


def press_send(
    conversation: Conversation, user_input: Input, pressed: ButtonPress, now: datetime
) -> Turn:
    """Return the turn after Send; pressed again, or from an old message, it sends nothing."""
    if conversation.stage in ("sent", "withdrawn"):
        twice = Reply(say(conversation.language, "scenes.sent.nothing_to_send"))
        return Turn(conversation, (twice,), rerender=True)
    if conversation.stage != "checking" or pressed.prompt_id != conversation.prompt_id:
        return Turn(conversation, rerender=True)
    return send(conversation, now)


def send(conversation: Conversation, now: datetime) -> Turn:
    """Return the turn that hands the record over; the chat keeps a receipt and no answers.

    A question that was added while somebody stood at the check is asked first.
    """
    if journey.open_question(conversation):
        return Turn(conversation, rerender=True)
    record = build_record(conversation, now)
    officer = referring_officer(conversation)
    effects: list[Effect] = [
        HandOver(record),
        CountEvent("sent", funnel_events.counter_key(conversation)),
    ]
    if officer and not conversation.officer:
        effects.append(RememberOfficer(officer))
    receipt = Receipt(
        record.reference,
        now,
        record.due,
        conversation.journey,
        record.may_contact,
        earlier_references=_earlier_references(conversation),
    )
    sent = replace(
        moves.apply_move(conversation, "send"),
        answers=(),
        reference="",
        receipt=receipt,
        editing="",
        previous_journey="",
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
    if before is None or before.withdrawn or "officer" in (before.journey, conversation.journey):
        return ()
    return (before.reference, *before.earlier_references)


def press_show(
    conversation: Conversation, user_input: Input, pressed: ButtonPress, now: datetime
) -> Turn:
    """Return the answers, by changing the message the button stands on; never as a new one."""
    if conversation.stage != "checking" or not user_input.message_id:
        return Turn(conversation, rerender=True)
    ready = say(conversation.language, send_consent_key(conversation))
    text = "\n".join([*answer_lines(conversation), "", ready])
    rows = _button_rows(conversation, answers_visible=True)
    reply = Reply(
        text, rows, edits_message_id=user_input.message_id, private=True, fallback_text=ready
    )
    return Turn(conversation, (reply,))


def press_hide(
    conversation: Conversation, user_input: Input, pressed: ButtonPress, now: datetime
) -> Turn:
    """Return the neutral message in the place of the answers."""
    if conversation.stage != "checking" or not user_input.message_id:
        return Turn(conversation, rerender=True)
    ready = say(conversation.language, send_consent_key(conversation))
    return Turn(
        conversation,
        (Reply(ready, _button_rows(conversation), edits_message_id=user_input.message_id),),
    )


def press_change(
    conversation: Conversation, user_input: Input, pressed: ButtonPress, now: datetime
) -> Turn:
    """Return the list of what was asked, to pick one."""
    return choose_answer_to_change(conversation)


def choose_answer_to_change(conversation: Conversation) -> Turn:
    """Return the list of answered questions, without the answers; or say there is none."""
    language = conversation.language
    found = journey.current_answers(conversation)
    rows = [
        button(conversation, one.text(language, "title").rstrip("*"), "reopen", one.key)
        for one in journey.questions_in_chat(conversation)
        if one.key in found and not one.internal
    ]
    if rows and conversation.stage not in ("asking", "checking", "stopped"):
        return Turn(conversation, rerender=True)
    if not rows:
        return Turn(conversation, (Reply(say(language, "anytime.change.nothing")),), rerender=True)
    back = (button_for(conversation, "scenes.learning.to_question", "here"),)
    text = say(language, "scenes.checking.which")
    return Turn(conversation, (Reply(text, (*in_rows(rows, 2), back)),))


def press_details(
    conversation: Conversation, user_input: Input, pressed: ButtonPress, now: datetime
) -> Turn:
    """Return the turn after "add details": the questions on offer open one by one."""
    on_paper = [one.key for one in journey.journey_questions(conversation.journey)]
    key = "details" if "details" in on_paper else "extra"
    if conversation.stage != "checking" or key not in on_paper:
        return Turn(conversation, rerender=True)
    yes = option_answer(conversation, get_question(key), "yes", now)
    return Turn(with_answer(_reopen(conversation), yes), rerender=True)


def _reopen(conversation: Conversation) -> Conversation:
    return moves.apply_move(conversation, "reopen")


def _button_rows(conversation: Conversation, answers_visible: bool = False) -> ButtonRows:
    send_it = button_for(conversation, "scenes.checking.send", "send", style="send")
    rows: list[tuple[Button, ...]] = [(send_it,)]
    if conversation.journey != "officer":
        look = "hide" if answers_visible else "show"
        rows.append((button_for(conversation, f"scenes.checking.{look}", look),))
    change = [button_for(conversation, "scenes.checking.change", "change")]
    if _has_optional_questions(conversation):
        change.append(button_for(conversation, "scenes.checking.add_details", "details"))
    rows.append(tuple(change))
    rows.append((button_for(conversation, "scenes.checking.delete", "delete", style="danger"),))
    rows.append(navigation_row(conversation))
    return tuple(rows)


def _private_page_rows(conversation: Conversation) -> ButtonRows:
    """Return an officer's two private pages: for the details, and for whoever is with them."""
    details = button_for(conversation, "scenes.checking.details_page", "quiet")
    code = button_for(conversation, "scenes.checking.two_key", "two_key")
    return (replace(details, kind="quiet"),), (replace(code, kind="two_key"),)


def _has_optional_questions(conversation: Conversation) -> bool:
    found = journey.current_answers(conversation)
    if conversation.journey == "officer":
        return not journey.is_yes(found, "details")
    return conversation.journey == "self" and not journey.is_yes(found, "extra")


BUTTON_HANDLERS = {
    "send": press_send,
    "show": press_show,
    "hide": press_hide,
    "change": press_change,
    "details": press_details,
}
