"""What responding, sending and sweeping know of the set-up: who is met where, who is alerted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.answers import AnswerNotifier
from bot.channels import Channel
from storage.vault import Vault


@dataclass(frozen=True, slots=True)
class House:
    """The set-up of one process. `manager` are the channels that reach the manager alone."""

    vault: Vault
    channels: Mapping[str, Channel]
    alerts: Sequence[str] = ()
    details_in_chat: bool = False
    public_url: str | None = None
    manager: Sequence[str] = ()
    answers: AnswerNotifier = field(default_factory=AnswerNotifier)
