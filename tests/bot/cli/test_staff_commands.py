"""Accounts of staff from the command line, and what the doctor says about them."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update
from typer.testing import CliRunner, Result

from bot.__main__ import app
from bot.cli import doctor
from bot.settings import Settings
from storage import logbook
from storage.accounts import staff
from storage.database import Database
from storage.referrals import acts, lifecycle
from storage.vault import Vault
from storage.web_tables import LOGBOOK
from tests.support.builders import NOW, make_record

Rj = Callable[..., Result]


@pytest.fixture
def rj(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, file: Path, vault: Vault) -> Rj:
    """Return the command line on the database and the vault of this test, away from any .env."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{file}")
    monkeypatch.setenv("VAULT_KEY_FILE", str(tmp_path / "vault.json"))
    return lambda *words: CliRunner().invoke(app, ["staff", *words])


def test_the_first_administrator_comes_in_by_the_command_line(rj: Rj, database: Database) -> None:
    assert "There is no account" in rj("list").stdout
    made = rj("invite", "Ada", "--role", "administrator")
    code = made.stdout.splitlines()[0].rsplit(" ", 1)[1]
    assert f"http://127.0.0.1:8000/desk/join?code={code}" in made.stdout
    assert rj("list").stdout.split() == ["ada", "administrator", "invited"]
    with database.reading(datetime.now(UTC)) as unit:
        invitation = staff.find_invited_account(unit, code)
        assert invitation is not None
        line = logbook.list_logbook_lines(unit)[0]
    assert (line.actor, line.action, line.target) == ("command line", "invite", "ada")
    assert rj("invite", "ada", "--role", "mediator").exit_code == 1
    again = rj("invite", "ada", "--role", "administrator", "--again")
    assert again.exit_code == 0
    assert code not in again.stdout
    assert rj("invite", "omar", "--role", "mediator", "--again").exit_code == 1
    assert rj("invite", "<b>", "--role", "mediator").exit_code == 1
    assert rj("invite", "omar", "--role", "king").exit_code == 2


def test_an_account_is_disabled_once_it_owns_nothing(rj: Rj, database: Database) -> None:
    rj("invite", "mira", "--role", "mediator")
    with database.unit(NOW) as unit:
        lifecycle.hand_over(unit, make_record("AAAA-CCCC"), None)
        acts.claim(unit, "AAAA-CCCC", "mira")
    owns = rj("disable", "mira")
    assert owns.exit_code == 1
    assert "AAAA-CCCC" in owns.output
    assert rj("invite", "mira", "--role", "administrator", "--again").exit_code == 1
    with database.unit(NOW) as unit:
        acts.perform_act(unit, "AAAA-CCCC", "hand_back", "mira")
    assert rj("disable", "mira").exit_code == 0
    assert rj("disable", "mira").exit_code == 1
    assert rj("list").stdout.split() == ["mira", "mediator", "disabled"]


def test_the_doctor_asks_for_an_administrator_and_reads_the_logbook(
    rj: Rj, database: Database
) -> None:
    def examined() -> tuple[list[str], list[str]]:
        return doctor.run_checks(Settings(_env_file=None))

    assert [line for line in examined()[1] if "accounts of staff" in line]
    with database.unit(NOW) as unit:
        code = staff.invite_staff(unit, "ada", "administrator", "command line")
        staff.activate_account(unit, code, "a hash", "A" * 32)
        for did in ("invite", "join", "sign_in"):
            logbook.add_logbook_line(unit, "ada", did, "ada")
    wrong, notes = examined()
    assert not [line for line in (*wrong, *notes) if "accounts of staff" in line or "logb" in line]
    with database.unit() as unit:
        unit.conn.execute(update(LOGBOOK).where(LOGBOOK.c.n == 2).values(actor="mira"))
    assert [line for line in examined()[0] if "logbook" in line]
