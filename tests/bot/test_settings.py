"""A wrong set-up stops at once, says what is missing, and never repeats a value."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from bot.settings import InvalidSettings, Settings, read_settings
from tests.support.paths import ROOT

TOKEN = "123456:ABC-never-repeat-this"
EXAMPLE = ROOT / ".env.example"


@pytest.fixture(autouse=True)
def an_empty_desk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave nothing of this machine's own settings in the way."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def settings_from(monkeypatch: pytest.MonkeyPatch, **names: str) -> Settings:
    """Return the settings that an environment tells."""
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    return read_settings()


def refusal(monkeypatch: pytest.MonkeyPatch, **names: str) -> str:
    """Return what is said to a wrong set-up; no value may be in it."""
    with pytest.raises(InvalidSettings) as refused:
        settings_from(monkeypatch, **names)
    said = str(refused.value)
    assert not [value for value in names.values() if len(value) > 7 and value in said]
    assert refused.value.__cause__ is None
    return said


def test_nothing_set_is_a_sound_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_from(monkeypatch)
    assert settings.telegram_bot_token is None
    assert not settings.is_live
    assert settings.key_file == Path("data/vault.key")


def test_a_real_bot_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    said = refusal(monkeypatch, TELEGRAM_BOT_TOKEN=TOKEN)
    assert "VAULT_KEY_FILE" in said
    assert "rj key make" in said


def test_a_bot_in_rehearsal_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    near = "http://127.0.0.1:8081"
    assert not settings_from(monkeypatch, TELEGRAM_BOT_TOKEN=TOKEN, TELEGRAM_API_URL=near).is_live


def test_a_real_bot_with_a_key_is_real(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings_from(monkeypatch, TELEGRAM_BOT_TOKEN=TOKEN, VAULT_KEY_FILE="rj.key").is_live


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, ["TELEGRAM_WEBHOOK_URL", "TELEGRAM_WEBHOOK_SECRET"]),
        ({"TELEGRAM_WEBHOOK_URL": "https://rj.example/"}, ["TELEGRAM_WEBHOOK_SECRET"]),
        ({"TELEGRAM_WEBHOOK_SECRET": "a-long-secret-word"}, ["TELEGRAM_WEBHOOK_URL"]),
    ],
)
def test_a_webhook_needs_its_three(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], missing: list[str]
) -> None:
    whole = {
        "TELEGRAM_MODE": "webhook",
        "TELEGRAM_BOT_TOKEN": TOKEN,
        "VAULT_KEY_FILE": "k",
        **given,
    }
    said = refusal(monkeypatch, **whole)
    assert [name for name in given if name in said] == []
    assert [name for name in missing if name in said] == missing


def test_mail_needs_a_server_and_a_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    said = refusal(monkeypatch, STAFF_EMAIL="desk@rj.example", SMTP_HOST="mail.rj.example")
    assert "SMTP_FROM" in said


@pytest.mark.parametrize("listed", ["*", "proxy.example", "10.0.0.1,", "10.0.0.1/8"])
def test_trusted_proxies_are_addresses(monkeypatch: pytest.MonkeyPatch, listed: str) -> None:
    said = refusal(monkeypatch, TRUSTED_PROXIES=listed)
    assert said.startswith("TRUSTED_PROXIES: ")
    assert listed not in said


def test_a_token_that_could_be_guessed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal(monkeypatch, METRICS_TOKEN="fifteen-letters").startswith("METRICS_TOKEN: ")
    assert settings_from(monkeypatch, METRICS_TOKEN="sixteen-letters-").metrics_token


def test_every_wrong_value_is_named_and_none_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    said = refusal(
        monkeypatch,
        PORT="eight thousand",
        TELEGRAM_MODE="carrier pigeon",
        STAFF_TELEGRAM_CHAT="the staff room",
        OFFICER_DETAILS="anywhere",
        LOG_LEVEL="everything",
    )
    names = [line.split(":")[0] for line in said.splitlines()]
    assert sorted(names) == [
        "LOG_LEVEL",
        "OFFICER_DETAILS",
        "PORT",
        "STAFF_TELEGRAM_CHAT",
        "TELEGRAM_MODE",
    ]


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_blank_is_the_same_as_none(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert settings_from(monkeypatch, **{name.upper(): ""}) == Settings(_env_file=None)


@pytest.mark.parametrize("end", ["", "/", "/bot", "/bot/"])
def test_the_api_is_named_with_or_without_bot(monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    settings = settings_from(monkeypatch, TELEGRAM_API_URL=f"https://api.example{end}")
    assert settings.telegram_api_url == "https://api.example"


def test_a_file_named_env_is_read_and_the_environment_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text(
        "PORT=8001\nSMTP_PORT=\nHOST=0.0.0.0\nPUBLIC_URL=https://rj.example\nSOMEBODY_ELSES=1\n"
    )
    settings = settings_from(monkeypatch, PORT="8002")
    assert (settings.host, settings.port) == ("0.0.0.0", 8002)  # noqa: S104


def test_a_secret_is_read_from_its_file_and_the_environment_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    written = {
        "telegram_bot_token": f"{TOKEN}\n",
        "vault_key_file": "rj.key\n",
        "smtp_password": "",
    }
    for name, value in written.items():
        (tmp_path / name).write_text(value)
    settings = settings_from(monkeypatch, CREDENTIALS_DIRECTORY=str(tmp_path))
    assert settings.telegram_bot_token == SecretStr(TOKEN)
    assert (settings.vault_key_file, settings.smtp_password) == (Path("rj.key"), None)
    other = settings_from(monkeypatch, VAULT_KEY_FILE="other.key")
    assert other.vault_key_file == Path("other.key")


def test_a_folder_of_secrets_that_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said = refusal(monkeypatch, CREDENTIALS_DIRECTORY=str(tmp_path / "nowhere"))
    assert said.startswith("CREDENTIALS_DIRECTORY")


def test_secrets_do_not_show_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_from(
        monkeypatch,
        TELEGRAM_BOT_TOKEN=TOKEN,
        VAULT_KEY_FILE="rj.key",
        TELEGRAM_WEBHOOK_SECRET="a-long-secret-word",
        SMTP_PASSWORD="another-secret",
    )
    shown = repr(settings)
    assert [one for one in (TOKEN, "a-long-secret-word", "another-secret") if one in shown] == []


def test_the_example_is_the_settings() -> None:
    written = dict(re.findall(r"(?m)^#([A-Z_]+)=(.*)$", EXAMPLE.read_text()))
    assert written == {name.upper(): default(name) for name in Settings.model_fields}


def test_the_example_explains_each_setting_and_sets_none() -> None:
    lines = EXAMPLE.read_text().splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []
    for at, line in enumerate(lines):
        if re.match(r"#[A-Z_]+=", line):
            assert lines[at - 1].startswith("#") or "mail server" in lines[at - 2], line


def default(name: str) -> str:
    """Return a setting's default as it is written in .env."""
    value: Any = Settings.model_fields[name].default
    assert value is not PydanticUndefined
    assert not isinstance(value, SecretStr)
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"HOST": "0.0.0.0"}, "PUBLIC_URL must say"),  # noqa: S104
        ({"PUBLIC_URL": "http://rj.example"}, "https://"),
        ({"PUBLIC_URL": "https://rj.example/desk"}, "bare address"),
    ],
)
def test_pages_that_others_could_read_on_the_way_are_not_served(
    monkeypatch: pytest.MonkeyPatch, env: dict[str, str], says: str
) -> None:
    assert says in refusal(monkeypatch, **env)


@pytest.mark.parametrize("name", ["PORT", "SMTP_PORT"])
@pytest.mark.parametrize("port", ["0", "65536", "-1"])
def test_a_port_that_cannot_be_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str, port: str
) -> None:
    assert refusal(monkeypatch, **{name: port}).startswith(f"{name}: ")


@pytest.mark.parametrize("name", ["PUBLIC_URL", "OIDC_ISSUER", "WEBHOOK_URL", "TELEGRAM_API_URL"])
def test_an_address_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert refusal(monkeypatch, **{name: "https://[x"}).startswith(f"{name}: ")


def test_settings_in_another_encoding_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_bytes(b"STAFF_EMAIL=\xff@example.org\n")
    assert "UTF-8" in refusal(monkeypatch)
