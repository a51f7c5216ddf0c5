"""Prints the referrals of a database, opened with its key: one JSON object a line."""

import json
import os
from pathlib import Path

from sqlalchemy import select

from flows.record import Record
from storage.chats.addresses import address_context
from storage.database import Database
from storage.referrals.rows import unseal_record
from storage.tables import CHAT, REFERRAL
from storage.vault import Vault

WITHOUT_LINE = {
    "door": "I was harmed by a crime",
    "extra": "Skip",
    "confirm": "Send to the service",
}
"""Buttons that lead somewhere and leave no line in the record."""
LABELS = ("wish", "harm", "known", "their_age", "name", "way", "if_answered")


def answers_of(record: Record) -> dict[str, str]:
    """Return what the load player pressed or typed, by its own keys."""
    lines = {line.question: line for line in record.lines}
    given = {key: lines[key].label for key in LABELS if key in lines}
    adult = "age" in lines and lines["age"].value == "adult"
    number = lines["number"].value if "number" in lines else ""
    notice = "Yes, and I am 18 or over" if adult else "?"
    return {**WITHOUT_LINE, **given, "contact": number, "notice": notice}


def main() -> None:
    """Print every referral of the database that the environment names."""
    vault = Vault.open(Path(os.environ["BENCH_DATA_DIR"]) / "data" / "vault.key", create=False)
    database = Database(os.environ["DATABASE_URL"], vault)
    with database.reading() as unit:
        rows = unit.conn.execute(
            select(REFERRAL, CHAT.c.address).join(CHAT, CHAT.c.id == REFERRAL.c.chat_id)
        )
        for row in rows:
            answers = answers_of(unseal_record(unit, row))
            chat = int(unit.unseal(address_context(row.chat_id), row.address))
            identity = {"name": answers.get("name"), "contact": answers["contact"]}
            print(json.dumps({"chat_id": chat, **identity, "answers": answers}))
    database.close()


if __name__ == "__main__":
    main()
