"""What the browser asks for when a passkey is made, used or taken away; the script reads it."""

from urllib.parse import urlsplit

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError
from starlette.responses import JSONResponse, Response

from bot.desk.guard import At, Page
from bot.desk.signin import attempts, passkeys, passwords
from bot.desk.signin.passkeys import Asked, Refused, Site
from bot.desk.signin.sign_in_pages import let_in
from flows.wording import FIRST_LANGUAGE, say
from storage import logbook
from storage.accounts import passkeys as kept_passkeys
from storage.accounts import staff
from storage.chats import one_time_links

_CHANNEL = "desk"
_TO_MAKE, _TO_SIGN_IN = "passkey_new", "passkey"
_WRONG = {"go": "/desk/sign-in?error=passkey"}


async def ask_to_make(at: At) -> Response:
    """Return what a device needs to make a passkey, once the password was given again."""
    who, vault = at.me, at.desk.vault
    if not await password_again(at):
        return JSONResponse({"go": "/desk/account?error=password"}, 403)
    kept = await at.read(lambda session: kept_passkeys.credentials(session, vault, who.staff_id))
    service = say(FIRST_LANGUAGE, "desk.frame.name")
    asked = passkeys.to_make(site(at), service, who.staff_id, who.name, kept)
    return await _asked(at, _TO_MAKE, asked)


async def make(at: At) -> Response:
    """Keep the passkey that a device made."""
    who, vault, answer = at.me, at.desk.vault, at.form.get("answer", "")
    try:
        challenge = await _challenge(at, _TO_MAKE, answer)
        made = passkeys.made(site(at), answer, challenge)
    except Refused as why:
        await at.note("passkey_added", who.name, f"passkey_{why}"[:60], refused=True)
        return JSONResponse({"go": "/desk/account?error=passkey"}, 403)

    def add(conn: Connection) -> None:
        kept_passkeys.add(
            conn, vault, who.staff_id, made.credential, made.public_key, made.uses, at.now
        )
        logbook.write(conn, vault, who.name, "passkey_added", at.now, who.name)

    try:
        await at.write(add)
    except IntegrityError:
        return JSONResponse({"go": "/desk/account?error=passkey"}, 409)
    return JSONResponse({"go": "/desk/account?done=passkey_added"})


async def remove(at: At) -> Response:
    """Forget one of one's own passkeys."""
    who, id = at.me, at.form.get("id", "")

    def gone(conn: Connection) -> None:
        if kept_passkeys.remove(conn, who.staff_id, id):
            logbook.write(conn, at.desk.vault, who.name, "passkey_removed", at.now, who.name)

    await at.write(gone)
    return at.go("/desk/account?done=passkey_removed")


async def ask_to_sign_in(at: At) -> Response:
    """Return what a device needs to prove a passkey."""
    return await _asked(at, _TO_SIGN_IN, passkeys.to_sign_in(site(at)))


async def sign_in(at: At) -> Response:
    """Sign somebody in whose passkey proved who they are; it stands for both proofs."""
    counted = attempts.by_address(at)
    async with counted.one_by_one():
        if counted.wait():
            return JSONResponse(_WRONG, 429)
        try:
            staff_id, name = await _proved(at)
        except Refused as why:
            counted.failed()
            await at.note("sign_in", "", f"passkey_{why}"[:60], refused=True)
            return JSONResponse(_WRONG, 403)
    entered = await let_in(at, staff_id, name, "passkey")
    answer = JSONResponse({"go": entered.headers["location"]})
    cookies = [one for one in entered.raw_headers if one[0] == b"set-cookie"]
    answer.raw_headers.extend(cookies)
    return answer


async def password_again(at: At) -> bool:
    """Return whether the form holds the password of whoever is signed in; failures are counted.

    Who signs in another way has no password, and is asked for none.
    """
    proofs = await at.read(lambda session: staff.proofs(session, at.desk.vault, at.who))
    if proofs is None:
        return True
    counted = attempts.by_sign_in(at)
    async with counted.one_by_one():
        if counted.wait():
            return False
        right = await passwords.fits(at.form.get("password", ""), proofs.password)
        if not right:
            counted.failed()
            await at.note("password_again", at.who, "wrong", refused=True)
    return right


def site(at: At) -> Site:
    """Return the site as browsers see it: passkeys are good for this one alone."""
    own = urlsplit(at.desk.settings.public_url or str(at.request.base_url))
    return Site(own.hostname or "", f"{own.scheme}://{own.netloc}")


async def _proved(at: At) -> tuple[str, str]:
    """Return the id and name of whose passkey it is; raise Refused."""
    vault, answer = at.desk.vault, at.form.get("answer", "")
    challenge = await _challenge(at, _TO_SIGN_IN, answer)
    credential = passkeys.credential_in(answer)
    kept = await at.read(lambda session: kept_passkeys.find(session, vault, credential))
    if kept is None:
        raise Refused("unknown")
    uses = passkeys.proved(site(at), answer, challenge, kept.public_key, kept.uses)
    if not await at.write(lambda conn: kept_passkeys.used(conn, kept.id, kept.uses, uses)):
        raise Refused("at_once")
    return kept.staff_id, kept.name


async def _asked(at: At, kind: str, asked: Asked) -> Response:
    """Return the question, its challenge kept for this browser: good once, for five minutes."""
    vault, now = at.desk.vault, at.now
    await at.write(
        lambda conn: one_time_links.make(
            conn, vault, kind, _CHANNEL, at.seat, now, passkeys.MINUTES, None, asked.challenge
        )
    )
    return Response(asked.options, media_type="application/json")


async def _challenge(at: At, kind: str, answer: str) -> str:
    """Use up the challenge that an answer is for; raise Refused when this browser had none."""
    challenge = passkeys.challenge_in(answer)
    vault, now = at.desk.vault, at.now
    used = await at.write(lambda conn: one_time_links.use(conn, vault, kind, challenge, now))
    if used is None or used.address != at.seat:
        raise Refused("challenge")
    return challenge


PAGES = (
    Page("/desk/account/passkey", "POST", "own_account", ask_to_make),
    Page("/desk/account/passkeys", "POST", "own_account", make),
    Page("/desk/account/passkeys/remove", "POST", "own_account", remove),
    Page("/desk/sign-in/passkey", "POST", "sign_in", ask_to_sign_in),
    Page("/desk/sign-in/passkeys", "POST", "sign_in", sign_in),
)
