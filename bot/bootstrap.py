"""Opens what every command needs: the settings, the database, the vault that fits it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.settings import InvalidSettings, Settings, read_content_settings
from flows import content_files
from flows.content_files import UnusableContent
from storage import key_check
from storage.database import Database
from storage.vault import Vault


def use_own_content() -> None:
    """Read the service's own content over the shipped, where CONTENT_DIR names some.

    Raises InvalidSettings when it cannot be used.
    """
    folder = read_content_settings().content_dir
    if folder is None:
        return
    try:
        content_files.use_own_folder(folder)
    except UnusableContent as wrong:
        raise InvalidSettings(f"CONTENT_DIR: {wrong}") from None


@contextmanager
def open_store(settings: Settings) -> Iterator[Database]:
    """Give the configured database with the vault that fits it, its tables up to date.

    The key file is only made by itself beside a development database. Raises InvalidSettings when
    the key is not the one the database was kept under.
    """
    vault = Vault.open(settings.key_file, create=settings.vault_key_file is None)
    database = Database(settings.database_url, vault)
    try:
        if not database.is_current():
            database.migrate()
        with database.unit() as unit:
            fits = key_check.vault_matches(unit)
        if not fits:
            raise InvalidSettings(
                "The key file is not the one that this database was kept under. "
                "Set VAULT_KEY_FILE to the right one; without it nothing can be read."
            )
        yield database
    finally:
        database.close()


@contextmanager
def open_demo_store() -> Iterator[Database]:
    """Give a fresh database and key, in a folder that is thrown away in the end."""
    with tempfile.TemporaryDirectory(prefix="rj-demo-") as folder:
        url, key_file = f"sqlite:///{folder}/demo.db", Path(folder, "demo.key")
        Vault.open(key_file, create=True)
        settings = Settings(_env_file=None, database_url=url, vault_key_file=key_file)
        with open_store(settings) as database:
            yield database
