"""The only file that knows Jinja: templates without words of their own, which they say()."""

import hashlib
from collections.abc import Mapping
from functools import cache, partial
from importlib import resources
from typing import Any

from jinja2 import ChainableUndefined, ChoiceLoader, Environment, PackageLoader, PrefixLoader
from starlette.responses import HTMLResponse

from flows.wording import FIRST_LANGUAGE, format_day, format_time, say

STATIC_DIR = resources.files("bot") / "web" / "static"
RIGHT_TO_LEFT = ("ar", "fa", "he", "ps", "ur")
"""Languages that are written from right to left."""


@cache
def environment() -> Environment:
    """Return the templates, escaping everything; the GOV.UK macros are there by their names."""
    found = Environment(
        loader=ChoiceLoader(
            [
                PackageLoader("bot", "web/templates"),
                PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")}),
            ]
        ),
        autoescape=True,
        # The GOV.UK macros ask for parts of what was never given.
        undefined=ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals.update(static=static_url)
    return found


def render_page(
    name: str,
    values: Mapping[str, Any],
    status: int = 200,
    language: str = FIRST_LANGUAGE,
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """Return a page: a template, filled in. Inside it say(key, ...) gives the words."""
    return HTMLResponse(render_template(name, values, language), status, headers)


def render_template(name: str, values: Mapping[str, Any], language: str = FIRST_LANGUAGE) -> str:
    """Return a template, filled in, as text."""
    own = {
        "say": partial(say, language),
        "spoken": partial(format_time, language),
        "format_day": partial(format_day, language),
        "language": language,
        "direction": "rtl" if language in RIGHT_TO_LEFT else "ltr",
    }
    return environment().get_template(name).render({**own, **values})


@cache
def static_url(path: str) -> str:
    """Return where a file of ours is served; the address changes with what the file holds."""
    held = STATIC_DIR.joinpath(*path.split("/")).read_bytes()
    return f"/static/{path}?{hashlib.sha256(held).hexdigest()[:12]}"
