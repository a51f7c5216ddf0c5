"""Looks at a page as a careful colleague would: axe, what it asks for, whether it fits."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, Request

AXE = (Path(__file__).parent / "axe.min.js").read_text("utf-8")
AXE_RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


def axe_violations(page: Page) -> list[str]:
    """Return what axe finds wrong on a page, a line each."""
    page.evaluate(AXE)
    found = page.evaluate(
        "rules => axe.run({runOnly: {type: 'tag', values: rules}, resultTypes: ['violations']})"
        ".then(r => JSON.stringify(r.violations))",
        list(AXE_RULES),
    )
    lines = [
        f"{page.url} {one['id']}: {node['html'][:120]}"
        for one in json.loads(found)
        for node in one["nodes"]
    ]
    return list(dict.fromkeys(lines))


def horizontal_overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than the window; 0 when it fits."""
    page.wait_for_load_state()  # a page whose style sheet is still on its way is wider
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return max(0, int(wide))


@contextmanager
def forbid_outside_requests(page: Page, address: str) -> Iterator[None]:
    """See to it that a page asks for nothing from elsewhere and says nothing to its console."""
    elsewhere: list[str] = []
    said: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith(address) and not request.is_navigation_request():
            elsewhere.append(request.url)

    page.on("request", note)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on(
        "console",
        lambda message: said.append(message.text) if _is_about_us(message.text) else None,
    )
    yield
    assert not elsewhere, f"Asked for from elsewhere: {elsewhere}"
    assert not said, f"Said to the console: {said}"


def _is_about_us(text: str) -> bool:
    """Return whether a line of the console tells of a fault of the page: policy or script."""
    return "Content Security Policy" in text or "Uncaught" in text
