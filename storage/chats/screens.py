"""What stands on the screen of a browser chat, sealed: the page shows it again at every visit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select
from sqlmodel import Session

from storage.chats.conversations import address_print
from storage.serialization import Unreadable, read_dict, write
from storage.tables import AnyRow, new_id
from storage.vault import Vault, VaultError
from storage.web_tables import SHOWN

MOST = 200
"""How many messages a chat's screen holds; older ones go."""
Rows = Sequence[Sequence[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Line:
    """One message: `rows` are its buttons; `private` shows a person's own answers.

    What is `passing` is shown only until the person does the next thing.
    """

    id: str
    text: str
    rows: Rows = ()
    from_person: bool = False
    private: bool = False
    passing: bool = False


def put(
    conn: Connection, vault: Vault, channel: str, address: str, line: Line, now: datetime
) -> str:
    """Put a message below the others and return its id; without an id it gets a fresh one."""
    id, mark = line.id or new_id(), address_print(vault, channel, address)
    body = {"text": line.text, "rows": line.rows, "private": line.private, "passing": line.passing}
    row = {
        "id": id,
        "channel": channel,
        "address_print": mark,
        "from_person": line.from_person,
        "body": vault.seal(write(body), _place(mark, id)),
        "at": now,
    }
    conn.execute(insert(SHOWN), row)
    _drop_oldest(conn, mark)
    return id


def change(
    conn: Connection, vault: Vault, channel: str, address: str, line: Line, now: datetime
) -> bool:
    """Show a message anew, below the others; return False when it is not on the screen."""
    if not remove(conn, vault, channel, address, [line.id]):
        return False
    put(conn, vault, channel, address, line, now)
    return True


def remove(conn: Connection, vault: Vault, channel: str, address: str, ids: Iterable[str]) -> int:
    """Take messages off a chat's screen; return how many were there."""
    mine = SHOWN.c.address_print == address_print(vault, channel, address)
    return conn.execute(delete(SHOWN).where(mine, SHOWN.c.id.in_(list(ids)))).rowcount


def wipe(conn: Connection, vault: Vault, channel: str, address: str) -> int:
    """Take everything off a chat's screen; return how much there was."""
    mine = SHOWN.c.address_print == address_print(vault, channel, address)
    return conn.execute(delete(SHOWN).where(mine)).rowcount


def lines(session: Session, vault: Vault, channel: str, address: str) -> list[Line]:
    """Return what stands on a chat's screen, the oldest first; what cannot be opened is not."""
    mark = address_print(vault, channel, address)
    query = select(SHOWN).where(SHOWN.c.address_print == mark).order_by(SHOWN.c.n)
    found = [_opened(vault, row) for row in session.connection().execute(query)]
    return [line for line in found if line is not None]


def newest(session: Session) -> str:
    """Return what changes whenever anything changes on any screen."""
    return _state(session, select(func.count(), func.max(SHOWN.c.n)))


def newest_of(session: Session, vault: Vault, channel: str, address: str) -> str:
    """Return what changes whenever anything changes on this screen."""
    mine = SHOWN.c.address_print == address_print(vault, channel, address)
    return _state(session, select(func.count(), func.max(SHOWN.c.n)).where(mine))


def _state(session: Session, query: Any) -> str:
    count, last = session.connection().execute(query).one()
    return f"{count}.{last or 0}"


def _drop_oldest(conn: Connection, mark: str) -> None:
    mine = SHOWN.c.address_print == mark
    kept = select(SHOWN.c.n).where(mine).order_by(SHOWN.c.n.desc()).offset(MOST).limit(1)
    oldest = conn.execute(kept).scalar()
    if oldest is not None:
        conn.execute(delete(SHOWN).where(mine, SHOWN.c.n <= oldest))


def _opened(vault: Vault, row: AnyRow) -> Line | None:
    try:
        body = read_dict(vault.unseal(row.body, _place(row.address_print, row.id)))
    except (VaultError, Unreadable):
        return None
    return Line(
        row.id, body["text"], body["rows"], row.from_person, body["private"], body["passing"]
    )


def _place(mark: str, id: str) -> str:
    return f"screen/{mark}/{id}"
