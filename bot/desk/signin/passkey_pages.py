"""Creating, using and removing a passkey: the JSON that the page's script exchanges."""

from urllib.parse import urlsplit

from sqlalchemy.exc import IntegrityError
from starlette.responses import JSONResponse, Response

from bot.desk.guard import DeskRequest, DeskRoute
from bot.desk.signin import attempts, passkeys, passwords
from bot.desk.signin.passkeys import PasskeyOptions, PasskeyRejected, RelyingParty
from bot.desk.signin.sign_in_pages import start_session
from flows.wording import FIRST_LANGUAGE, say
from storage.accounts import passkeys as kept_passkeys
from storage.accounts import staff
from storage.accounts.sign_ins import SignInMethod
from storage.chats import one_time_links
from storage.chats.one_time_links import LinkKind
from storage.unit import Unit

_SIGN_IN_ERROR = {"go": "/desk/sign-in?error=passkey"}


async def begin_registration(request: DeskRequest) -> Response:
    """Return what a device needs to make a passkey, once the password was given again."""
    who = request.required_session
    if not await confirm_password(request):
        return JSONResponse({"go": "/desk/account?error=password"}, 403)
    kept = await request.read(kept_passkeys.credential_ids, who.staff_id)
    site, service = relying_party(request), say(FIRST_LANGUAGE, "desk.layout.name")
    asked = passkeys.registration_options(site, service, who.staff_id, who.name, kept)
    return await _options_response(request, LinkKind.PASSKEY_REGISTRATION, asked)


async def finish_registration(request: DeskRequest) -> Response:
    """Keep the passkey that a device made."""
    who, answer = request.required_session, request.form.get("answer", "")
    try:
        challenge = await _redeem_challenge(request, LinkKind.PASSKEY_REGISTRATION, answer)
        made = passkeys.verify_registration(relying_party(request), answer, challenge)
    except PasskeyRejected as why:
        await request.audit("passkey_added", who.name, f"passkey_{why}"[:60], refused=True)
        return JSONResponse({"go": "/desk/account?error=passkey"}, 403)

    def add(unit: Unit) -> None:
        kept_passkeys.add_passkey(
            unit, who.staff_id, made.credential_id, made.public_key, made.sign_count
        )
        request.log(unit, "passkey_added", who.name)

    try:
        await request.write(add)
    except IntegrityError:
        return JSONResponse({"go": "/desk/account?error=passkey"}, 409)
    return JSONResponse({"go": "/desk/account?done=passkey_added"})


async def delete_passkey(request: DeskRequest) -> Response:
    """Forget one of one's own passkeys."""
    who, id = request.required_session, request.form.get("id", "")

    def gone(unit: Unit) -> None:
        if kept_passkeys.remove_passkey(unit, who.staff_id, id):
            request.log(unit, "passkey_removed", who.name)

    await request.write(gone)
    return request.redirect("/desk/account?done=passkey_removed")


async def begin_passkey_sign_in(request: DeskRequest) -> Response:
    """Return what a device needs to prove a passkey."""
    asked = passkeys.authentication_options(relying_party(request))
    return await _options_response(request, LinkKind.PASSKEY_AUTHENTICATION, asked)


async def finish_passkey_sign_in(request: DeskRequest) -> Response:
    """Sign somebody in whose passkey proved who they are; it stands for both proofs."""
    counted = attempts.limits_for_address(request)
    async with counted.serialized():
        if counted.retry_after():
            seconds = {"Retry-After": str(counted.retry_after())}
            return JSONResponse(_SIGN_IN_ERROR, 429, seconds)
        try:
            staff_id, name = await _verify_passkey(request)
        except PasskeyRejected as why:
            counted.record_failure()
            await request.audit("sign_in", "", f"passkey_{why}"[:60], refused=True)
            return JSONResponse(_SIGN_IN_ERROR, 403)
    entered = await start_session(request, staff_id, name, SignInMethod.PASSKEY)
    answer = JSONResponse({"go": entered.headers["location"]})
    answer.raw_headers.extend(one for one in entered.raw_headers if one[0] == b"set-cookie")
    return answer


async def confirm_password(request: DeskRequest) -> bool:
    """Return whether the form holds the password of whoever is signed in; failures are counted.

    Who signs in another way has no password, and is asked for none.
    """
    proofs = await request.read(staff.stored_credentials, request.actor)
    if proofs is None:
        return True
    counted = attempts.limits_for_password_check(request)
    async with counted.serialized():
        if counted.retry_after():
            return False
        typed = request.form.get("password", "")
        right = await passwords.verify_password(typed, proofs.password_hash)
        if not right:
            counted.record_failure()
            await request.audit("password_again", request.actor, "wrong", refused=True)
    return right


def relying_party(request: DeskRequest) -> RelyingParty:
    """Return the site as browsers see it: passkeys are good for this one alone."""
    own = urlsplit(request.public_root)
    return RelyingParty(own.hostname or "", f"{own.scheme}://{own.netloc}")


async def _verify_passkey(request: DeskRequest) -> tuple[str, str]:
    """Return the id and name of whose passkey it is; raise PasskeyRejected."""
    answer = request.form.get("answer", "")
    challenge = await _redeem_challenge(request, LinkKind.PASSKEY_AUTHENTICATION, answer)
    kept = await request.read(kept_passkeys.find_passkey, passkeys.credential_id_of(answer))
    if kept is None:
        raise PasskeyRejected("unknown")
    uses = passkeys.verify_authentication(
        relying_party(request), answer, challenge, kept.public_key, kept.sign_count
    )
    if not await request.write(kept_passkeys.advance_sign_count, kept.id, kept.sign_count, uses):
        raise PasskeyRejected("at_once")
    return kept.staff_id, kept.name


async def _options_response(
    request: DeskRequest, kind: LinkKind, asked: PasskeyOptions
) -> Response:
    """Return the options; their challenge is kept for this browser, once, for five minutes."""
    await request.issue_link(kind, passkeys.CHALLENGE_MINUTES, asked.challenge)
    return Response(asked.options, media_type="application/json")


async def _redeem_challenge(request: DeskRequest, kind: LinkKind, response: str) -> str:
    """Use up the challenge of an answer; raise PasskeyRejected when this browser had none."""
    challenge = passkeys.challenge_of(response)
    used = await request.write(one_time_links.redeem_link, kind, challenge)
    if used is None or used.address != request.browser_id:
        raise PasskeyRejected("challenge")
    return challenge


ROUTES = (
    DeskRoute("/desk/account/passkey", "POST", "own_account", begin_registration),
    DeskRoute("/desk/account/passkeys", "POST", "own_account", finish_registration),
    DeskRoute("/desk/account/passkeys/remove", "POST", "own_account", delete_passkey),
    DeskRoute("/desk/sign-in/passkey", "POST", "sign_in", begin_passkey_sign_in),
    DeskRoute("/desk/sign-in/passkeys", "POST", "sign_in", finish_passkey_sign_in),
)
