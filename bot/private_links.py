"""Makes the one-time links on buttons that open a private page, and reads them back."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

from flows.conversation import Button, ButtonKind, Conversation, Reply
from flows.officers import Introduction, Officer
from flows.questions import journey
from flows.referral import handover
from flows.service import service
from flows.vocabulary import AnswerStatus
from storage.chats import one_time_links
from storage.chats.one_time_links import LinkKind
from storage.unit import Unit

BUTTON_LINK_KINDS = (LinkKind.PRIVATE_PAGE, LinkKind.SHOW_CODE)
FORM_MINUTES = 30
"""How long an open form may be filled in."""
INTRODUCTION_COMMAND = "/start k_"
_LINK_KIND_BY_BUTTON = {
    ButtonKind.PRIVATE_PAGE: LinkKind.PRIVATE_PAGE,
    ButtonKind.TWO_KEY_PAGE: LinkKind.SHOW_CODE,
}
"""By what a button does: the kind of link that it opens."""


@dataclass(frozen=True, slots=True)
class RedeemedLink:
    """A page that a link opened: its kind, whose chat it is for, and the page's own code."""

    kind: LinkKind
    channel: str
    address: str
    code: str


@dataclass(frozen=True, slots=True)
class LinkOwner:
    """Whose links they are; `can_share_number` when the chat can offer to share a number."""

    channel: str
    address: str
    conversation: Conversation
    can_share_number: bool = False


def with_links(
    unit: Unit, public_url: str | None, owner: LinkOwner, replies: tuple[Reply, ...]
) -> Iterator[Reply]:
    """Give the replies with an address on each button that opens a page.

    Where pages have no address of their own the button is left out. Each link is good once,
    for this chat, for `page_minutes`.
    """
    made: dict[str, str] = {}

    def with_link(button: Button) -> Button | None:
        if button.kind not in _LINK_KIND_BY_BUTTON:
            return button
        if not public_url:
            return None
        kind = _LINK_KIND_BY_BUTTON[button.kind]
        if kind not in made:
            made[kind] = _make_button_link(unit, owner, kind)
        return replace(button, kind=ButtonKind.OPEN, id=f"{public_url.rstrip('/')}/q/{made[kind]}")

    for reply in replies:
        if not any(button.kind in _LINK_KIND_BY_BUTTON for row in reply.buttons for button in row):
            yield reply
            continue
        rows = [tuple(filter(None, map(with_link, row))) for row in reply.buttons]
        yield replace(reply, buttons=tuple(row for row in rows if row))


def open_link(unit: Unit, code: str) -> RedeemedLink | None:
    """Use up a link on a button; return the page that it opens, None when it opens none.

    An open form gets a code of its own, and so does the person to whom a code is shown.
    """
    quiet, shown = (one_time_links.redeem_link(unit, kind, code) for kind in BUTTON_LINK_KINDS)
    used = quiet or shown
    if used is None:
        return None
    kind = LinkKind.OPEN_FORM if quiet else LinkKind.INTRODUCTION
    minutes = FORM_MINUTES if quiet else service().page_minutes
    fresh = one_time_links.issue_link(unit, kind, used.channel, used.address, minutes, used.body)
    return RedeemedLink(kind, used.channel, used.address, fresh)


def make_introduction_code(unit: Unit, owner: LinkOwner, case_reference: str) -> str:
    """Return a code for the person who is with an officer, from the officer's own page."""
    body = {**introduction_body(owner.conversation), "line": case_reference}
    minutes = service().page_minutes
    return one_time_links.issue_link(
        unit, LinkKind.INTRODUCTION, owner.channel, owner.address, minutes, body
    )


def redeem_introduction(unit: Unit, code: str) -> Introduction | None:
    """Use up the code that an officer showed; None for one that is used, old or foreign."""
    used = one_time_links.redeem_link(unit, LinkKind.INTRODUCTION, code)
    if used is None or not used.body["officer"]:
        return None
    return Introduction(Officer(**used.body["officer"]), str(used.body["line"]))


def _make_button_link(unit: Unit, owner: LinkOwner, kind: LinkKind) -> str:
    body: dict[str, object] = {"shares": owner.can_share_number}
    if kind == LinkKind.SHOW_CODE:
        body = introduction_body(owner.conversation)
    minutes = service().page_minutes
    return one_time_links.issue_link(unit, kind, owner.channel, owner.address, minutes, body)


def introduction_body(conversation: Conversation) -> dict[str, object]:
    """Return what a code says about the officer who shows it: who, and their own reference."""
    officer = conversation.officer or handover.referring_officer(conversation)
    line = journey.current_answers(conversation).get("line")
    said = line.value if line and line.status == AnswerStatus.ANSWERED else ""
    return {"officer": asdict(officer) if officer else {}, "line": said}
