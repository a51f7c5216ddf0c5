"""A browser at the desk that does only what a page offers, and counts the clicks that takes."""

from dataclasses import dataclass, field

import httpx

from tests.harness.desk_fixtures import DeskBrowser
from tests.support.page_parser import ParsedPage, parse_page


@dataclass(slots=True)
class ClickCounter:
    """One person in front of a page: each link followed, option chosen or button pressed is one."""

    browser: DeskBrowser
    page: ParsedPage = field(default_factory=ParsedPage)
    path: str = ""
    clicks: int = 0

    async def open(self, path: str) -> None:
        """Come to a page from outside, by an address; that is where counting starts."""
        await self._show(await self.browser.get(path))
        self.clicks = 0

    async def follow(self, link: str) -> None:
        """Follow a link by its words."""
        self.clicks += 1
        await self._show(await self.browser.get(self.page.links[link]))

    def choose(self, name: str, value: str) -> None:
        """Choose an option of the one form that offers it."""
        self.clicks += 1
        (form,) = (one for one in self.page.forms if value in one.choices.get(name, []))
        form.fields[name] = value

    async def press(self, button: str) -> None:
        """Press a button, which sends its form with what stands in it."""
        self.clicks += 1
        action, fields = self.page.submission_for(button)
        await self._show(await self.browser.client.post(action, data=fields))

    async def _show(self, answer: httpx.Response) -> None:
        while answer.is_redirect:
            answer = await self.browser.get(answer.headers["location"])
        assert answer.status_code == 200, (answer.status_code, answer.url)
        self.path, self.page = answer.url.path, parse_page(answer.text)
