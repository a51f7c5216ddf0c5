"""The only file that knows `authlib`: the organisation's own sign-in (OpenID Connect), if set.

Code flow with PKCE, state and nonce. Only the subject is taken from the answer: an account is
never made by it, and never found by an e-mail address.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import httpx
from authlib.oauth2.rfc7636 import (  # type: ignore[import-untyped]
    create_s256_code_challenge,
)
from authlib.oidc.core import CodeIDToken  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from bot.settings import Settings

_TIMEOUT = 10.0
_LEEWAY_SECONDS = 60
_ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
_MAX_BYTES = 256 * 1024


class OidcError(Exception):
    """The organisation's sign-in did not prove who somebody is; the text is a code of ours."""


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A sign-in that was begun: where the browser goes, and what must come back unchanged."""

    url: str
    state: str
    nonce: str
    verifier: str


def is_configured(settings: Settings) -> bool:
    """Return whether there is an organisation's sign-in."""
    return settings.oidc_issuer is not None


async def start_authorization(settings: Settings, redirect_uri: str) -> AuthorizationRequest:
    """Return a sign-in to send the browser on to; raise OidcError when it cannot be reached."""
    found = await _discover(settings)
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    asked = {
        "response_type": "code",
        "client_id": settings.oidc_client_id or "",
        "redirect_uri": redirect_uri,
        "scope": "openid",
        "state": state,
        "nonce": nonce,
        "code_challenge": create_s256_code_challenge(verifier),
        "code_challenge_method": "S256",
    }
    start = str(found["authorization_endpoint"])
    url = f"{start}{'&' if '?' in start else '?'}{urlencode(asked)}"
    return AuthorizationRequest(url, state, nonce, verifier)


async def fetch_subject(
    settings: Settings, code: str, nonce: str, verifier: str, redirect_uri: str, now: datetime
) -> str:
    """Return the subject that a code proves; raise OidcError for anything that does not fit."""
    found = await _discover(settings)
    given = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "code_verifier": verifier,
    }
    async with _http_client() as client:
        tokens = await _fetch_json(
            client.post(str(found["token_endpoint"]), data=given, auth=_client_auth(settings))
        )
        keys = await _fetch_json(client.get(str(found["jwks_uri"])))
    return _verified_subject(settings, tokens, keys, nonce, now)


def _verified_subject(
    settings: Settings, tokens: dict[str, Any], keys: dict[str, Any], nonce: str, now: datetime
) -> str:
    allowed = {
        "iss": {"essential": True, "value": settings.oidc_issuer},
        "aud": {"essential": True, "value": settings.oidc_client_id},
    }
    expected = {
        "nonce": nonce,
        "client_id": settings.oidc_client_id,
        "access_token": tokens.get("access_token"),
    }
    try:
        known = KeySet.import_key_set({"keys": keys["keys"]})
        token = jwt.decode(str(tokens["id_token"]), known, algorithms=_ALGORITHMS)
        claims = CodeIDToken(token.claims, token.header, allowed, expected)
        claims.validate(now=int(now.timestamp()), leeway=_LEEWAY_SECONDS)
    except (JoseError, ValueError, KeyError, TypeError) as wrong:
        raise OidcError(type(wrong).__name__) from None
    found = claims.get("sub")
    if not isinstance(found, str) or not found:
        raise OidcError("no_subject")
    return found


async def _discover(settings: Settings) -> dict[str, Any]:
    """Return what the issuer says of itself; it must be the issuer that the settings name."""
    issuer = settings.oidc_issuer or ""
    async with _http_client() as client:
        address = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        found = await _fetch_json(client.get(address))
    needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    if found.get("issuer") != issuer or not all(isinstance(found.get(k), str) for k in needed):
        raise OidcError("other_issuer")
    return found


async def _fetch_json(pending_response: Any) -> dict[str, Any]:
    try:
        response = await pending_response
        response.raise_for_status()
        body = response.json() if len(response.content) <= _MAX_BYTES else None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as trouble:
        raise OidcError(type(trouble).__name__) from None
    if not isinstance(body, dict):
        raise OidcError("no_object")
    return body


def _http_client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=_TIMEOUT, follow_redirects=False)


def _client_auth(settings: Settings) -> httpx.BasicAuth:
    """Return how we prove ourselves to the issuer (client_secret_basic)."""
    id, secret = settings.oidc_client_id or "", settings.oidc_client_secret
    return httpx.BasicAuth(id, secret.get_secret_value() if secret else "")
