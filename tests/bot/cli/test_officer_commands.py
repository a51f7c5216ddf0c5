"""Partner officers from the command line: listed, invited, revoked, by the rules of the desk."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.__main__ import app
from bot.settings import Settings
from storage import logbook
from storage.chats import officers
from storage.database import Database
from storage.logbook import LogbookLine
from storage.vault import Vault
from tests.support.builders import PC_KAUR, store_answers

REED = ("--name", "PC Sam Reed", "--agency", "Kent Police", "--contact", "sam.reed@kent.example")
Rj = Callable[..., Result]


@pytest.fixture
def rj(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, file: Path, vault: Vault) -> Rj:
    """Return the command line on the database and the vault of this test, away from any .env."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{file}")
    monkeypatch.setenv("VAULT_KEY_FILE", str(tmp_path / "vault.json"))
    return lambda *words: CliRunner().invoke(app, [*words])


def logged(database: Database) -> list[LogbookLine]:
    with database.reading() as unit:
        return logbook.list_logbook_lines(unit)


def listed(rj: Rj) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(rj("officers", "list", "--json").stdout)
    return found


@pytest.mark.parametrize("invite", [("invite",), ("officers", "invite")], ids=" ".join)
def test_both_ways_to_invite_are_one(rj: Rj, database: Database, invite: tuple[str, ...]) -> None:
    assert "No officer is known" in rj("officers", "list").stdout
    assert rj(*invite, *REED).stdout.startswith("/start i_")
    (row,) = listed(rj)
    assert (row["state"], row["name"], row["invited_by"]) == (
        "invited",
        "PC Sam Reed",
        "command line",
    )
    (line,) = logged(database)
    assert (line.actor, line.action, line.target) == ("command line", "officer_invited", row["key"])


def test_an_invitation_is_revoked_before_it_was_used(rj: Rj, database: Database) -> None:
    code = rj("invite", *REED).stdout.strip().removeprefix("/start i_")
    key = str(listed(rj)[0]["key"])
    assert key in rj("officers", "list").stdout
    revoked = rj("officers", "revoke", key, "--reason", "wrong_person")
    assert "Invitations ended: 1." in revoked.stdout
    with database.unit(datetime.now(UTC)) as unit:
        assert officers.redeem_officer_invitation(unit, code) is None
    line = logged(database)[0]
    assert (line.actor, line.action, line.reason) == (
        "command line",
        "officer_revoked",
        "wrong_person",
    )


def test_an_officer_is_revoked_once(rj: Rj, database: Database) -> None:
    chat_id = store_answers(database, "kaur")
    with database.unit(datetime.now(UTC)) as unit:
        officers.save_officer(unit, chat_id, PC_KAUR)
    (row,) = listed(rj)
    assert row["chats"] == 1
    assert rj("officers", "revoke", str(row["key"])).exit_code == 2, "a reason is asked"
    done = rj("officers", "revoke", str(row["key"]), "--reason", "device_lost")
    assert "Chats and browsers: 1." in done.stdout
    (after,) = listed(rj)
    assert (after["state"], after["chats"]) == ("revoked", 0)
    again = rj("officers", "revoke", str(row["key"]), "--reason", "device_lost")
    assert again.exit_code == 1
    assert "There is no officer" in again.output
    assert len(logged(database)) == 1


def test_details_that_are_none_make_no_invitation(rj: Rj, database: Database) -> None:
    wrong = rj("invite", "--name", "PC", "--agency", " ", "--contact", "x")
    assert wrong.exit_code == 1
    assert "agency, contact" in wrong.output
    assert listed(rj) == []
    assert logged(database) == []
