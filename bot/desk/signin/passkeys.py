"""The only file that knows `webauthn`: passkeys, made and checked. The device checks its owner."""

from dataclasses import dataclass

from webauthn import (
    base64url_to_bytes,
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    bytes_to_base64url,
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

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
    options = generate_registration_options(
        rp_id=site.host,
        rp_name=service,
        user_id=staff_id.encode(),
        user_name=name,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[
            PublicKeyCredentialDescriptor(base64url_to_bytes(one)) for one in existing
        ],
        timeout=CHALLENGE_MINUTES * 60_000,
    )
    return PasskeyOptions(options_to_json(options), bytes_to_base64url(options.challenge))


def authentication_options(site: RelyingParty) -> PasskeyOptions:
    """Return what the browser is asked so that a device proves a passkey; no name is needed."""
    options = generate_authentication_options(
        rp_id=site.host,
        user_verification=UserVerificationRequirement.REQUIRED,
        timeout=CHALLENGE_MINUTES * 60_000,
    )
    return PasskeyOptions(options_to_json(options), bytes_to_base64url(options.challenge))


def verify_registration(site: RelyingParty, response: str, challenge: str) -> NewPasskey:
    """Return the passkey that a device made; raise PasskeyRejected when anything does not fit."""
    try:
        found = verify_registration_response(
            credential=response,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=site.host,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as wrong:
        raise PasskeyRejected(type(wrong).__name__) from None
    key = bytes_to_base64url(found.credential_public_key)
    return NewPasskey(bytes_to_base64url(found.credential_id), key, found.sign_count)


def verify_authentication(
    site: RelyingParty, response: str, challenge: str, public_key: str, sign_count: int
) -> int:
    """Return the count that a passkey gives with its proof; raise PasskeyRejected when it is none.

    A count that does not go up is refused: the passkey may have been copied.
    """
    try:
        found = verify_authentication_response(
            credential=response,
            expected_challenge=base64url_to_bytes(challenge),
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=base64url_to_bytes(public_key),
            credential_current_sign_count=sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as wrong:
        raise PasskeyRejected(type(wrong).__name__) from None
    return found.new_sign_count


def challenge_of(response: str) -> str:
    """Return the challenge that an answer is for; raise PasskeyRejected when it says none."""
    try:
        told = _client_data(response)
        return bytes_to_base64url(parse_client_data_json(told).challenge)
    except (WebAuthnException, ValueError, KeyError, TypeError) as wrong:
        raise PasskeyRejected(type(wrong).__name__) from None


def credential_id_of(response: str) -> str:
    """Return the id of the passkey of an answer; raise PasskeyRejected when it says none."""
    try:
        return bytes_to_base64url(parse_authentication_credential_json(response).raw_id)
    except (WebAuthnException, ValueError, KeyError, TypeError) as wrong:
        raise PasskeyRejected(type(wrong).__name__) from None


def _client_data(response: str) -> bytes:
    if '"attestationObject"' in response:
        return parse_registration_credential_json(response).response.client_data_json
    return parse_authentication_credential_json(response).response.client_data_json
