"""The only reader of the environment. Stops at once, and says what is missing."""

from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import (
    DirectoryPath,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

TELEGRAM_API = "https://api.telegram.org"
MIN_TOKEN_LENGTH = 16
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
AnySettings = TypeVar("AnySettings", bound=BaseSettings)
Port = Annotated[int, Field(ge=1, le=65535)]


class InvalidSettings(Exception):
    """The settings cannot work; the text says which, and what to do, and holds no value."""


class SecretsFolder(BaseSettings):
    """The folder with a file for each secret setting: systemd names it, and deploy/compose.yml."""

    model_config = SettingsConfigDict(env_ignore_empty=True, hide_input_in_errors=True)

    credentials_directory: DirectoryPath | None = None


class ContentSettings(BaseSettings):
    """What has to be known before content is read, and by commands that need nothing else."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        hide_input_in_errors=True,
    )

    content_dir: Path | None = None


class Settings(ContentSettings):
    """Each field is a setting of the same name in capitals; .env.example explains them all."""

    database_url: str = "sqlite:///data/rj.db"
    vault_key_file: Path | None = None
    telegram_bot_token: SecretStr | None = None
    telegram_api_url: str = TELEGRAM_API
    telegram_mode: Literal["polling", "webhook"] = "polling"
    telegram_webhook_url: str | None = None
    telegram_webhook_secret: SecretStr | None = None
    host: str = "127.0.0.1"
    port: Port = 8000
    public_url: str | None = None
    trusted_proxies: str = "127.0.0.1, ::1"
    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    officer_details: Literal["pointer", "chat"] = "pointer"
    staff_telegram_chat: int | None = None
    staff_email: str | None = None
    manager_email: str | None = None
    smtp_host: str | None = None
    smtp_port: Port = 587
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_from: str | None = None
    smtp_tls: bool = True
    export_alone_up_to: int = 20
    webhook_url: str | None = None
    webhook_secret: SecretStr | None = None
    events_url: SecretStr | None = None
    backup_recipient: str | None = None
    metrics_token: SecretStr | None = None
    metrics_port: Port | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator(
        "events_url",
        "metrics_token",
        "oidc_client_secret",
        "smtp_password",
        "telegram_bot_token",
        "telegram_webhook_secret",
        "webhook_secret",
        mode="before",
    )
    @classmethod
    def _read_empty_file(cls, secret: object) -> object:
        return secret or None

    @field_validator("public_url", "oidc_issuer", "webhook_url", "telegram_api_url")
    @classmethod
    def _check_readable(cls, url: str | None) -> str | None:
        urlsplit(url or "")
        return url

    @field_validator("events_url")
    @classmethod
    def _check_broker_address(cls, given: SecretStr | None) -> SecretStr | None:
        """Raise ValueError for no address, or a line on which others could read the password."""
        url = given.get_secret_value() if given else "tls://nobody"
        try:
            address = urlsplit(url)
            is_whole = bool(address.hostname) and address.port != 0
            is_whole &= (address.username is None) == (address.password is None)
            is_whole &= not (address.path + address.query + address.fragment)
        except ValueError:
            is_whole = False  # what was raised may repeat a part of the password
        if not is_whole:
            raise ValueError("must be like tls://user:password@host:4222, percent-encoded")
        if address.scheme != "tls" and not (address.scheme == "nats" and _is_loopback(url)):
            raise ValueError("must begin with tls://, or with nats:// for a broker on this machine")
        return given

    @field_validator("trusted_proxies")
    @classmethod
    def _check_networks(cls, listed: str) -> str:
        try:
            for one in listed.split(","):
                ip_network(one.strip())
        except ValueError:
            raise ValueError("must be IP addresses or networks with commas between") from None
        return listed

    @field_validator("metrics_token")
    @classmethod
    def _check_length(cls, token: SecretStr | None) -> SecretStr | None:
        if token and len(token.get_secret_value()) < MIN_TOKEN_LENGTH:
            raise ValueError(f"must be {MIN_TOKEN_LENGTH} characters at least, and random")
        return token

    @field_validator("telegram_api_url")
    @classmethod
    def _strip_bot_suffix(cls, url: str) -> str:
        return url.rstrip("/").removesuffix("/bot")

    @model_validator(mode="after")
    def _check_combinations(self) -> "Settings":
        self.telegram_webhook_url = self.telegram_webhook_url or self.public_url
        if self.telegram_mode == "webhook" and self.telegram_bot_token:
            needed = ("telegram_webhook_url", "telegram_webhook_secret")
            if missing := [name.upper() for name in needed if getattr(self, name) is None]:
                raise ValueError(f"TELEGRAM_MODE=webhook also needs {' AND '.join(missing)}")
        self._check_served_safely()
        if self.is_live and self.vault_key_file is None:
            raise ValueError(
                "VAULT_KEY_FILE must name the key file when a real bot is run; "
                "make one with: rj key make FILE"
            )
        for name in ("staff_email", "manager_email"):
            if getattr(self, name) and not (self.smtp_host and self.smtp_from):
                raise ValueError(f"{name.upper()} also needs SMTP_HOST and SMTP_FROM")
        oidc = (self.oidc_issuer, self.oidc_client_id, self.oidc_client_secret)
        if any(oidc) and not all(oidc):
            raise ValueError("OIDC_ISSUER, OIDC_CLIENT_ID and OIDC_CLIENT_SECRET go together")
        issuer = self.oidc_issuer
        if issuer and urlsplit(issuer).scheme != "https" and not _is_loopback(issuer):
            raise ValueError("OIDC_ISSUER must begin with https://")
        return self

    def _check_served_safely(self) -> None:
        """Raise ValueError for pages that others could read on the way, or steal a cookie from."""
        address = urlsplit(self.public_url or "")
        if self.public_url and address.scheme != "https" and not _is_loopback(self.public_url):
            raise ValueError("PUBLIC_URL must begin with https://")
        if self.public_url and (not address.hostname or address.path.strip("/")):
            raise ValueError("PUBLIC_URL is a bare address, such as https://rj.example.org")
        if not self.public_url and self.host not in LOOPBACK_HOSTS:
            raise ValueError(
                "HOST lets other computers in, so PUBLIC_URL must say by which https:// address"
            )

    @model_validator(mode="after")
    def _check_webhook(self) -> "Settings":
        if (self.webhook_url is None) != (self.webhook_secret is None):
            raise ValueError("WEBHOOK_URL and WEBHOOK_SECRET belong together")
        url = self.webhook_url or "https://"
        if urlsplit(url).scheme != "https" and not _is_loopback(url):
            raise ValueError("WEBHOOK_URL must begin with https://")
        return self

    @property
    def trusted_proxy_list(self) -> list[str]:
        """Return the addresses and networks whose X-Forwarded-For is believed."""
        return [one.strip() for one in self.trusted_proxies.split(",")]

    @property
    def is_live(self) -> bool:
        """Return whether real people are met: a token, and an API that is not on this machine."""
        return self.telegram_bot_token is not None and not _is_loopback(self.telegram_api_url)

    @property
    def key_file(self) -> Path:
        """Return where the vault's key is; beside the development database by default."""
        return self.vault_key_file or Path("data/vault.key")


def read_settings() -> Settings:
    """Return the settings; raise InvalidSettings with a plain line for each thing that is wrong."""
    return _read(lambda: Settings(_secrets_dir=SecretsFolder().credentials_directory))


def read_content_settings() -> ContentSettings:
    """Return where the content is; raise InvalidSettings with a plain line when that is wrong."""
    return _read(ContentSettings)


def _read(make: Callable[[], AnySettings]) -> AnySettings:
    try:
        return make()
    except ValidationError as wrong:
        lines = [_error_line(error["loc"], error["msg"]) for error in wrong.errors()]
        raise InvalidSettings("\n".join(lines)) from None
    except UnicodeDecodeError:
        raise InvalidSettings("The file .env is not text in UTF-8. Save it anew as that.") from None


def _error_line(location: tuple[int | str, ...], message: str) -> str:
    name = "_".join(str(part) for part in location).upper()
    says = message.removeprefix("Value error, ")
    return f"{name}: {says}" if name else says


def _is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in LOOPBACK_HOSTS
