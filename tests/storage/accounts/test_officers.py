"""A partner officer comes in with a code that works once, and can be revoked."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select, update

from storage.chats import conversations, officer_registry, officers, one_time_links
from storage.chats.officer_registry import OpenInvitation, RegisteredOfficer, Revocation
from storage.chats.officers import OfficerDetails
from storage.database import Database
from storage.serialization import dumps
from storage.tables import INVITATION, OFFICER
from storage.vault import Vault
from tests.support.builders import HOUR, NOW, PC_KAUR, make_answer, store_answers


def redeem(database: Database, vault: Vault, code: str, hours: int = 1) -> OfficerDetails | None:
    with database.transaction() as conn:
        return officers.redeem_officer_invitation(conn, vault, code, NOW + hours * HOUR)


def invite(database: Database, vault: Vault) -> str:
    with database.transaction() as conn:
        return officers.invite_officer(conn, vault, PC_KAUR, NOW, invited_by="ada")


def test_a_code_works_once(database: Database, vault: Vault) -> None:
    code = invite(database, vault)
    assert len(code) == 32
    redeemed = redeem(database, vault, code)
    assert redeemed is not None
    assert redeemed.officer == replace(PC_KAUR, verified=True)
    assert (redeemed.invited_by, redeemed.invited_at) == ("ada", NOW)
    assert redeem(database, vault, code) is None
    with database.transaction() as conn:
        assert conn.scalars(select(INVITATION.c.body)).all() == [None]


def test_unknown_and_expired_codes_get_the_same_answer(database: Database, vault: Vault) -> None:
    code = invite(database, vault)
    assert redeem(database, vault, "not a code") is None
    assert redeem(database, vault, code, hours=24) is None
    assert redeem(database, vault, code, hours=23) is not None


def test_the_code_itself_is_not_kept(database: Database, vault: Vault) -> None:
    code = invite(database, vault)
    with database.transaction() as conn:
        row = conn.execute(select(INVITATION)).one()
    assert code not in repr(tuple(row))


def test_eight_at_once_and_one_gets_in(database: Database, vault: Vault) -> None:
    code, start = invite(database, vault), threading.Barrier(8)

    def run(_: int) -> OfficerDetails | None:
        start.wait()
        return redeem(database, vault, code)

    with ThreadPoolExecutor(8) as threads:
        assert sum(found is not None for found in threads.map(run, range(8))) == 1


def revoke(database: Database, vault: Vault, key: str) -> Revocation:
    with database.transaction() as conn:
        return officer_registry.revoke_officer(conn, vault, key, NOW + HOUR)


def listed(database: Database, vault: Vault) -> list[RegisteredOfficer]:
    with database.session() as session:
        return officer_registry.list_officers(session.connection(), vault)


def open_invitations(database: Database, vault: Vault, hours: int = 0) -> list[OpenInvitation]:
    with database.session() as session:
        now = NOW + hours * HOUR
        return officer_registry.list_open_invitations(session.connection(), vault, now)


def test_one_open_invitation_is_ended_and_the_others_stay(database: Database, vault: Vault) -> None:
    ended, kept = invite(database, vault), invite(database, vault)
    first, second = open_invitations(database, vault)
    assert first.key == second.key
    assert (first.invited_by, first.expires_at) == ("ada", NOW + 24 * HOUR)
    with database.transaction() as conn:
        used = officers.redeem_officer_invitation(conn, vault, kept, NOW)
    (left,) = open_invitations(database, vault)
    with database.transaction() as conn:
        assert officer_registry.end_invitation(conn, vault, left.id, NOW) == left
        assert officer_registry.end_invitation(conn, vault, left.id, NOW) is None
    assert used is not None
    assert redeem(database, vault, ended) is None
    assert open_invitations(database, vault) == []


def test_an_invitation_that_ran_out_is_not_open(database: Database, vault: Vault) -> None:
    invite(database, vault)
    assert len(open_invitations(database, vault, hours=23)) == 1
    assert open_invitations(database, vault, hours=24) == []


def test_one_officer_is_one_row_however_their_details_are_written(
    database: Database, vault: Vault
) -> None:
    spaced = replace(PC_KAUR, name=f" {PC_KAUR.name.upper()} ")
    moved = replace(PC_KAUR, agency="Medway Council")
    chats = [store_answers(database, vault, f"kaur {n}") for n in range(3)]
    with database.transaction() as conn:
        for n, (chat_id, officer) in enumerate(zip(chats, (PC_KAUR, spaced, moved), strict=True)):
            officers.save_officer(conn, vault, chat_id, officer, NOW + n * HOUR)
    other, both = listed(database, vault)
    assert (both.chats, both.seen_at, both.revoked_at) == (2, NOW + HOUR, None)
    assert (other.officer, other.chats) == (moved, 1)
    assert both.key != other.key


def test_revoking_ends_every_chat_every_link_and_every_invitation_of_that_officer(
    database: Database, vault: Vault
) -> None:
    invite(database, vault)
    answer = make_answer("name", "Amina")
    chats = [store_answers(database, vault, name, answer) for name in ("kaur", "kaur 2", "reed")]
    reed = replace(PC_KAUR, name="PC Reed")
    with database.transaction() as conn:
        for chat_id, officer in zip(chats, (PC_KAUR, PC_KAUR, reed), strict=True):
            officers.save_officer(conn, vault, chat_id, officer, NOW)
        for name in ("kaur", "reed"):
            one_time_links.issue_link(conn, vault, "two_key", "telegram", name, NOW, 600, code=name)
        key = officer_registry.officer_key(vault, PC_KAUR)
    ended = revoke(database, vault, key)
    assert (set(ended.chat_ids), ended.invitations) == (set(chats[:2]), 1)
    assert not revoke(database, vault, key).anything
    assert open_invitations(database, vault) == []
    with database.session() as session:
        good = [
            one_time_links.is_link_valid(session, vault, "two_key", name, NOW)
            for name in ("kaur", "reed")
        ]
        loaded = [
            conversations.load_conversation(
                session.connection(), vault, "telegram", name, NOW + HOUR
            ).conversation
            for name in ("kaur", "kaur 2", "reed")
        ]
    assert good == [False, True]
    assert [one.officer_revoked for one in loaded] == [True, True, False]
    assert [one.officer for one in loaded] == [None, None, reed]
    assert all(one.answers for one in loaded), "a draft is kept"
    assert {one.officer.name: one.revoked_at for one in listed(database, vault)} == {
        PC_KAUR.name: NOW + HOUR,
        "PC Reed": None,
    }


def test_a_chat_is_known_as_revoked_as_long_as_an_officer_is_remembered(
    database: Database, vault: Vault
) -> None:
    chat_id = store_answers(database, vault, "kaur")
    with database.transaction() as conn:
        officers.save_officer(conn, vault, chat_id, PC_KAUR, NOW)
    revoke(database, vault, officer_registry.officer_key(vault, PC_KAUR))
    for days, revoked in ((90, True), (91, False)):
        with database.session() as session:
            later = NOW + HOUR + timedelta(days=days)
            found = conversations.load_conversation(
                session.connection(), vault, "telegram", "kaur", later
            )
        assert found.conversation.officer_revoked is revoked
        assert found.conversation.officer is None


def test_a_new_invitation_takes_the_revocation_back(database: Database, vault: Vault) -> None:
    chat_id = store_answers(database, vault, "kaur")
    with database.transaction() as conn:
        officers.save_officer(conn, vault, chat_id, PC_KAUR, NOW)
    revoke(database, vault, officer_registry.officer_key(vault, PC_KAUR))
    invited = redeem(database, vault, invite(database, vault))
    assert invited is not None
    with database.transaction() as conn:
        officers.save_officer(conn, vault, chat_id, invited, NOW + 2 * HOUR)
    (again,) = listed(database, vault)
    assert (again.verified, again.revoked_at) == (True, None)
    assert (again.invited_by, again.invited_at) == ("ada", NOW)


def test_a_row_of_an_earlier_release_is_listed_and_revoked(
    database: Database, vault: Vault
) -> None:
    chat_id = store_answers(database, vault, "kaur")
    with database.transaction() as conn:
        officers.save_officer(conn, vault, chat_id, PC_KAUR, NOW)
        kept = {"name": "PC Kaur", "agency": "Kent", "contact": "0", "verified": True}
        body = vault.seal(dumps(kept), officers.officer_context(chat_id))
        conn.execute(update(OFFICER).values(body=body))
    (known,) = listed(database, vault)
    assert (known.officer.name, known.verified, known.invited_by) == ("PC Kaur", True, "")
    assert known.invited_at is None
    assert revoke(database, vault, known.key).chat_ids == (chat_id,)
