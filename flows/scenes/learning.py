"""Small cards that explain, and "is this for me?". Nothing is kept about who only reads."""

from flows import content_files
from flows.conversation import Button, Conversation, Reply, Turn
from flows.interaction.buttons import ButtonVerb, button, button_for, in_rows
from flows.interaction.moment import Moment
from flows.referral import rules
from flows.referral.rules import Facts, Requester, TriState
from flows.scenes import explain
from flows.vocabulary import StopReason
from flows.wording import say

FIT_QUESTIONS = ("harmed", "found", "place", "want")
_YES, _NO, _UNSURE = "y", "n", "u"
_FIT_ANSWERS = {_YES: TriState.YES, _NO: TriState.NO, _UNSURE: TriState.UNKNOWN}


def show(moment: Moment) -> Turn:
    """Return the list of cards."""
    return show_info_cards(moment.conversation)


def handle(moment: Moment) -> Turn:
    """Return an answer to typed words."""
    return explain.answer_or_suggest(moment)


def show_info_cards(conversation: Conversation, edits_message_id: str | None = None) -> Turn:
    """Return the list of cards, one a button."""
    language = conversation.language
    rows = [
        button(conversation, say(language, f"cards.{id}.title"), ButtonVerb.INFO_CARD, id)
        for id in _card_order()
    ]
    text = say(language, "scenes.learning.cards")
    below = in_rows([_fit_button(conversation), *explain.onward_buttons(conversation)])
    return Turn(conversation, (Reply(text, (*in_rows(rows, 2), *below), edits_message_id),))


def show_info_card(
    conversation: Conversation, id: str, edits_message_id: str | None = None
) -> Turn:
    """Return one card with its neighbours; the first when `id` names none."""
    order = _card_order()
    place = order.index(id) if id in order else 0
    around, card = [], ButtonVerb.INFO_CARD
    if place > 0:
        around.append(button_for(conversation, "scenes.learning.earlier", card, order[place - 1]))
    if place < len(order) - 1:
        around.append(button_for(conversation, "scenes.learning.next", card, order[place + 1]))
    below = (
        button_for(conversation, "scenes.learning.all_cards", ButtonVerb.INFO_CARDS),
        button_for(conversation, "scenes.asking.last_row_questions", ButtonVerb.QUESTIONS),
    )
    onward = in_rows([_fit_button(conversation), *explain.onward_buttons(conversation)])
    text = say(conversation.language, f"cards.{order[place]}.text")
    return Turn(conversation, (Reply(text, (tuple(around), below, *onward), edits_message_id),))


def show_fit_check(
    conversation: Conversation, so_far: str, edits_message_id: str | None = None
) -> Turn:
    """Return the next of four questions, or the honest answer after them.

    The answers so far stand on the buttons ("yn"), so that nothing is kept.
    """
    language = conversation.language
    if len(so_far) < len(FIT_QUESTIONS) and not _is_decided(so_far):
        text = say(language, f"scenes.fit.{FIT_QUESTIONS[len(so_far)]}")
        choices = [
            button_for(conversation, f"scenes.fit.{word}", ButtonVerb.FIT_CHECK, so_far + letter)
            for word, letter in (("yes", _YES), ("no", _NO), ("unsure", _UNSURE))
        ]
        rows = (tuple(choices), *in_rows(explain.onward_buttons(conversation)))
        return Turn(conversation, (Reply(text, rows, edits_message_id),))
    text = say(language, f"scenes.fit.{_fit_result(so_far)}")
    ways = [
        button_for(conversation, "scenes.learning.all_cards", ButtonVerb.INFO_CARDS),
        button_for(conversation, "scenes.welcome.buttons.person", ButtonVerb.PERSON),
        *explain.onward_buttons(conversation),
    ]
    return Turn(conversation, (Reply(text, in_rows(ways), edits_message_id),))


def _is_decided(so_far: str) -> bool:
    """Return whether the questions that are left cannot change the answer: harmed, or place."""
    return _NO in (so_far[:1], so_far[2:3])


def _fit_result(so_far: str) -> str:
    told = dict(zip(FIT_QUESTIONS, (_FIT_ANSWERS[letter] for letter in so_far), strict=False))
    if told["harmed"] == TriState.NO:
        return "not_harmed"
    place, found = told.get("place", TriState.UNKNOWN), told["found"]
    facts = Facts(requester=Requester.SELF, in_area=place, offender_identified=found)
    if rules.stop_reason(facts) == StopReason.OUTSIDE:
        return "not_here"
    if facts.offender_identified == TriState.NO:
        return "not_found"
    return "good" if set(told.values()) == {TriState.YES} else "maybe"


def _card_order() -> list[str]:
    return list(content_files.load_toml("cards.toml")["order"])


def _fit_button(conversation: Conversation) -> Button:
    return button_for(conversation, "scenes.welcome.buttons.fit", ButtonVerb.FIT_CHECK)


def press_card(moment: Moment) -> Turn:
    """Return the card on the button."""
    return show_info_card(moment.conversation, moment.first_arg, moment.input.message_id)


def press_cards(moment: Moment) -> Turn:
    """Return the list of cards."""
    return show_info_cards(moment.conversation, edits_message_id=moment.input.message_id)


def press_fit(moment: Moment) -> Turn:
    """Return the next step of "is this for me?"; an id that we never made starts it afresh."""
    so_far = moment.first_arg
    known = len(so_far) <= len(FIT_QUESTIONS) and set(so_far) <= set(_FIT_ANSWERS)
    so_far = so_far if known else ""
    return show_fit_check(moment.conversation, so_far, moment.input.message_id)


BUTTON_HANDLERS = {
    ButtonVerb.INFO_CARD: press_card,
    ButtonVerb.INFO_CARDS: press_cards,
    ButtonVerb.FIT_CHECK: press_fit,
}
