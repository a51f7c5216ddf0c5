"""Passkeys, made and used by a software authenticator against the real verification."""

import base64
import hashlib
import json
import struct
from dataclasses import dataclass, field
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from bot.desk.signin import passwords
from storage import logbook
from storage.accounts import staff
from tests.harness.desk_fixtures import DESK_URL, DeskApp, DeskBrowser

PASSWORD = "three green boats at noon"
PRESENT, VERIFIED, MADE = 0x01, 0x04, 0x40


def base64url(raw: bytes) -> str:
    """Return bytes as base64url."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def cbor(thing: Any) -> bytes:
    """Return the little of CBOR that an authenticator says."""
    if isinstance(thing, int):
        return _head(0, thing) if thing >= 0 else _head(1, -1 - thing)
    if isinstance(thing, bytes):
        return _head(2, len(thing)) + thing
    if isinstance(thing, str):
        return _head(3, len(thing)) + thing.encode()
    return _head(5, len(thing)) + b"".join(cbor(k) + cbor(v) for k, v in thing.items())


def _head(kind: int, n: int) -> bytes:
    if n < 24:
        return bytes([kind << 5 | n])
    return bytes([kind << 5 | 24, n]) if n < 256 else bytes([kind << 5 | 25]) + n.to_bytes(2)


@dataclass(slots=True)
class SoftwareAuthenticator:
    """A device that makes one passkey and proves it, as honestly as a test wants."""

    origin: str = DESK_URL
    host: str = "desk.test"
    flags: int = PRESENT | VERIFIED
    count: int = 0
    id: bytes = b"a passkey of mira"
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def create(self, options: dict[str, Any]) -> str:
        """Return the answer to navigator.credentials.create()."""
        numbers = self.key.public_key().public_numbers()
        x, y = numbers.x.to_bytes(32), numbers.y.to_bytes(32)
        public = cbor({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        made = bytes(16) + struct.pack(">H", len(self.id)) + self.id + public
        told = cbor(
            {"fmt": "none", "attStmt": {}, "authData": self._authenticator_data(MADE) + made}
        )
        return self._answer(
            self._client("webauthn.create", options["challenge"]), attestationObject=base64url(told)
        )

    def get_assertion(self, options: dict[str, Any]) -> str:
        """Return the answer to navigator.credentials.get()."""
        self.count += 1
        told, client = (
            self._authenticator_data(),
            self._client("webauthn.get", options["challenge"]),
        )
        signed = self.key.sign(told + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(client, authenticatorData=base64url(told), signature=base64url(signed))

    def _authenticator_data(self, more: int = 0) -> bytes:
        site = hashlib.sha256(self.host.encode()).digest()
        return site + bytes([self.flags | more]) + self.count.to_bytes(4)

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, client: bytes, **parts: str) -> str:
        own = base64url(self.id)
        response = {"clientDataJSON": base64url(client), **parts}
        return json.dumps({"id": own, "rawId": own, "type": "public-key", "response": response})


async def with_passkey(desk: DeskApp) -> tuple[SoftwareAuthenticator, DeskBrowser]:
    """Have Mira add a passkey; return the device and the browser she is signed in with."""
    kept = await passwords.hash_password_async(PASSWORD)
    mira, device = await desk.signed_in("mediator", "mira"), SoftwareAuthenticator()
    with desk.database.unit() as unit:
        staff.set_password_hash(unit, desk.add_account("mediator", "mira"), kept)
        staff.set_totp_secret(unit, desk.add_account("mediator", "mira"), "A" * 32)
    options = await mira.post("/desk/account/passkey", password=PASSWORD)
    added = await mira.post("/desk/account/passkeys", answer=device.create(options.json()))
    assert added.json() == {"go": "/desk/account?done=passkey_added"}
    return device, mira


async def sign_in_with(browser: DeskBrowser, device: SoftwareAuthenticator) -> httpx.Response:
    """Ask to sign in and answer with the device."""
    options = (await browser.post("/desk/sign-in/passkey")).json()
    return await browser.post("/desk/sign-in/passkeys", answer=device.get_assertion(options))


async def test_a_passkey_signs_in_without_name_password_or_code(desk: DeskApp) -> None:
    device, _ = await with_passkey(desk)
    browser = await desk.signed_out("another browser")
    assert (await sign_in_with(browser, device)).json() == {"go": "/desk/"}
    shown = await browser.get("/desk/account")
    assert "Added by" in shown.text
    assert "You are mira" in shown.text
    assert (await sign_in_with(await desk.signed_out("a third"), device)).status_code == 200
    with desk.database.reading() as unit:
        newest = logbook.list_logbook_lines(unit)[0]
    assert (newest.action, newest.target, newest.reason) == ("sign_in", "mira", "passkey")


async def test_adding_a_passkey_needs_the_password_again(desk: DeskApp) -> None:
    _, mira = await with_passkey(desk)
    refused = await mira.post("/desk/account/passkey", password="wrong")
    assert refused.status_code == 403
    assert refused.json() == {"go": "/desk/account?error=password"}


async def test_what_a_device_may_not_do(desk: DeskApp) -> None:
    device, _ = await with_passkey(desk)
    browser = await desk.signed_out("another browser")
    await sign_in_with(browser, device)
    for wrong in (
        SoftwareAuthenticator(key=device.key, origin="https://example.com", count=10),
        SoftwareAuthenticator(key=device.key, host="example.com", count=10),
        SoftwareAuthenticator(key=device.key, flags=PRESENT, count=10),
        SoftwareAuthenticator(key=device.key, flags=VERIFIED, count=10),
        SoftwareAuthenticator(key=device.key, count=0),
        SoftwareAuthenticator(count=10),
        SoftwareAuthenticator(key=device.key, id=b"another passkey", count=10),
    ):
        assert (await sign_in_with(await desk.signed_out("evil"), wrong)).status_code == 403
    assert (await sign_in_with(await desk.signed_out("good"), device)).status_code == 200


async def test_a_challenge_is_good_once_here_and_for_five_minutes(desk: DeskApp) -> None:
    device, mira = await with_passkey(desk)
    here, there = await desk.signed_out("here"), await desk.signed_out("there")
    options = (await here.post("/desk/sign-in/passkey")).json()
    answer = device.get_assertion(options)
    assert (await there.post("/desk/sign-in/passkeys", answer=answer)).status_code == 403
    assert (await here.post("/desk/sign-in/passkeys", answer=answer)).status_code == 403
    options = (await here.post("/desk/sign-in/passkey")).json()
    answer = device.get_assertion(options)
    desk.clock.advance(minutes=5)
    assert (await here.post("/desk/sign-in/passkeys", answer=answer)).status_code == 403
    options = (await mira.post("/desk/account/passkey", password=PASSWORD)).json()
    crossed = await here.post("/desk/sign-in/passkeys", answer=device.get_assertion(options))
    assert crossed.status_code == 403


async def test_nonsense_is_refused_kindly(desk: DeskApp) -> None:
    _, mira = await with_passkey(desk)
    other = await desk.signed_out()
    for answer in ("", "{", "[]", '{"id": 1}', '{"attestationObject": 1}', "\x00", "x" * 60_000):
        assert (await other.post("/desk/sign-in/passkeys", answer=answer)).status_code == 403
        assert (await mira.post("/desk/account/passkeys", answer=answer)).status_code == 403


async def test_a_passkey_is_taken_away_by_its_owner_alone(desk: DeskApp) -> None:
    device, mira = await with_passkey(desk)
    omar = await desk.signed_in("mediator", "omar")
    shown = (await mira.get("/desk/account")).text
    (id,) = {part.split('"')[0] for part in shown.split('name="id" value="')[1:]} - {"others"}
    await omar.post("/desk/account/passkeys/remove", id=id)
    assert (await sign_in_with(await desk.signed_out("one"), device)).status_code == 200
    await mira.post("/desk/account/passkeys/remove", id=id)
    assert (await sign_in_with(await desk.signed_out("two"), device)).status_code == 403


async def test_a_disabled_owner_cannot_use_a_passkey(desk: DeskApp) -> None:
    device, _ = await with_passkey(desk)
    with desk.database.unit(desk.clock()) as unit:
        staff.disable_account(unit, "mira")
    assert (await sign_in_with(await desk.signed_out(), device)).status_code == 403
