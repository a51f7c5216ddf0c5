"""Small cards that explain, and "is this for me?". Nothing is kept about who only reads."""

from datetime import datetime

from flows import content_files
from flows.buttons import Press, button, in_rows, said
from flows.conversation import Button, Conversation, Heard, Reply, Turn
from flows.referral import rules
from flows.referral.rules import Facts, Tri, Who
from flows.scenes import explain
from flows.wording import say

FIT_QUESTIONS = ("harmed", "found", "place", "want")
_FIT_ANSWERS = {"y": Tri.YES, "n": Tri.NO, "u": Tri.UNKNOWN}


def show(conversation: Conversation, heard: Heard) -> Turn:
    """Return the list of cards."""
    return cards(conversation)


def hear(conversation: Conversation, heard: Heard, now: datetime) -> Turn:
    """Return an answer to typed words."""
    return explain.answer_or_suggest(conversation, heard.text)


def cards(conversation: Conversation, edits: str | None = None) -> Turn:
    """Return the list of cards, one a button."""
    language = conversation.language
    rows = [button(conversation, say(language, f"cards.{id}.title"), "card", id) for id in _order()]
    text = say(language, "scenes.learning.cards")
    below = (_fit_button(conversation), *explain.ways_on(conversation))
    return Turn(
        conversation, (Reply(text, (*in_rows(rows, 2), *in_rows(list(below))), edits=edits),)
    )


def card(conversation: Conversation, id: str, edits: str | None = None) -> Turn:
    """Return one card with its neighbours; the first when `id` names none."""
    order = _order()
    place = order.index(id) if id in order else 0
    around = []
    if place > 0:
        around.append(said(conversation, "scenes.learning.earlier", "card", order[place - 1]))
    if place < len(order) - 1:
        around.append(said(conversation, "scenes.learning.next", "card", order[place + 1]))
    below = (
        said(conversation, "scenes.learning.all_cards", "cards"),
        said(conversation, "scenes.asking.last_row_questions", "questions"),
    )
    rows = (
        tuple(around),
        below,
        *in_rows([_fit_button(conversation), *explain.ways_on(conversation)]),
    )
    text = say(conversation.language, f"cards.{order[place]}.text")
    return Turn(conversation, (Reply(text, rows, edits=edits),))


def fit(conversation: Conversation, so_far: str, edits: str | None = None) -> Turn:
    """Return the next of four questions, or the honest answer after them.

    The answers so far stand on the buttons ("yn"), so that nothing is kept.
    """
    language = conversation.language
    if len(so_far) < len(FIT_QUESTIONS) and not _settled(so_far):
        text = say(language, f"scenes.fit.{FIT_QUESTIONS[len(so_far)]}")
        choices = [
            said(conversation, f"scenes.fit.{word}", "fit", so_far + letter)
            for word, letter in (("yes", "y"), ("no", "n"), ("unsure", "u"))
        ]
        rows = (tuple(choices), *in_rows(explain.ways_on(conversation)))
        return Turn(conversation, (Reply(text, rows, edits=edits),))
    text = say(language, f"scenes.fit.{_fit_result(so_far)}")
    rows = in_rows(
        [
            said(conversation, "scenes.learning.all_cards", "cards"),
            said(conversation, "scenes.welcome.buttons.person", "person"),
            *explain.ways_on(conversation),
        ]
    )
    return Turn(conversation, (Reply(text, rows, edits=edits),))


def _settled(so_far: str) -> bool:
    return so_far[:1] == "n" or so_far[2:3] == "n"


def _fit_result(so_far: str) -> str:
    told = dict(zip(FIT_QUESTIONS, (_FIT_ANSWERS[letter] for letter in so_far), strict=False))
    if told["harmed"] == Tri.NO:
        return "not_harmed"
    facts = Facts(who=Who.SELF, in_area=told.get("place", Tri.UNKNOWN), identified=told["found"])
    if rules.stop_reason(facts) == "outside":
        return "not_here"
    if facts.identified == Tri.NO:
        return "not_found"
    return "good" if set(told.values()) == {Tri.YES} else "maybe"


def _order() -> list[str]:
    return list(content_files.read("cards.toml")["order"])


def _fit_button(conversation: Conversation) -> Button:
    return said(conversation, "scenes.welcome.buttons.fit", "fit")


def press_card(conversation: Conversation, heard: Heard, pressed: Press, now: datetime) -> Turn:
    """Return the card on the button."""
    return card(conversation, "".join(pressed.args[:1]), edits=heard.message)


def press_cards(conversation: Conversation, heard: Heard, pressed: Press, now: datetime) -> Turn:
    """Return the list of cards."""
    return cards(conversation, edits=heard.message)


def press_fit(conversation: Conversation, heard: Heard, pressed: Press, now: datetime) -> Turn:
    """Return the next step of "is this for me?"; an id that we never made starts it afresh."""
    so_far = "".join(pressed.args[:1])
    known = len(so_far) <= len(FIT_QUESTIONS) and set(so_far) <= set(_FIT_ANSWERS)
    return fit(conversation, so_far if known else "", edits=heard.message)


PRESSES = {"card": press_card, "cards": press_cards, "fit": press_fit}
