"""Encrypted backups of the database and its key file; the only file that knows age (pyrage).

A backup is a tar archive in the age format (https://age-encryption.org/v1), encrypted to a public
key. What opens it, the recovery key, is kept away from the machine that makes backups.
"""

import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO

import pyrage

from storage.backends import UnsafeDatabase
from storage.backends.sqlite_driver import sqlite_file
from storage.backups.erasures import (
    ErasureList,
    apply_erasures,
    end_what_a_backup_revives,
    list_erasures,
)
from storage.backups.table_copy import copy_rows, copy_to_file, holds_rows
from storage.database import Database
from storage.key_check import vault_matches
from storage.serialization import DecodeError, dumps, loads
from storage.vault import Vault

DATABASE_NAME, KEY_NAME, ERASURES_NAME = "rj.db", "vault.key", "erasures.json"


class BackupError(RuntimeError):
    """A backup cannot be made or restored; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did: the schema's revision, and how much that was gone had come back."""

    revision: str
    erased_again: int


def make_recovery_key(path: Path) -> str:
    """Write a new recovery key to a file for its owner alone; return its public key.

    Raises BackupError when there is a file of that name.
    """
    identity = pyrage.x25519.Identity.generate()
    with _new_file(path) as file:
        file.write(f"{identity}\n".encode())
    return str(identity.to_public())


def write_backup(database: Database, key_file: Path, public_key: str, path: Path) -> None:
    """Write a backup to a new file while others read and write; it is whole or not there.

    Only sealed rows are on the disk meanwhile: the key goes from memory into the encryption.
    Whatever kind the database is, the backup holds a SQLite file. Raises BackupError.
    """
    recipient = _recipient(public_key)
    with _private_folder(path) as folder:
        copy = folder / DATABASE_NAME
        copy_to_file(database, copy)

        def fill(archive: tarfile.TarFile) -> None:
            archive.add(copy, DATABASE_NAME, recursive=False, filter=_anonymous)
            archive.addfile(*_member(KEY_NAME, key_file.read_bytes()))

        _write_encrypted(fill, recipient, folder / "backup", path)


def write_erasures(database: Database, public_key: str, path: Path) -> None:
    """Write what must stay gone to a new file; small, to be made far more often than a backup.

    Raises BackupError.
    """
    recipient = _recipient(public_key)
    with database.reading() as unit:
        text = dumps(list_erasures(unit)).encode()
    with _private_folder(path) as folder:
        _write_encrypted(
            lambda archive: archive.addfile(*_member(ERASURES_NAME, text)),
            recipient,
            folder / "erasures",
            path,
        )


def restore_backup(
    backup: Path, recovery_key: Path, erasures: list[Path], url: str, key_file: Path
) -> Restored:
    """Put back a backup where there is no database and no key, less what `erasures` say is gone.

    `url` names the database: a SQLite file that is not there yet, or one of PostgreSQL without
    any row. Everything is checked before either is touched. Raises BackupError and UnsafeDatabase.
    """
    database_file = sqlite_file(url)
    for file in filter(None, (database_file, key_file)):
        if file.exists():
            raise BackupError(f"There is a file at {file} already. Nothing is written over.")
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    identity = _identity(recovery_key)
    gone = [_read_erasures(one, identity) for one in erasures]
    with _private_folder(database_file or key_file) as folder:
        file, key = folder / "rj.db", folder / "key"
        _unpack(backup, identity, {DATABASE_NAME: file, KEY_NAME: key})
        restored = _prepare(file, Vault.open(key, create=False), gone)
        if database_file is None:
            _fill(url, file)
        shutil.move(key, key_file)
        if database_file:
            file.rename(database_file)
        return restored


def _fill(url: str, file: Path) -> None:
    """Copy a SQLite file into a database that has no row yet."""
    target, source = Database(url), Database(f"sqlite:///{file}")
    try:
        target.migrate()
        with source.backend.reader.begin() as rows, target.transaction() as empty:
            if holds_rows(empty):
                raise BackupError("DATABASE_URL names a database that holds something already.")
            copy_rows(rows, empty)
    finally:
        source.close()
        target.close()


def _prepare(file: Path, vault: Vault, gone: list[ErasureList]) -> Restored:
    database = Database(f"sqlite:///{file}", vault)
    try:
        if problems := [one for one in database.check() if "rj migrate" not in one]:
            raise BackupError(f"The backup is damaged. {problems[0]}")
        database.migrate()
        with database.unit() as unit:
            if not vault_matches(unit):
                raise BackupError("The key in the backup is not the one of its database.")
            end_what_a_backup_revives(unit)
            erased_again = sum(apply_erasures(unit, one) for one in gone)
        database.backend.erase_free_space()
        return Restored(database.revision() or "", erased_again)
    except UnsafeDatabase as problem:
        raise BackupError(f"The backup is damaged. {problem}") from None
    finally:
        database.close()


def _read_erasures(path: Path, identity: pyrage.x25519.Identity) -> ErasureList:
    with tempfile.TemporaryDirectory(prefix="rj-") as folder:
        file = Path(folder, ERASURES_NAME)
        _unpack(path, identity, {ERASURES_NAME: file})
        try:
            return loads(ErasureList, file.read_text())
        except DecodeError:
            raise BackupError(f"{path} is no list of erasures.") from None


def _write_encrypted(
    fill: Callable[[tarfile.TarFile], None],
    recipient: pyrage.x25519.Recipient,
    unfinished: Path,
    path: Path,
) -> None:
    """Encrypt an archive while it is being filled; give the file its name when it is on disk."""
    reader, writer = os.pipe()

    def archive() -> None:
        with os.fdopen(writer, "wb") as pipe, tarfile.open(fileobj=pipe, mode="w|") as made:
            fill(made)

    with ThreadPoolExecutor(1) as thread, os.fdopen(reader, "rb") as pipe:
        filled = thread.submit(archive)
        with _new_file(unfinished) as out:
            pyrage.encrypt_io(pipe, out, [recipient])
            filled.result()
            out.flush()
            os.fsync(out.fileno())
    try:
        os.link(unfinished, path)  # unlike a rename, it never writes over a file
    except FileExistsError:
        raise BackupError(f"There is a file at {path} already. Choose another name.") from None


def _unpack(path: Path, identity: pyrage.x25519.Identity, targets: dict[str, Path]) -> None:
    """Decrypt an archive and write the files of `targets`; raise BackupError without them."""
    try:
        encrypted = path.open("rb")
    except OSError as problem:
        raise BackupError(f"{path} cannot be read ({type(problem).__name__}).") from None
    reader, writer = os.pipe()

    def decrypt() -> None:
        with os.fdopen(writer, "wb") as pipe:
            pyrage.decrypt_io(encrypted, pipe, [identity])

    found: set[str] = set()
    with (
        encrypted,
        ThreadPoolExecutor(1) as thread,
        os.fdopen(reader, "rb") as pipe,
    ):
        decrypted = thread.submit(decrypt)
        try:
            with tarfile.open(fileobj=pipe, mode="r|") as archive:
                for member in archive:
                    content = archive.extractfile(member)
                    if member.name in targets and content:
                        with _new_file(targets[member.name]) as file:
                            shutil.copyfileobj(content, file)
                        found.add(member.name)
        except tarfile.TarError:
            found.clear()
        while pipe.read(1 << 20):  # what is left, so that the other end can finish
            pass
        try:
            decrypted.result()
        except (OSError, pyrage.DecryptError):  # an archive that was cut off is the former
            raise BackupError(
                f"{path} cannot be opened. It is damaged, or this is not its recovery key."
            ) from None
    if found != targets.keys():
        raise BackupError(f"{path} is not what is asked for here: a backup, or its erasures.")


def _recipient(public_key: str) -> pyrage.x25519.Recipient:
    try:
        return pyrage.x25519.Recipient.from_str(public_key.strip())
    except pyrage.RecipientError:
        raise BackupError(
            "BACKUP_RECIPIENT is no public key. Make one with: rj key recovery FILE"
        ) from None


def _identity(path: Path) -> pyrage.x25519.Identity:
    try:
        lines = path.read_text().splitlines()
        (secret,) = [line for line in lines if line.strip() and not line.startswith("#")]
        return pyrage.x25519.Identity.from_str(secret.strip())
    except (OSError, ValueError, pyrage.IdentityError):
        raise BackupError("The recovery key cannot be read from its file.") from None


@contextmanager
def _private_folder(beside: Path) -> Iterator[Path]:
    """Give a folder for its owner alone on the disk of a file, gone in the end."""
    try:
        folder = tempfile.mkdtemp(prefix=".rj-", dir=beside.absolute().parent)
    except OSError as problem:
        code = type(problem).__name__
        raise BackupError(f"Nothing can be written beside {beside} ({code}).") from None
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder)


@contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    """Give a new file for its owner alone."""
    try:
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise BackupError(f"There is a file at {path} already. Choose another name.") from None
    except OSError as problem:
        raise BackupError(f"{path} cannot be written ({type(problem).__name__}).") from None
    with os.fdopen(opened, "wb") as file:
        yield file


def _member(name: str, content: bytes) -> tuple[tarfile.TarInfo, IO[bytes]]:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o600
    return member, BytesIO(content)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member
