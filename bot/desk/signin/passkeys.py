"""The only file that knows `webauthn`: passkeys, made and checked. The device checks its owner."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import webauthn
from webauthn.helpers import (
    bytes_to_base64url,
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
    structs,
)
from webauthn.helpers.exceptions import WebAuthnException

CHALLENGE_MINUTES = 5
"""How long a challenge is good for."""


class PasskeyRejected(Exception):
    """A passkey did not prove what it should; the text is a code of ours."""


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The site that a passkey is for: its host, and its whole address."""

    host: str
    origin: str


@dataclass(frozen=True, slots=True)
class PasskeyOptions:
    """What the browser is asked, as JSON, and the challenge in it."""

    options: str
    challenge: str


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """A passkey that was just made; both texts are base64url."""

    credential_id: str
    public_key: str
    sign_count: int


def registration_options(
    site: RelyingParty, service: str, staff_id: str, name: str, existing: list[str]
) -> PasskeyOptions:
    """Return what the browser is asked so that a device makes a passkey."""
    options = webauthn.generate_registration_options(
        rp_id=site.host,
        rp_name=service,
        user_id=staff_id.encode(),
        user_name=name,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[
            structs.PublicKeyCredentialDescriptor(webauthn.base64url_to_bytes(one))
            for one in existing
        ],
        timeout=CHALLENGE_MINUTES * 60_000,
    )
    return PasskeyOptions(webauthn.options_to_json(options), bytes_to_base64url(options.challenge))


def authentication_options(site: RelyingParty) -> PasskeyOptions:
    """Return what the browser is asked so that a device proves a passkey; no name is needed."""
    options = webauthn.generate_authentication_options(
        rp_id=site.host,
        user_verification=structs.UserVerificationRequirement.REQUIRED,
        timeout=CHALLENGE_MINUTES * 60_000,
    )
    return PasskeyOptions(webauthn.options_to_json(options), bytes_to_base64url(options.challenge))


def verify_registration(site: RelyingParty, response: str, challenge: str) -> NewPasskey:
    """Return the passkey that a device made; raise PasskeyRejected when anything does not fit."""
    with _rejecting():
        found = webauthn.verify_registration_response(
            credential=response,
            expected_challenge=webauthn.base64url_to_bytes(challenge),
            expected_rp_id=site.host,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    key = bytes_to_base64url(found.credential_public_key)
    return NewPasskey(bytes_to_base64url(found.credential_id), key, found.sign_count)


def verify_authentication(
    site: RelyingParty, response: str, challenge: str, public_key: str, sign_count: int
) -> int:
    """Return the count that a passkey gives with its proof; raise PasskeyRejected when it is none.

    A count that does not go up is refused: the passkey may have been copied.
    """
    with _rejecting():
        found = webauthn.verify_authentication_response(
            credential=response,
            expected_challenge=webauthn.base64url_to_bytes(challenge),
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=webauthn.base64url_to_bytes(public_key),
            credential_current_sign_count=sign_count,
            require_user_verification=True,
        )
    return found.new_sign_count


def challenge_of(response: str) -> str:
    """Return the challenge that an answer is for; raise PasskeyRejected when it says none."""
    with _rejecting():
        return bytes_to_base64url(parse_client_data_json(_client_data(response)).challenge)


def credential_id_of(response: str) -> str:
    """Return the id of the passkey of an answer; raise PasskeyRejected when it says none."""
    with _rejecting():
        return bytes_to_base64url(parse_authentication_credential_json(response).raw_id)


@contextmanager
def _rejecting() -> Iterator[None]:
    """Turn whatever the library finds wrong with an answer into PasskeyRejected."""
    try:
        yield
    except (WebAuthnException, ValueError, KeyError, TypeError) as wrong:
        raise PasskeyRejected(type(wrong).__name__) from None


def _client_data(response: str) -> bytes:
    if '"attestationObject"' in response:
        return parse_registration_credential_json(response).response.client_data_json
    return parse_authentication_credential_json(response).response.client_data_json
