"""Checks that the vault is the one that sealed this database, before anything is set aside."""

from sqlalchemy import insert, select

from storage.tables import SYSTEM_STATE
from storage.unit import Unit
from storage.vault import VaultError

_ROW_ID = "vault"


def vault_matches(unit: Unit) -> bool:
    """Return whether the vault opens this database; the first vault to ask always does.

    Ask at start and stop if it does not: with the wrong keys no fingerprint would match
    and nothing could be decrypted.
    """
    query = select(SYSTEM_STATE.c.body).where(SYSTEM_STATE.c.id == _ROW_ID)
    sealed = unit.conn.scalars(query).first()
    own = unit.vault.fingerprint(_ROW_ID)  # of the plain text: older than the JSON lists
    if sealed is None:
        unit.conn.execute(insert(SYSTEM_STATE), {"id": _ROW_ID, "body": unit.seal(_ROW_ID, own)})
        return True
    try:
        return unit.unseal(_ROW_ID, sealed) == own
    except VaultError:
        return False
