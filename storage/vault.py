"""Encryption at rest; the only file that encrypts."""

import base64
import hashlib
import hmac
import json
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_FILE_SETTING = "VAULT_KEY_FILE"
_VERSION = 1
_ID_BYTES = 4
_NONCE_BYTES = 12
_LENGTH_BYTES = 4
_MIN_PADDED_SIZE = 128


class VaultError(Exception):
    """Something could not be sealed, opened or set up; never says what was inside."""


class UnknownKey(VaultError):
    """What is kept was sealed with a key that this process does not have; another one may."""


class Vault:
    """Seals text with AES-256-GCM, each piece bound to its context (associated data).

    A sealed piece is: version (1 byte), key id (4), nonce (12), then cipher text with its tag.
    The version byte leaves room for another way of sealing, such as to a public key.
    """

    def __init__(
        self,
        current: str,
        keys: Mapping[str, bytes],
        fingerprint: bytes,
        file: Path | None = None,
    ) -> None:
        self._fingerprint, self._file = fingerprint, file
        self._use(current, keys)

    @classmethod
    def open(cls, path: Path, create: bool) -> "Vault":
        """Return the vault whose keys are in the file at `path`.

        With `create` a missing file is made, readable by its owner alone. Raises VaultError,
        saying what to do, when the file is missing, open to others, or not a key file.
        """
        if create and not path.exists():
            _create_key_file(path, _key_file_with_new_key({}, os.urandom(32)))
        return cls(*_read_key_file(path), path)

    @classmethod
    def rotate(cls, path: Path) -> "Vault":
        """Add a new current key to the file at `path`, keep the old ones, return the vault.

        AES-GCM with random nonces is safe for 2**32 pieces a key (NIST SP 800-38D, 8.3).
        """
        _, keys, fingerprint = _read_key_file(path)
        _replace_key_file(path, _key_file_with_new_key(keys, fingerprint))
        return cls(*_read_key_file(path), path)

    def seal(self, text: str, context: str) -> bytes:
        """Return `text` sealed for `context`; the padded size reveals only a power of two."""
        current, cipher = self._current
        head = bytes([_VERSION]) + current
        nonce = os.urandom(_NONCE_BYTES)
        return head + nonce + cipher.encrypt(nonce, _pad(text), _associated_data(head, context))

    def unseal(self, sealed: bytes, context: str) -> str:
        """Return what was sealed for `context`; raise VaultError if this is not it.

        Of what was sealed with a key that is not there UnknownKey is raised, once the key file was
        read again: another process may have started with a new key.
        """
        head, rest = sealed[: 1 + _ID_BYTES], sealed[1 + _ID_BYTES :]
        if len(head) <= _ID_BYTES or head[0] != _VERSION:
            raise VaultError(f"What is kept at {context} was not sealed by this program.")
        if head[1:] not in self._ciphers:
            self._read_file_again()
        cipher = self._ciphers.get(head[1:])
        if cipher is None:
            raise UnknownKey(f"No key for what is kept at {context}.")
        try:
            nonce, hidden = rest[:_NONCE_BYTES], rest[_NONCE_BYTES:]
            return _unpad(cipher.decrypt(nonce, hidden, _associated_data(head, context)))
        except (InvalidTag, ValueError):
            raise VaultError(f"What is kept at {context} cannot be opened.") from None

    def _use(self, current: str, keys: Mapping[str, bytes]) -> None:
        ciphers = {bytes.fromhex(name): AESGCM(key) for name, key in keys.items()}
        name = bytes.fromhex(current)
        self._ciphers, self._current = ciphers, (name, ciphers[name])

    def _read_file_again(self) -> None:
        """Take over keys that were added to the file; leave all as it is when it cannot be read."""
        if self._file is None:
            return
        try:
            current, keys, fingerprint = _read_key_file(self._file)
        except VaultError:
            return
        if hmac.compare_digest(fingerprint, self._fingerprint):
            self._use(current, keys)

    def fingerprint(self, text: str) -> str:
        """Return HMAC-SHA-256 of `text`, truncated to 128 bits, as 32 hexadecimal characters."""
        return hmac.new(self._fingerprint, _encoded(text), hashlib.sha256).hexdigest()[:32]


def _encoded(text: str) -> bytes:
    # Telegram can hand over half of a surrogate pair, which plain UTF-8 refuses.
    return text.encode("utf-8", "surrogatepass")


def _associated_data(head: bytes, context: str) -> bytes:
    return head + _encoded(context)


def _pad(text: str) -> bytes:
    plain = _encoded(text)
    plain = len(plain).to_bytes(_LENGTH_BYTES) + plain
    size = _MIN_PADDED_SIZE
    while size < len(plain):
        size *= 2
    return plain.ljust(size, b"\0")


def _unpad(plain: bytes) -> str:
    end = _LENGTH_BYTES + int.from_bytes(plain[:_LENGTH_BYTES])
    return plain[_LENGTH_BYTES:end].decode("utf-8", "surrogatepass")


def _key_file_with_new_key(keys: Mapping[str, bytes], fingerprint: bytes) -> str:
    name = secrets.token_hex(_ID_BYTES)
    grown = {**keys, name: os.urandom(32)}
    shown = {kept: base64.b64encode(key).decode() for kept, key in grown.items()}
    whole = {"current": name, "keys": shown, "fingerprint": base64.b64encode(fingerprint).decode()}
    return json.dumps(whole, indent=2)


def _read_key_file(path: Path) -> tuple[str, dict[str, bytes], bytes]:
    _refuse_if_open_to_others(path)
    try:
        whole = json.loads(path.read_text("utf-8"))
        keys = {name: _decode_key(kept) for name, kept in whole["keys"].items()}
        if any(len(bytes.fromhex(name)) != _ID_BYTES for name in keys):
            raise ValueError
        fingerprint, current = _decode_key(whole["fingerprint"]), str(whole["current"])
        if current not in keys:
            raise ValueError
        return current, keys, fingerprint
    except (ValueError, KeyError, TypeError, AttributeError):
        raise VaultError(f"{path} is not a key file. Put back a copy of the right one.") from None
    except OSError as trouble:
        raise VaultError(f"The key file {path} cannot be read: {trouble.strerror}.") from None


def _decode_key(kept: str) -> bytes:
    key = base64.b64decode(kept, validate=True)
    if len(key) != 32:
        raise ValueError
    return key


def _refuse_if_open_to_others(path: Path) -> None:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        raise VaultError(
            f"There is no key file at {path}. Set {KEY_FILE_SETTING} to the file with the keys."
        ) from None
    if os.name == "posix" and mode & 0o077:
        raise VaultError(f"Others can read the key file. Type: chmod 600 {path}")


def _create_key_file(path: Path, text: str) -> None:
    """Write a key file unless another process was quicker; theirs then stands."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = _write_temporary(path, text)
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
    _fsync_folder(path.parent)


def _replace_key_file(path: Path, text: str) -> None:
    _write_temporary(path, text).replace(path)
    _fsync_folder(path.parent)


def _write_temporary(path: Path, text: str) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return draft


def _fsync_folder(folder: Path) -> None:
    """Have the folder's new entry on the disk before going on (POSIX only)."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
