"""The demo: made-up cases and a sign-in of its own, on this computer alone."""

import secrets
import socket

from bot.cli.demo_data import add_demo_referrals
from bot.desk.permissions import Role
from bot.desk.signin import passwords, totp
from bot.settings import LOOPBACK_HOSTS, InvalidSettings, Settings
from storage.accounts import staff
from storage.database import Database

DEMO_ACCOUNT = "demo"
COLLEAGUES = (("mira", Role.MEDIATOR), ("omar", Role.MEDIATOR), ("yusuf", Role.YOUNG_PEOPLE))
FIRST_PORT, PORTS_TRIED = 8000, 20


def refuse_live_settings(settings: Settings) -> None:
    """Raise InvalidSettings when the settings name a real bot or a public address."""
    if settings.telegram_bot_token is not None:
        raise InvalidSettings(
            "The demo never uses a real bot. Take TELEGRAM_BOT_TOKEN out of .env and of the "
            "environment, or run the real thing: ./run rj serve"
        )
    if settings.public_url is not None or settings.host not in LOOPBACK_HOSTS:
        raise InvalidSettings(
            "The demo is only for this computer. Take PUBLIC_URL and HOST out of .env and of the "
            "environment, or run the real thing: ./run rj serve"
        )


def free_port() -> int:
    """Return the first port from 8000 on that nobody uses; any other one if all are used."""
    for port in range(FIRST_PORT, FIRST_PORT + PORTS_TRIED):
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


def seed_demo(database: Database) -> dict[str, str]:
    """Put made-up cases and colleagues in; return the sign-in: name, password and totp secret."""
    password, secret = secrets.token_urlsafe(9), totp.new_secret()
    hashed = passwords.hash_password(password)
    with database.unit() as unit:
        for name, role in ((DEMO_ACCOUNT, Role.COORDINATOR), *COLLEAGUES):
            code = staff.invite_staff(unit, name, role, DEMO_ACCOUNT)
            staff.activate_account(unit, code, hashed, secret)
        add_demo_referrals(unit)
    return {"name": DEMO_ACCOUNT, "password": password, "totp": secret}
