"""Who may file as a partner officer: invite, end an invitation, revoke; each a logbook line."""

from dataclasses import dataclass
from enum import StrEnum

from flows.officers import Officer
from flows.questions.answer_types import sanitize
from flows.vocabulary import OutboxKind
from storage import logbook
from storage.chats import handoffs, officer_registry, officers, outbox
from storage.chats.officer_registry import Revocation
from storage.unit import Unit

DETAIL_MIN, DETAIL_MAX = 2, 100
"""Letters of a name, an agency or a work contact."""


class RevocationReason(StrEnum):
    """Why an officer is revoked; its words stand in the logbook's table of reasons."""

    LEFT_AGENCY = "left_agency"
    DEVICE_LOST = "device_lost"
    MISUSE = "misuse"
    WRONG_PERSON = "wrong_person"
    NOT_NEEDED = "not_needed"


class InvalidOfficer(ValueError):
    """Details that no invitation can be made of; `fields` names which."""

    def __init__(self, fields: tuple[str, ...]) -> None:
        super().__init__(f"{DETAIL_MIN} to {DETAIL_MAX} letters are needed: {', '.join(fields)}.")
        self.fields = fields


@dataclass(frozen=True, slots=True)
class InvitationLinks:
    """Where an invitation is taken up; "" where there is no bot, or no address of our own."""

    telegram: str
    browser: str


def officer_from_text(name: str, agency: str, contact: str) -> Officer:
    """Return the officer that somebody typed, tidied; raise InvalidOfficer."""
    typed = {"name": sanitize(name), "agency": sanitize(agency), "contact": sanitize(contact)}
    wrong = tuple(
        field
        for field, text in typed.items()
        if not (DETAIL_MIN <= len(text) <= DETAIL_MAX and text.isprintable())
    )
    if wrong:
        raise InvalidOfficer(wrong)
    return Officer(**typed, verified=True)


def invite(unit: Unit, officer: Officer, actor: str, hours: int) -> str:
    """Return the code of a new invitation that works once, within `hours`."""
    code = officers.invite_officer(unit, officer, hours, actor)
    key = officer_registry.officer_key(unit, officer)
    logbook.add_logbook_line(unit, actor, "officer_invited", key)
    return code


def end_invitation(unit: Unit, id: str, actor: str) -> bool:
    """End an invitation that nobody has used; return whether there was one."""
    ended = officer_registry.end_invitation(unit, id)
    if ended is not None:
        logbook.add_logbook_line(unit, actor, "officer_invitation_ended", ended.key)
    return ended is not None


def revoke(unit: Unit, key: str, reason: RevocationReason, actor: str) -> Revocation:
    """Revoke an officer in all their chats; return what that ended.

    What was sent before stays. A member of staff who writes with them is let go of the chat,
    and Telegram no longer shows the officers' commands there.
    """
    revoked = officer_registry.revoke_officer(unit, key)
    for chat_id in revoked.chat_ids:
        place = handoffs.channel_and_address(unit, chat_id)
        handoffs.end_handoff(unit, chat_id)
        if place:
            body = {"revoked": True}
            outbox.enqueue(unit, place[0], OutboxKind.OFFICER_COMMANDS, body, chat_id)
    if revoked.anything:
        logbook.add_logbook_line(unit, actor, "officer_revoked", key, reason)
    return revoked


def invitation_links(code: str, bot_name: str, public_url: str | None) -> InvitationLinks:
    """Return both links of one code: whichever is opened first uses it up."""
    return InvitationLinks(
        f"https://t.me/{bot_name}?start=i_{code}" if bot_name else "",
        f"{public_url.rstrip('/')}/officer/i/{code}" if public_url else "",
    )
