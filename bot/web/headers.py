"""Security headers of every response: CSP, no framing, no-store, no referrer."""

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-src {frames}; frame-ancestors {frames}"
)
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
}
_HSTS = {"Strict-Transport-Security": "max-age=31536000"}


class SecuredApp(Starlette):
    """An app all of whose answers carry the headers, the one to an error of ours too."""

    secure = allow_frames = False

    def build_middleware_stack(self) -> ASGIApp:
        """Return what answers; middleware that is given to an app stays inside its error page."""
        return SecurityHeaders(super().build_middleware_stack(), self.secure, self.allow_frames)


class SecurityHeaders:
    """Adds the headers to every answer of an app. `allow_frames`: for the demo page."""

    def __init__(self, app: ASGIApp, secure: bool, allow_frames: bool = False) -> None:
        self._app = app
        policy = _CSP.format(frames="'self'" if allow_frames else "'none'")
        self._headers = {**_ALWAYS, "Content-Security-Policy": policy}
        if secure:
            self._headers |= _HSTS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app does, with the headers added."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers)
