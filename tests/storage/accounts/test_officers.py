"""A partner officer comes in with a code that works once, and can be revoked."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select, update

from flows.officers import Officer
from storage.chats import conversations, officer_registry, officers, one_time_links
from storage.chats.officer_registry import OpenInvitation, RegisteredOfficer, Revocation
from storage.chats.officers import OfficerDetails
from storage.chats.one_time_links import LinkKind
from storage.database import Database
from storage.serialization import dumps
from storage.tables import INVITATION, OFFICER
from storage.vault import Vault
from tests.support.builders import HOUR, NOW, PC_KAUR, make_answer, store_answers


def redeem(database: Database, code: str, hours: int = 1) -> OfficerDetails | None:
    with database.unit(NOW + hours * HOUR) as unit:
        return officers.redeem_officer_invitation(unit, code)


def invite(database: Database) -> str:
    with database.unit(NOW) as unit:
        return officers.invite_officer(unit, PC_KAUR, invited_by="ada")


def test_a_code_works_once(database: Database) -> None:
    code = invite(database)
    assert len(code) == 32
    redeemed = redeem(database, code)
    assert redeemed is not None
    assert redeemed.officer == replace(PC_KAUR, verified=True)
    assert (redeemed.invited_by, redeemed.invited_at) == ("ada", NOW)
    assert redeem(database, code) is None
    with database.unit() as unit:
        assert unit.conn.scalars(select(INVITATION.c.body)).all() == [None]


def test_unknown_and_expired_codes_get_the_same_answer(database: Database) -> None:
    code = invite(database)
    assert redeem(database, "not a code") is None
    assert redeem(database, code, hours=24) is None
    assert redeem(database, code, hours=23) is not None


def test_the_code_itself_is_not_kept(database: Database) -> None:
    code = invite(database)
    with database.unit() as unit:
        row = unit.conn.execute(select(INVITATION)).one()
    assert code not in repr(tuple(row))


def test_eight_at_once_and_one_gets_in(database: Database) -> None:
    code, start = invite(database), threading.Barrier(8)

    def run(_: int) -> OfficerDetails | None:
        start.wait()
        return redeem(database, code)

    with ThreadPoolExecutor(8) as threads:
        assert sum(found is not None for found in threads.map(run, range(8))) == 1


def revoke(database: Database, key: str) -> Revocation:
    with database.unit(NOW + HOUR) as unit:
        return officer_registry.revoke_officer(unit, key)


def key_of(database: Database, officer: Officer) -> str:
    with database.reading() as unit:
        return officer_registry.officer_key(unit, officer)


def listed(database: Database) -> list[RegisteredOfficer]:
    with database.reading() as unit:
        return officer_registry.list_officers(unit)


def open_invitations(database: Database, hours: int = 0) -> list[OpenInvitation]:
    with database.reading() as unit:
        now = NOW + hours * HOUR
        return officer_registry.list_open_invitations(replace(unit, now=now))


def test_one_open_invitation_is_ended_and_the_others_stay(database: Database) -> None:
    ended, kept = invite(database), invite(database)
    first, second = open_invitations(database)
    assert first.key == second.key
    assert (first.invited_by, first.expires_at) == ("ada", NOW + 24 * HOUR)
    with database.unit(NOW) as unit:
        used = officers.redeem_officer_invitation(unit, kept)
    (left,) = open_invitations(database)
    with database.unit(NOW) as unit:
        assert officer_registry.end_invitation(unit, left.id) == left
        assert officer_registry.end_invitation(unit, left.id) is None
    assert used is not None
    assert redeem(database, ended) is None
    assert open_invitations(database) == []


def test_an_invitation_that_ran_out_is_not_open(database: Database) -> None:
    invite(database)
    assert len(open_invitations(database, hours=23)) == 1
    assert open_invitations(database, hours=24) == []


def test_one_officer_is_one_row_however_their_details_are_written(database: Database) -> None:
    spaced = replace(PC_KAUR, name=f" {PC_KAUR.name.upper()} ")
    moved = replace(PC_KAUR, agency="Medway Council")
    chats = [store_answers(database, f"kaur {n}") for n in range(3)]
    with database.unit() as unit:
        for n, (chat_id, officer) in enumerate(zip(chats, (PC_KAUR, spaced, moved), strict=True)):
            officers.save_officer(replace(unit, now=NOW + n * HOUR), chat_id, officer)
    other, both = listed(database)
    assert (both.chats, both.seen_at, both.revoked_at) == (2, NOW + HOUR, None)
    assert (other.officer, other.chats) == (moved, 1)
    assert both.key != other.key


def test_revoking_ends_every_chat_every_link_and_every_invitation_of_that_officer(
    database: Database,
) -> None:
    invite(database)
    answer = make_answer("name", "Amina")
    chats = [store_answers(database, name, answer) for name in ("kaur", "kaur 2", "reed")]
    reed = replace(PC_KAUR, name="PC Reed")
    with database.unit(NOW) as unit:
        for chat_id, officer in zip(chats, (PC_KAUR, PC_KAUR, reed), strict=True):
            officers.save_officer(unit, chat_id, officer)
        for name in ("kaur", "reed"):
            one_time_links.issue_link(unit, LinkKind.INTRODUCTION, "telegram", name, 600, code=name)
        key = officer_registry.officer_key(unit, PC_KAUR)
    ended = revoke(database, key)
    assert (set(ended.chat_ids), ended.invitations) == (set(chats[:2]), 1)
    assert not revoke(database, key).anything
    assert open_invitations(database) == []
    with database.reading(NOW) as unit:
        good = [
            one_time_links.is_link_valid(unit, LinkKind.INTRODUCTION, name)
            for name in ("kaur", "reed")
        ]
        loaded = [
            conversations.load_conversation(
                replace(unit, now=NOW + HOUR), "telegram", name
            ).conversation
            for name in ("kaur", "kaur 2", "reed")
        ]
    assert good == [False, True]
    assert [one.officer_revoked for one in loaded] == [True, True, False]
    assert [one.officer for one in loaded] == [None, None, reed]
    assert all(one.answers for one in loaded), "a draft is kept"
    assert {one.officer.name: one.revoked_at for one in listed(database)} == {
        PC_KAUR.name: NOW + HOUR,
        "PC Reed": None,
    }


def test_a_chat_is_known_as_revoked_as_long_as_an_officer_is_remembered(database: Database) -> None:
    chat_id = store_answers(database, "kaur")
    with database.unit(NOW) as unit:
        officers.save_officer(unit, chat_id, PC_KAUR)
    revoke(database, key_of(database, PC_KAUR))
    for days, revoked in ((90, True), (91, False)):
        with database.reading() as unit:
            later = NOW + HOUR + timedelta(days=days)
            found = conversations.load_conversation(replace(unit, now=later), "telegram", "kaur")
        assert found.conversation.officer_revoked is revoked
        assert found.conversation.officer is None


def test_a_new_invitation_takes_the_revocation_back(database: Database) -> None:
    chat_id = store_answers(database, "kaur")
    with database.unit(NOW) as unit:
        officers.save_officer(unit, chat_id, PC_KAUR)
    revoke(database, key_of(database, PC_KAUR))
    invited = redeem(database, invite(database))
    assert invited is not None
    with database.unit(NOW + 2 * HOUR) as unit:
        officers.save_officer(unit, chat_id, invited)
    (again,) = listed(database)
    assert (again.verified, again.revoked_at) == (True, None)
    assert (again.invited_by, again.invited_at) == ("ada", NOW)


def test_a_row_of_an_earlier_release_is_listed_and_revoked(
    database: Database, vault: Vault
) -> None:
    chat_id = store_answers(database, "kaur")
    with database.unit(NOW) as unit:
        officers.save_officer(unit, chat_id, PC_KAUR)
        kept = {"name": "PC Kaur", "agency": "Kent", "contact": "0", "verified": True}
        body = vault.seal(dumps(kept), officers.officer_context(chat_id))
        unit.conn.execute(update(OFFICER).values(body=body))
    (known,) = listed(database)
    assert (known.officer.name, known.verified, known.invited_by) == ("PC Kaur", True, "")
    assert known.invited_at is None
    assert revoke(database, known.key).chat_ids == (chat_id,)
