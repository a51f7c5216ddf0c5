"""The check before sending: see it, change it, send it. Nothing was sent until Send is pressed."""

from dataclasses import replace
from datetime import datetime

from flows import funnel_events, moves
from flows.buttons import Press, button, in_rows, last_row, said
from flows.conversation import (
    Button,
    Conversation,
    Count,
    Effect,
    HandOver,
    Heard,
    Receipt,
    RememberOfficer,
    Reply,
    Rows,
    Turn,
)
from flows.questions import journey
from flows.questions.questionnaire import question
from flows.referral.handover import gathered, officer_of, ready_key, record_of
from flows.scenes import explain, officer_card
from flows.scenes.answering import answered, chosen_answer
from flows.wording import say


def show(conversation: Conversation, heard: Heard) -> Turn:
    """Return the check: a neutral message; an officer sees the whole card."""
    if conversation.journey == "officer":
        rows = _rows(conversation)
        if heard.can_open_page:
            rows = (*rows[:-1], *_pages(conversation), *rows[-1:])
        return officer_card.show_check(conversation, rows, heard)
    text = say(conversation.language, ready_key(conversation))
    return Turn(conversation, (Reply(text, _rows(conversation)),))


def hear(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    """Return an answer to typed words; they are not sent, and that is said."""
    if conversation.journey == "officer":
        first = question("agreed")
        pasted = officer_card.hear(conversation, first, heard, now)
        if pasted:
            return replace(pasted, conversation=_reopened(pasted.conversation))
    reply = explain.answer_or_suggest(conversation, heard.text)
    if any(isinstance(effect, Count) and effect.key == "missed" for effect in reply.effects):
        first_ask = Reply(say(conversation.language, "scenes.checking.first_ask"))
        return Turn(conversation, (first_ask,), shows=True)
    return reply


def answer_lines(conversation: Conversation) -> list[str]:
    """Return each answer as it would be sent: "title: answer"."""
    found = gathered(conversation)
    language = conversation.language
    return [
        f"{question(key).says(language, 'title')}: {answer.label}"
        for key, answer in found.items()
        if not question(key).silent
    ]


def press_send(conversation: Conversation, heard: Heard, pressed: Press, now: datetime) -> Turn:
    """Return the turn after Send; pressed again, or from an old message, it sends nothing."""
    if conversation.stage in ("sent", "withdrawn"):
        twice = Reply(say(conversation.language, "scenes.sent.nothing_to_send"))
        return Turn(conversation, (twice,), shows=True)
    if conversation.stage != "checking" or pressed.step != conversation.step:
        return Turn(conversation, shows=True)
    return send(conversation, now)


def send(conversation: Conversation, now: datetime) -> Turn:
    """Return the turn that hands the record over; the chat keeps a receipt and no answers.

    A question that was added while somebody stood at the check is asked first.
    """
    if journey.open_question(conversation):
        return Turn(conversation, shows=True)
    record = record_of(conversation, now)
    officer = officer_of(conversation)
    effects: list[Effect] = [HandOver(record), Count("sent", funnel_events.key(conversation))]
    if officer and not conversation.officer:
        effects.append(RememberOfficer(officer))
    receipt = Receipt(
        record.reference,
        now,
        record.due,
        conversation.journey,
        record.may_contact,
        earlier=_earlier(conversation),
    )
    sent = replace(
        moves.moved(conversation, "send"),
        answers=(),
        reference="",
        receipt=receipt,
        looking_at="",
        came_from="",
        flags=(),
        consent="",
        consented_at=None,
        officer=officer or conversation.officer,
        card=None,
        by_page=False,
        introduced_by=None,
    )
    return Turn(sent, (), tuple(effects), shows=True)


def _earlier(conversation: Conversation) -> tuple[str, ...]:
    """Return what a person sent before from this chat; an officer's referrals stand alone."""
    before = conversation.receipt
    if before is None or before.withdrawn or "officer" in (before.journey, conversation.journey):
        return ()
    return (before.reference, *before.earlier)


def press_show(conversation: Conversation, heard: Heard, pressed: Press, now: datetime) -> Turn:
    """Return the answers, by changing the message the button stands on; never as a new one."""
    if conversation.stage != "checking" or not heard.message:
        return Turn(conversation, shows=True)
    ready = say(conversation.language, ready_key(conversation))
    text = "\n".join([*answer_lines(conversation), "", ready])
    rows = _rows(conversation, shown=True)
    reply = Reply(text, rows, edits=heard.message, private=True, instead=ready)
    return Turn(conversation, (reply,))


def press_hide(conversation: Conversation, heard: Heard, pressed: Press, now: datetime) -> Turn:
    """Return the neutral message in the place of the answers."""
    if conversation.stage != "checking" or not heard.message:
        return Turn(conversation, shows=True)
    ready = say(conversation.language, ready_key(conversation))
    return Turn(conversation, (Reply(ready, _rows(conversation), edits=heard.message),))


def press_change(conversation: Conversation, heard: Heard, pressed: Press, now: datetime) -> Turn:
    """Return the list of what was asked, to pick one."""
    return which_to_change(conversation)


def which_to_change(conversation: Conversation) -> Turn:
    """Return the list of answered questions, without the answers; or say there is none."""
    language = conversation.language
    found = journey.counting(conversation)
    rows = [
        button(conversation, one.says(language, "title").rstrip("*"), "reopen", one.key)
        for one in journey.in_chat(conversation)
        if one.key in found and not one.silent
    ]
    if rows and conversation.stage not in ("asking", "checking", "stopped"):
        return Turn(conversation, shows=True)
    if not rows:
        return Turn(conversation, (Reply(say(language, "anytime.change.nothing")),), shows=True)
    back = (said(conversation, "scenes.learning.to_question", "here"),)
    text = say(language, "scenes.checking.which")
    return Turn(conversation, (Reply(text, (*in_rows(rows, 2), back)),))


def press_details(conversation: Conversation, heard: Heard, pressed: Press, now: datetime) -> Turn:
    """Return the turn after "add details": the questions on offer open one by one."""
    on_paper = [one.key for one in journey.on_paper(conversation.journey)]
    key = "details" if "details" in on_paper else "extra"
    if conversation.stage != "checking" or key not in on_paper:
        return Turn(conversation, shows=True)
    yes = chosen_answer(conversation, question(key), "yes", now)
    return Turn(answered(_reopened(conversation), yes), shows=True)


def _reopened(conversation: Conversation) -> Conversation:
    return moves.moved(conversation, "reopen")


def _rows(conversation: Conversation, shown: bool = False) -> Rows:
    send_it = said(conversation, "scenes.checking.send", "send", style="send")
    rows: list[tuple[Button, ...]] = [(send_it,)]
    if conversation.journey != "officer":
        look = "hide" if shown else "show"
        rows.append((said(conversation, f"scenes.checking.{look}", look),))
    change = [said(conversation, "scenes.checking.change", "change")]
    if _more_on_offer(conversation):
        change.append(said(conversation, "scenes.checking.add_details", "details"))
    rows.append(tuple(change))
    rows.append((said(conversation, "scenes.checking.delete", "delete", style="danger"),))
    rows.append(last_row(conversation))
    return tuple(rows)


def _pages(conversation: Conversation) -> Rows:
    """Return an officer's two private pages: for the details, and for whoever is with them."""
    details = said(conversation, "scenes.checking.details_page", "quiet")
    code = said(conversation, "scenes.checking.two_key", "two_key")
    return (replace(details, does="quiet"),), (replace(code, does="two_key"),)


def _more_on_offer(conversation: Conversation) -> bool:
    found = journey.counting(conversation)
    if conversation.journey == "officer":
        return not journey.wanted(found, "details")
    return conversation.journey == "self" and not journey.wanted(found, "extra")


PRESSES = {
    "send": press_send,
    "show": press_show,
    "hide": press_hide,
    "change": press_change,
    "details": press_details,
}
