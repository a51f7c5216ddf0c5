"""Cookies that only this site can set and only the server can read."""

from starlette.requests import Request
from starlette.responses import Response


def cookie_name(cookie: str, secure: bool) -> str:
    """Return the cookie's full name: with its prefix wherever the site is served by https."""
    return f"__Host-{cookie}" if secure else cookie


def read_cookie(request: Request, cookie: str, secure: bool) -> str:
    """Return what the browser keeps under this name; "" when it keeps nothing."""
    return request.cookies.get(cookie_name(cookie, secure), "")[:200]


def set_cookie(response: Response, cookie: str, value: str, secure: bool, days: int = 0) -> None:
    """Have the browser keep a value: until it is closed, or for some days."""
    response.set_cookie(
        cookie_name(cookie, secure),
        value,
        max_age=days * 86_400 or None,
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def delete_cookie(response: Response, cookie: str, secure: bool) -> None:
    """Have the browser forget a value."""
    response.delete_cookie(
        cookie_name(cookie, secure), path="/", secure=secure, httponly=True, samesite="lax"
    )
