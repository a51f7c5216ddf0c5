"""Looks for what is new on one chat's screen; costs next to nothing while nobody says anything."""

from dataclasses import dataclass

from bot.channels.web.channel import WEB_CHANNEL
from bot.runtime import Runtime
from storage.chats import screens


@dataclass(slots=True, eq=False)
class ScreenWatcher:
    """One chat's screen. Its own state is looked up only after some screen changed."""

    runtime: Runtime
    address: str
    _revision: str = ""
    _global_revision: str = ""

    async def current_revision(self) -> str:
        """Return what changes whenever anything changes on this screen."""
        everywhere = await self.runtime.screens_revision()
        if everywhere != self._global_revision:
            self._revision = await self.runtime.database.read(
                screens.screen_revision, WEB_CHANNEL, self.address
            )
            self._global_revision = everywhere
        return self._revision
