"""Looks for what is new on one chat's screen; costs next to nothing while nobody says anything."""

from dataclasses import dataclass

from bot.channels.web.channel import NAME
from bot.channels.web.guard import Web
from storage.chats import screens


@dataclass(slots=True, eq=False)
class Watch:
    """One chat's screen. Its own state is looked up only after some screen changed."""

    web: Web
    address: str
    _own: str = ""
    _all: str = ""

    async def look(self) -> str:
        """Return what changes whenever anything changes on this screen."""
        everywhere = await self.web.newest()
        if everywhere != self._all:
            self._own = await self.web.database.read(
                lambda session: screens.newest_of(session, self.web.vault, NAME, self.address)
            )
            self._all = everywhere
        return self._own
