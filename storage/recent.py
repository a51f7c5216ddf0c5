"""The latest conversations, opened, in memory: what is stored need not be decrypted again."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flows.conversation import Conversation

MAX_AGE = timedelta(minutes=15)
"""How long after its last input a conversation is kept in memory."""


@dataclass(frozen=True, slots=True)
class RecentConversation:
    """A conversation as it was stored at `version`, with its answers and their row ids."""

    version: int
    conversation: Conversation
    answer_row_ids: tuple[str, ...]
    next_n: int


@dataclass(slots=True)
class RecentConversations:
    """The last `limit` that were committed, by conversation id; 0 keeps none.

    An entry counts for the version that it was stored as: whoever else writes a conversation
    changes its version, and with that the entry is void.
    """

    limit: int = 1000
    _entries: dict[str, RecentConversation] = field(default_factory=dict)

    def find(self, conversation_id: str, version: int) -> RecentConversation | None:
        """Return the conversation as it is stored at this version, if it is here."""
        entry = self._entries.get(conversation_id)
        return entry if entry and entry.version == version else None

    def update(self, committed: dict[str, RecentConversation]) -> None:
        """Take over what a unit of work has committed; the ones longest ago make room."""
        for id, entry in committed.items():
            self._entries.pop(id, None)
            self._entries[id] = entry
        while len(self._entries) > self.limit:
            del self._entries[next(iter(self._entries))]

    def drop_idle(self, now: datetime) -> None:
        """Drop what nobody has added to for MAX_AGE."""
        for id, entry in list(self._entries.items()):
            last = entry.conversation.last_input_at
            if last is None or now - last > MAX_AGE:
                self._entries.pop(id, None)
