"""The organisation's own sign-in, against a small provider on this machine, over real HTTP."""

import base64
import hashlib
import json
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from pydantic import ValidationError

from storage import logbook
from storage.accounts import staff
from storage.database import Database
from tests.harness.app import build_app, build_settings
from tests.harness.clock import FakeClock
from tests.harness.desk_fixtures import DeskApp, DeskBrowser, open_desk

CLIENT, SECRET = "the desk", "a secret of a test"
REDIRECT_URI = "http://desk.test/desk/organisation/back"


@dataclass(slots=True)
class FakeOidcProvider:
    """A sign-in of an organisation; `told` changes what stands in its next id token."""

    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "1"}))
    signs_with: RSAKey | None = None
    header: dict[str, str] = field(default_factory=lambda: {"alg": "RS256", "kid": "1"})
    subject: str = "person-7"
    extra_claims: dict[str, Any] = field(default_factory=dict)
    announced_issuer: str = ""
    issuer: str = ""
    now: int = 0
    pending_codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def authorise(self, url: str) -> str:
        """Have the person sign in at the provider; return the address it sends them back to."""
        parts = urlsplit(url)
        assert url.startswith(f"{self.issuer}/authorize?")
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert asked["redirect_uri"] == REDIRECT_URI
        code = f"code-{len(self.pending_codes)}"
        self.pending_codes[code] = asked
        return f"/desk/organisation/back?state={asked['state']}&code={code}"

    def tokens(self, form: dict[str, str], proof: str) -> dict[str, Any] | None:
        """Return the tokens for a code, once; None when the request does not fit."""
        asked = self.pending_codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        own = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if asked is None or challenge != asked["code_challenge"] or proof != f"Basic {own}":
            return None
        claims = {
            "iss": self.issuer,
            "sub": self.subject,
            "aud": CLIENT,
            "nonce": asked["nonce"],
            "iat": self.now,
            "exp": self.now + 300,
            **self.extra_claims,
        }
        token = jwt.encode(self.header, claims, self.signs_with or self.key)
        return {"access_token": "of no use here", "token_type": "Bearer", "id_token": token}


@pytest.fixture
def provider() -> Iterator[FakeOidcProvider]:
    own = FakeOidcProvider()

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.endswith("/.well-known/openid-configuration"):
                named = own.announced_issuer or own.issuer
                self._tell(
                    {
                        "issuer": named,
                        "authorization_endpoint": f"{own.issuer}/authorize",
                        "token_endpoint": f"{own.issuer}/token",
                        "jwks_uri": f"{own.issuer}/keys",
                    }
                )
            else:
                self._tell({"keys": [own.key.as_dict(private=False)]})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            found = own.tokens(form, self.headers.get("Authorization", ""))
            self._tell(found or {"error": "invalid_grant"}, 200 if found else 400)

        def _tell(self, body: dict[str, Any], status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        own.issuer = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield own
        server.shutdown()
        thread.join()


@pytest.fixture
async def desk(
    provider: FakeOidcProvider, database: Database, clock: FakeClock
) -> AsyncIterator[DeskApp]:
    provider.now = int(clock().timestamp())
    running = build_app(
        database,
        oidc_issuer=provider.issuer,
        oidc_client_id=CLIENT,
        oidc_client_secret=SECRET,
    )
    async with open_desk(running, clock) as made:
        yield made


async def link_account(desk: DeskApp, provider: FakeOidcProvider) -> None:
    """Have Mira take her invitation up with the organisation's sign-in."""
    with desk.database.unit(desk.clock()) as unit:
        code = staff.invite_staff(unit, "mira", "mediator", "ada")
    browser = await desk.signed_out("joining")
    shown = await browser.post("/desk/organisation", code=code)
    url = shown.text.split(f'href="{provider.issuer}')[1].split('"')[0].replace("&amp;", "&")
    done = await browser.get(provider.authorise(provider.issuer + url))
    assert done.headers["location"] == "/desk/"
    assert "You are mira" in (await browser.get("/desk/account")).text


async def authorise_redirect(browser: DeskBrowser) -> str:
    """Follow the link on the page to sign in; return where it leads."""
    return (await browser.get("/desk/organisation")).headers["location"]


async def test_an_account_that_was_tied_signs_in(desk: DeskApp, provider: FakeOidcProvider) -> None:
    await link_account(desk, provider)
    browser = await desk.signed_out("another day")
    assert 'href="/desk/organisation"' in (await browser.get("/desk/sign-in")).text
    done = await browser.get(provider.authorise(await authorise_redirect(browser)))
    assert done.headers["location"] == "/desk/"
    shown = (await browser.get("/desk/account")).text
    assert "Your organisation" in shown
    with desk.database.reading() as unit:
        newest = logbook.list_logbook_lines(unit)[0]
    assert (newest.actor, newest.action, newest.reason) == ("mira", "sign_in", "oidc")


@pytest.mark.parametrize(
    "told",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "somebody else"},
        {"aud": ["somebody else", "a third"], "azp": CLIENT},
        {"azp": "somebody else"},
        {"iss": "https://example.com"},
        {"exp": 1_000},
        {"iat": 4_000_000_000},
        {"sub": ""},
        {"sub": None},
        {"at_hash": "wrong"},
    ],
)
async def test_a_token_that_does_not_fit_is_refused(
    desk: DeskApp, provider: FakeOidcProvider, told: dict[str, Any]
) -> None:
    await link_account(desk, provider)
    browser = await desk.signed_out("another day")
    provider.extra_claims = told
    refused = await browser.get(provider.authorise(await authorise_redirect(browser)))
    assert refused.headers["location"] == "/desk/sign-in?error=organisation"
    assert (await browser.get("/desk/account")).status_code == 303
    assert "did not work" in (await browser.get(refused.headers["location"])).text


async def test_a_token_signed_by_others_is_refused(
    desk: DeskApp, provider: FakeOidcProvider
) -> None:
    await link_account(desk, provider)
    provider.signs_with = RSAKey.generate_key(2048, {"kid": "1"})
    browser = await desk.signed_out("another day")
    refused = await browser.get(provider.authorise(await authorise_redirect(browser)))
    assert refused.headers["location"] == "/desk/sign-in?error=organisation"


async def test_the_state_is_good_once_in_one_browser(
    desk: DeskApp, provider: FakeOidcProvider
) -> None:
    await link_account(desk, provider)
    here, there = await desk.signed_out("here"), await desk.signed_out("there")
    back = provider.authorise(await authorise_redirect(here))
    refused = "/desk/sign-in?error=organisation"
    assert (await there.get(back)).headers["location"] == refused
    assert (await here.get(back)).headers["location"] == refused
    back = provider.authorise(await authorise_redirect(here))
    wrong = back.replace("state=", "state=x")
    assert (await here.get(wrong)).headers["location"] == refused
    assert (await here.get(back)).headers["location"] == "/desk/"
    assert (await here.get(back)).headers["location"] == refused
    back = provider.authorise(await authorise_redirect(there))
    desk.clock.advance(minutes=10)
    assert (await there.get(back)).headers["location"] == refused


async def test_a_stranger_gets_no_account(desk: DeskApp, provider: FakeOidcProvider) -> None:
    await link_account(desk, provider)
    provider.subject, provider.extra_claims = "person-8", {"email": "mira@example.com"}
    browser = await desk.signed_out("a stranger")
    refused = await browser.get(provider.authorise(await authorise_redirect(browser)))
    assert refused.headers["location"] == "/desk/sign-in?error=unlinked"
    with desk.database.reading() as unit:
        assert [member.name for member in staff.list_accounts(unit)] == ["mira"]


async def test_one_person_is_tied_to_one_account(desk: DeskApp, provider: FakeOidcProvider) -> None:
    await link_account(desk, provider)
    with desk.database.unit(desk.clock()) as unit:
        code = staff.invite_staff(unit, "omar", "mediator", "ada")
    browser = await desk.signed_out("twice")
    shown = await browser.post("/desk/organisation", code=code)
    url = shown.text.split(f'href="{provider.issuer}')[1].split('"')[0].replace("&amp;", "&")
    refused = await browser.get(provider.authorise(provider.issuer + url))
    assert refused.headers["location"] == "/desk/sign-in?error=unlinked"
    with desk.database.reading(desk.clock()) as unit:
        assert staff.find_invited_account(unit, code) is not None
    assert (await browser.post("/desk/organisation", code="ACDE")).status_code == 403


async def test_another_issuer_or_none_is_said_kindly(
    desk: DeskApp, provider: FakeOidcProvider
) -> None:
    provider.announced_issuer = "https://example.com"
    browser = await desk.signed_out()
    assert await authorise_redirect(browser) == "/desk/sign-in?error=organisation"


async def test_without_settings_there_is_no_such_page(database: Database, clock: FakeClock) -> None:
    async with open_desk(build_app(database), clock) as desk:
        await _organisation_is_unknown(await desk.signed_out())


async def _organisation_is_unknown(browser: DeskBrowser) -> None:
    assert (await browser.get("/desk/organisation")).status_code == 404
    assert (await browser.post("/desk/organisation", code="ACDE")).status_code == 404
    assert (await browser.get("/desk/organisation/back?state=x&code=y")).status_code == 404
    assert "/desk/organisation" not in (await browser.get("/desk/sign-in")).text


@pytest.mark.parametrize(
    "told",
    [
        {"oidc_issuer": "https://example.com"},
        {"oidc_client_id": "x", "oidc_client_secret": "y"},
        {"oidc_issuer": "http://example.com", "oidc_client_id": "x", "oidc_client_secret": "y"},
    ],
)
def test_the_settings_go_together(told: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="OIDC_ISSUER"):
        build_settings(**told)
