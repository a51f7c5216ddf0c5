"""Danger first: before anything else, in every state, on every text. It signposts, never blocks."""

from dataclasses import replace
from datetime import datetime, timedelta

from flows.conversation import (
    ButtonStyle,
    Conversation,
    CountEvent,
    DangerSignpost,
    Effect,
    RaiseFlag,
    Reply,
    Turn,
)
from flows.inputs import TypedText
from flows.interaction.buttons import ButtonVerb, button_for, in_rows
from flows.interaction.moment import Moment, reply_and_show_again, show_again
from flows.pending import ConfirmUnconfirmedText
from flows.questions import answer_types, journey
from flows.questions.answer_types import Parsed
from flows.scenes.answering import record_answer
from flows.service import service
from flows.stages import DONE, Stage
from flows.understanding.crisis import Danger, detect_danger, detect_pressure
from flows.vocabulary import CounterEvent, Flag
from flows.wording import has, say

_FLAG_BY_DANGER = {
    Danger.IMMEDIATE_DANGER: Flag.IMMEDIATE_DANGER,
    Danger.SUICIDAL: Flag.SUICIDAL,
    Danger.CHILD_AT_RISK: Flag.CHILD_AT_RISK,
    Danger.DOMESTIC_ABUSE_NOW: Flag.DOMESTIC_ABUSE_NOW,
}


def danger_flag(danger: Danger) -> Flag:
    """Return the flag that staff see for a kind of danger."""
    return _FLAG_BY_DANGER[danger]


def recent_dangers(conversation: Conversation, now: datetime) -> tuple[Danger, ...]:
    """Return the kinds of danger whose numbers were given within `danger_quiet_minutes`.

    A page that comes after what was typed shows them too.
    """
    return tuple(kind for kind in Danger if _was_given_recently(conversation, kind, now))


def respond_to_danger(moment: Moment) -> Turn | None:
    """Return the calm message with the right numbers, or None where no danger is heard.

    The same kind is answered in full at most once in `danger_quiet_minutes`, while the numbers are
    in sight; in between, words that may be an answer are offered as one. The place is kept and
    nothing is taken as an answer.
    """
    if not moment.text:
        return None
    danger = detect_danger(moment.text)
    if danger is None:
        return _respond_to_pressure(moment.conversation, moment.text)
    if _was_given_recently(moment.conversation, danger, moment.now):
        return _offer_as_answer(moment)
    return _give_helplines(moment.conversation, danger, moment.now)


def respond_to_danger_on_page(
    conversation: Conversation, typed: tuple[str, ...], now: datetime
) -> Turn:
    """Return what follows from danger and pressure in the words on a page: numbers and flags.

    The words are still the answers that they stood for: a page was filled in on purpose.
    """
    turn = Turn(conversation)
    for words in typed:
        danger = detect_danger(words)
        here = turn.conversation
        if danger and not _was_given_recently(here, danger, now):
            turn = _give_helplines(here, danger, now).after(turn)
        elif danger is None:
            turn = (_respond_to_pressure(here, words) or Turn(here)).after(turn)
    return turn


def _give_helplines(conversation: Conversation, danger: Danger, now: datetime) -> Turn:
    flag = danger_flag(danger)
    others = [one for one in conversation.danger_signposts if one.kind != danger]
    told = replace(
        conversation,
        danger_signposts=(*others, DangerSignpost(danger, now)),
        pending=None,
        flags=tuple(dict.fromkeys((*conversation.flags, flag))),
    )
    return Turn(told, _helpline_replies(told, danger), _danger_effects(told, flag))


def press_use_as_answer(moment: Moment) -> Turn:
    """Return the turn after "that was my answer": the words that waited are parsed as one."""
    conversation, pending = moment.conversation, moment.conversation.pending
    is_asking = conversation.stage == Stage.ASKING
    question = journey.open_question(conversation) if is_asking else None
    if not isinstance(pending, ConfirmUnconfirmedText) or question is None:
        return show_again(moment)
    # Only for the question they were typed under: another one may be open by now.
    if pending.question != question.key:
        return show_again(moment)
    parsed = answer_types.parse_answer(question, pending.text, conversation.language)
    if not isinstance(parsed, Parsed):
        return Turn(replace(conversation, pending=None), rerender=True)
    return record_answer(moment.on_message(pending.message_id), question, parsed)


def _was_given_recently(conversation: Conversation, danger: Danger, now: datetime) -> bool:
    # A page that was left alone hides its messages, and with them the numbers.
    minutes = min(service().danger_quiet_minutes, service().lock_minutes)
    since = now - timedelta(minutes=minutes)
    given = conversation.danger_signposts
    return any(one.kind == danger and one.given_at > since for one in given)


def _helpline_replies(conversation: Conversation, danger: Danger) -> tuple[Reply, ...]:
    language = conversation.language
    texts = [say(language, f"crisis.{danger}.text")]
    if has(language, f"crisis.{danger}.more"):
        texts.append(say(language, f"crisis.{danger}.more"))
    style = ButtonStyle.DANGER
    rows = [
        button_for(conversation, "crisis.buttons.leave", ButtonVerb.LEAVE, style=style),
        button_for(conversation, "crisis.buttons.carry_on", ButtonVerb.RERENDER),
    ]
    return (*(Reply(text) for text in texts[:-1]), Reply(texts[-1], in_rows(rows)))


def _danger_effects(conversation: Conversation, flag: Flag) -> tuple[Effect, ...]:
    counted = CountEvent(CounterEvent.DANGER, flag)
    if conversation.receipt and conversation.stage in DONE:
        return (counted, RaiseFlag(conversation.receipt.reference, flag))
    return (counted,)


def _offer_as_answer(moment: Moment) -> Turn:
    conversation = moment.conversation
    is_asking = conversation.stage == Stage.ASKING
    question = journey.open_question(conversation) if is_asking else None
    if question is None or not isinstance(moment.input, TypedText):
        return reply_and_show_again(moment, "scenes.asking.numbers_above")
    kept = ConfirmUnconfirmedText(question.key, moment.text, moment.input.message_id)
    asked = replace(conversation, pending=kept)
    rows = [
        button_for(asked, "scenes.asking.use_words", ButtonVerb.USE_TEXT),
        button_for(asked, "scenes.learning.to_question", ButtonVerb.RERENDER),
        button_for(asked, "scenes.asking.last_row_leave", ButtonVerb.LEAVE),
    ]
    text = say(conversation.language, "scenes.asking.still_there")
    return Turn(asked, (Reply(text, in_rows(rows)),))


def _respond_to_pressure(conversation: Conversation, text: str) -> Turn | None:
    # Once is enough: staff have the flag from then on.
    if Flag.PRESSURE in conversation.flags or not detect_pressure(text):
        return None
    flagged = replace(conversation, flags=(*conversation.flags, Flag.PRESSURE))
    reply = Reply(say(conversation.language, "crisis.pressure.text"))
    receipt = conversation.receipt
    if receipt and conversation.stage in DONE:
        raised = RaiseFlag(receipt.reference, Flag.PRESSURE)
        return Turn(flagged, (reply,), (raised,), rerender=True)
    return Turn(flagged, (reply,), rerender=True)


BUTTON_HANDLERS = {ButtonVerb.USE_TEXT: press_use_as_answer}
