"""Knows whether a vault is the one that sealed this database, before anything is set aside."""

from sqlalchemy import Connection, insert, select

from storage.tables import MARK
from storage.vault import Vault, VaultError

_MARK = "vault"


def fits(conn: Connection, vault: Vault) -> bool:
    """Return whether this vault opens this database; the first vault to ask always does.

    Ask at start and stop if it does not: with the wrong keys nobody would be recognised and
    nothing could be read.
    """
    sealed = conn.scalars(select(MARK.c.body).where(MARK.c.id == _MARK)).first()
    if sealed is None:
        row = {"id": _MARK, "body": vault.seal(vault.fingerprint(_MARK), _MARK)}
        conn.execute(insert(MARK), row)
        return True
    try:
        return vault.unseal(sealed, _MARK) == vault.fingerprint(_MARK)
    except VaultError:
        return False
