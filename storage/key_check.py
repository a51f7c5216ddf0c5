"""Knows whether a vault is the one that sealed this database, before anything is set aside."""

from sqlalchemy import Connection, insert, select

from storage.tables import SYSTEM_STATE
from storage.vault import Vault, VaultError

_ROW_ID = "vault"


def vault_matches(conn: Connection, vault: Vault) -> bool:
    """Return whether this vault opens this database; the first vault to ask always does.

    Ask at start and stop if it does not: with the wrong keys nobody would be recognised and
    nothing could be read.
    """
    sealed = conn.scalars(select(SYSTEM_STATE.c.body).where(SYSTEM_STATE.c.id == _ROW_ID)).first()
    if sealed is None:
        row = {"id": _ROW_ID, "body": vault.seal(vault.fingerprint(_ROW_ID), _ROW_ID)}
        conn.execute(insert(SYSTEM_STATE), row)
        return True
    try:
        return vault.unseal(sealed, _ROW_ID) == vault.fingerprint(_ROW_ID)
    except VaultError:
        return False
