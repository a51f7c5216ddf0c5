"""A partner officer comes in with a code that works once, and is forgotten when asked."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from sqlalchemy import select

from flows.conversation import Officer
from storage.chats import officers
from storage.database import Database
from storage.tables import INVITATION
from storage.vault import Vault
from tests.support.builders import HOUR, NOW, PC_KAUR, store_answers

pytest_plugins = ["tests.harness.storage_fixtures"]


def redeem(database: Database, vault: Vault, code: str, hours: int = 1) -> Officer | None:
    with database.transaction() as conn:
        return officers.redeem_officer_invitation(conn, vault, code, NOW + hours * HOUR)


def invite(database: Database, vault: Vault) -> str:
    with database.transaction() as conn:
        return officers.invite_officer(conn, vault, PC_KAUR, NOW)


def test_a_code_works_once(database: Database, vault: Vault) -> None:
    code = invite(database, vault)
    assert len(code) == 32
    assert redeem(database, vault, code) == replace(PC_KAUR, verified=True)
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

    def run(_: int) -> Officer | None:
        start.wait()
        return redeem(database, vault, code)

    with ThreadPoolExecutor(8) as threads:
        assert sum(found is not None for found in threads.map(run, range(8))) == 1


def test_open_invitations_can_all_be_ended(database: Database, vault: Vault) -> None:
    code = invite(database, vault)
    with database.transaction() as conn:
        assert officers.revoke_officer_invitations(conn) == 1
    assert redeem(database, vault, code) is None


def test_an_officer_is_listed_changed_and_revoked(database: Database, vault: Vault) -> None:
    chat_id = store_answers(database, vault, "kaur")
    moved = replace(PC_KAUR, agency="Medway Council")
    with database.transaction() as conn:
        officers.save_officer(conn, vault, chat_id, PC_KAUR, NOW)
        officers.save_officer(conn, vault, chat_id, moved, NOW + HOUR)
    with database.session() as session:
        (known,) = officers.list_officers(session, vault)
    assert (known.chat_id, known.officer, known.seen_at) == (chat_id, moved, NOW + HOUR)
    with database.transaction() as conn:
        assert officers.revoke_officer(conn, chat_id)
        assert not officers.revoke_officer(conn, chat_id)
    with database.session() as session:
        assert officers.list_officers(session, vault) == []
