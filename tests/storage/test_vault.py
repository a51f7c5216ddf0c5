"""What a person said is sealed for one place, opens only there, and only with the right keys."""

import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.vault import UnknownKey, Vault, VaultError

WORDS = "He waits outside my flat in Margate"
ANY_TEXT = st.text(st.characters(exclude_categories=()))
MEMORY = Vault("00000001", {"00000001": bytes(32)}, bytes(32))


@given(ANY_TEXT)
def test_any_text_comes_back_as_it_was(text: str) -> None:
    assert MEMORY.unseal(MEMORY.seal(text, "here"), "here") == text


def test_half_a_surrogate_pair_comes_back_as_it_was(vault: Vault) -> None:
    assert vault.unseal(vault.seal("oh \ud83d no", "here"), "here") == "oh \ud83d no"
    assert len(vault.fingerprint("\ud83d")) == 32


def test_it_opens_nowhere_else(vault: Vault) -> None:
    sealed = vault.seal(WORDS, "answer/1/body")
    with pytest.raises(VaultError) as refused:
        vault.unseal(sealed, "answer/2/body")
    assert "Margate" not in str(refused.value)


def test_one_changed_bit_is_noticed(vault: Vault) -> None:
    sealed = vault.seal(WORDS, "here")
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(VaultError):
            vault.unseal(bytes(changed), "here")


@pytest.mark.parametrize("cut", [0, 1, 4, 5, 16, 17, 40])
def test_a_piece_of_it_is_refused(vault: Vault, cut: int) -> None:
    with pytest.raises(VaultError):
        vault.unseal(vault.seal(WORDS, "here")[:cut], "here")


def test_the_same_words_never_look_the_same_twice(vault: Vault) -> None:
    assert len({vault.seal(WORDS, "here") for _ in range(100)}) == 100


def test_its_length_tells_little(vault: Vault) -> None:
    frame = len(vault.seal("", "here")) - 128
    lengths = {len(vault.seal("x" * n, "here")) - frame for n in range(0, 5000, 7)}
    assert lengths == {128, 256, 512, 1024, 2048, 4096, 8192}


def test_a_fingerprint_is_the_same_each_time_and_another_vault_has_others(
    vault: Vault, tmp_path: Path
) -> None:
    other = Vault.open(tmp_path / "other.json", create=True)
    assert vault.fingerprint("42") == vault.fingerprint("42") != vault.fingerprint("43")
    assert vault.fingerprint("42") != other.fingerprint("42")


def test_the_first_run_makes_a_key_file_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "vault.json"
    Vault.open(path, create=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [kept.name for kept in path.parent.iterdir()] == ["vault.json"]


def test_opening_it_again_opens_what_was_sealed_before(tmp_path: Path) -> None:
    path = tmp_path / "vault.json"
    sealed = Vault.open(path, create=True).seal(WORDS, "here")
    assert Vault.open(path, create=True).unseal(sealed, "here") == WORDS
    assert Vault.open(path, create=False).unseal(sealed, "here") == WORDS


def test_a_missing_key_file_says_which_setting_to_set(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match="Set VAULT_KEY_FILE"):
        Vault.open(tmp_path / "vault.json", create=False)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "vault.json"
    Vault.open(path, create=True)
    path.chmod(mode)
    with pytest.raises(VaultError, match="chmod 600"):
        Vault.open(path, create=True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"current": "00000001", "keys": {}, "fingerprint": ""}',
        '{"current": "1", "keys": {"1": "AA=="}, "fingerprint": "AA=="}',
        '{"current": "00000001", "keys": [], "fingerprint": 3}',
    ],
)
def test_what_is_not_a_key_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "vault.json"
    path.touch(mode=0o600)
    path.write_text(text)
    with pytest.raises(VaultError, match="is not a key file"):
        Vault.open(path, create=True)


def test_a_new_key_seals_and_the_old_one_still_opens(tmp_path: Path) -> None:
    path = tmp_path / "vault.json"
    old = Vault.open(path, create=True)
    sealed = old.seal(WORDS, "here")
    new = Vault.rotate(path)
    assert new.unseal(sealed, "here") == WORDS
    assert new.fingerprint(WORDS) == old.fingerprint(WORDS)
    assert old.unseal(new.seal(WORDS, "here"), "here") == WORDS, "it reads the file again"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(json.loads(path.read_text())["keys"]) == 2


def test_a_key_that_is_in_no_file_here_is_unknown(tmp_path: Path) -> None:
    path, other = tmp_path / "vault.json", tmp_path / "other.json"
    here = Vault.open(path, create=True)
    other.write_bytes(path.read_bytes())
    other.chmod(0o600)
    elsewhere = Vault.rotate(other)
    with pytest.raises(UnknownKey):
        here.unseal(elsewhere.seal(WORDS, "here"), "here")
    path.unlink()
    with pytest.raises(UnknownKey):
        here.unseal(elsewhere.seal(WORDS, "here"), "here")
    assert here.unseal(here.seal(WORDS, "here"), "here") == WORDS
