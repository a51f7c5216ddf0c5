"""Table 2: the acts on a referral, one row each; desk, API, report and command line read it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum

from flows.machine import InvalidTransition, TransitionTable

__all__ = [
    "ACTS",
    "CLOSED_STAGES",
    "LISTED_STAGES",
    "OPEN_STAGES",
    "Act",
    "ActRule",
    "ActTable",
    "InvalidTransition",
    "ReferralStage",
    "allowed_acts",
    "mermaid",
    "stage_after",
]


class ReferralStage(StrEnum):
    """Where a referral can be, once it was handed over."""

    NEW = "new"
    CLAIMED = "claimed"
    IN_TOUCH = "in_touch"
    WAITING = "waiting"
    PAUSED = "paused"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    ERASED = "erased"


class Act(StrEnum):
    """What moves a referral from one stage to another."""

    CLAIM = "claim"
    HAND_BACK = "hand_back"
    LEASE_ENDED = "lease_ended"
    TRANSFER = "transfer"
    SPOKE = "spoke"
    NO_ANSWER = "no_answer"
    WRONG_NUMBER = "wrong_number"
    NOT_NOW = "not_now"
    SNOOZE = "snooze"
    SUITABLE = "suitable"
    NOT_SUITABLE = "not_suitable"
    DECLINED = "declined"
    REFER_ON = "refer_on"
    CLOSE = "close"
    ASK_TO_DELETE = "ask_to_delete"
    STILL_WANTED = "still_wanted"
    ERASE = "erase"
    WITHDRAW = "withdraw"
    REOPEN = "reopen"


class ActedBy(Enum):
    """Who an act comes from."""

    STAFF = "staff"
    PERSON = "person"
    CLOCK = "clock"


class ActForm(StrEnum):
    """The form of a referral's page by which an act is taken."""

    CLAIM = "claim"
    OUTCOME = "outcome"
    SNOOZE = "snooze"
    REASSIGNMENT = "reassignment"
    RESOLUTION = "resolution"
    WITHDRAWAL = "withdrawal"


class FollowUp(Enum):
    """Whether an act says when to come back to the referral."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


class Contact(Enum):
    """What an act counts as in the times of the report: no try, a try, or one that succeeded."""

    NONE = "none"
    TRIED = "tried"
    REACHED = "reached"


@dataclass(frozen=True, slots=True)
class ActRule:
    """One act: the stages it leads between, and all that desk, API and report ask of it.

    Its words stand in flows/content/en/desk under its name: [acts] always; [page_flash] for an act
    of staff without `queue_flash`; [sure] with `confirm`; [numbers] for what is counted.
    """

    act: Act
    starts: tuple[ReferralStage, ...]
    leads_to: ReferralStage
    by: ActedBy = ActedBy.STAFF
    form: ActForm | None = None
    resolution: int = 0
    """Its place in the form RESOLUTION, which settles what nobody holds; 0: it is not in it."""
    confirm: bool = False
    """The desk asks once more before it is done."""
    follow_up: FollowUp = FollowUp.NONE
    api: bool = False
    """Another system may record it by the API."""
    contact: Contact = Contact.NONE
    result: bool = False
    """The report counts it as what came of a referral."""

    @property
    def queue_flash(self) -> str:
        """The key of what the queue says once it is done; "" where the page is still of use."""
        if self.leads_to is ReferralStage.CLOSED:
            return "closed"
        gone = self.leads_to in CLOSED_STAGES or self.form is ActForm.REASSIGNMENT
        return str(self.act) if gone else ""


class ActTable(TransitionTable[ReferralStage, Act]):
    """The acts as a table of moves, and the groups that follow from their rows."""

    def __init__(self, rules: Sequence[ActRule]) -> None:
        self.rules = tuple(rules)
        self._by_name: dict[str, ActRule] = {rule.act: rule for rule in self.rules}
        super().__init__(
            tuple(ReferralStage), [(rule.act, rule.starts, rule.leads_to) for rule in self.rules]
        )

    def find(self, act: str) -> ActRule | None:
        """Return the row of an act; None when it moves nothing, or is none."""
        return self._by_name.get(act)

    def of_form(self, form: ActForm) -> tuple[Act, ...]:
        """Return the acts of one form of the page, in its order."""
        if form is not ActForm.RESOLUTION:
            return tuple(rule.act for rule in self.rules if rule.form is form)
        found = [rule for rule in self.rules if rule.resolution]
        return tuple(rule.act for rule in sorted(found, key=lambda rule: rule.resolution))

    def of_staff(self) -> tuple[Act, ...]:
        """Return the acts of staff."""
        return tuple(rule.act for rule in self.rules if rule.by is ActedBy.STAFF)

    def recordable(self) -> tuple[Act, ...]:
        """Return the acts that another system may record."""
        return tuple(rule.act for rule in self.rules if rule.api)

    def queue_flashes(self) -> tuple[str, ...]:
        """Return the keys of what the queue says after an act."""
        return tuple(dict.fromkeys(rule.queue_flash for rule in self.rules if rule.queue_flash))

    def page_flashes(self) -> tuple[Act, ...]:
        """Return the acts after which the page of the referral says something, by their name."""
        return tuple(act for act in self.of_staff() if not self._by_name[act].queue_flash)

    def with_follow_up(self) -> tuple[Act, ...]:
        """Return the acts that may, or must, say when to come back to the referral."""
        return tuple(rule.act for rule in self.rules if rule.follow_up is not FollowUp.NONE)

    def contacts(self, *counted_as: Contact) -> tuple[Act, ...]:
        """Return the acts that count as one of these; every try where none is named."""
        counted = counted_as or (Contact.TRIED, Contact.REACHED)
        return tuple(rule.act for rule in self.rules if rule.contact in counted)

    def reported(self) -> tuple[Act, ...]:
        """Return the acts that the report counts: the claim, each try, and what came of it."""
        tries, results = self.contacts(), [rule.act for rule in self.result_rules()]
        return tuple(dict.fromkeys((Act.CLAIM, *tries, *results)))

    def result_rules(self) -> tuple[ActRule, ...]:
        """Return the rows of the acts that the report counts as what came of a referral."""
        return tuple(rule for rule in self.rules if rule.result)

    def results(self) -> tuple[str, ...]:
        """Return what a referral can count as in the report, in its order."""
        found = (rule.act for rule in self.result_rules())
        return ("open", ReferralStage.PAUSED, *found, Act.CLOSE)


_NEW, _PAUSED = ReferralStage.NEW, ReferralStage.PAUSED
_CLAIMED, _IN_TOUCH, _WAITING = HELD_STAGES = (
    *(ReferralStage.CLAIMED, ReferralStage.IN_TOUCH, ReferralStage.WAITING),
)
"""A member of staff owns it: an act that leads here keeps or names its owner, others free it."""
_CLOSED, _WITHDRAWN, _ERASED = CLOSED_STAGES = (
    *(ReferralStage.CLOSED, ReferralStage.WITHDRAWN, ReferralStage.ERASED),
)
OPEN_STAGES = (_NEW, *HELD_STAGES, _PAUSED)
LISTED_STAGES = (*OPEN_STAGES, _WITHDRAWN)
"""What a list of the work holds: what was withdrawn stays in it until somebody closes it."""
_OUTCOME, _REASSIGNMENT = ActForm.OUTCOME, ActForm.REASSIGNMENT
_TRIED, _REACHED = Contact.TRIED, Contact.REACHED
_MAY, _MUST = FollowUp.OPTIONAL, FollowUp.REQUIRED

ACTS = ActTable(
    (
        ActRule(Act.CLAIM, (_NEW,), _CLAIMED, form=ActForm.CLAIM, api=True),
        ActRule(Act.HAND_BACK, HELD_STAGES, _NEW, form=_REASSIGNMENT, api=True),
        ActRule(Act.LEASE_ENDED, HELD_STAGES, _NEW, by=ActedBy.CLOCK),
        ActRule(Act.TRANSFER, HELD_STAGES, _CLAIMED, form=_REASSIGNMENT),
        ActRule(Act.SPOKE, HELD_STAGES, _IN_TOUCH, form=_OUTCOME, api=True, contact=_REACHED),
        ActRule(
            Act.NO_ANSWER,
            HELD_STAGES,
            _WAITING,
            form=_OUTCOME,
            follow_up=_MAY,
            api=True,
            contact=_TRIED,
        ),
        ActRule(Act.WRONG_NUMBER, HELD_STAGES, _WAITING, form=_OUTCOME, api=True, contact=_TRIED),
        ActRule(
            Act.NOT_NOW,
            HELD_STAGES,
            _WAITING,
            form=_OUTCOME,
            follow_up=_MAY,
            api=True,
            contact=_REACHED,
        ),
        ActRule(Act.SNOOZE, HELD_STAGES, _WAITING, form=ActForm.SNOOZE, follow_up=_MUST),
        ActRule(Act.SUITABLE, HELD_STAGES, _IN_TOUCH, form=_OUTCOME, api=True, result=True),
        ActRule(
            Act.NOT_SUITABLE,
            HELD_STAGES,
            _CLOSED,
            form=_OUTCOME,
            confirm=True,
            api=True,
            result=True,
        ),
        ActRule(
            Act.DECLINED,
            HELD_STAGES,
            _CLOSED,
            form=_OUTCOME,
            confirm=True,
            api=True,
            contact=_REACHED,
            result=True,
        ),
        ActRule(Act.REFER_ON, HELD_STAGES, _CLOSED, form=_OUTCOME, api=True, result=True),
        ActRule(
            Act.CLOSE,
            (*HELD_STAGES, _PAUSED, _WITHDRAWN),
            _CLOSED,
            form=_OUTCOME,
            resolution=2,
            confirm=True,
            api=True,
        ),
        ActRule(Act.ASK_TO_DELETE, (*OPEN_STAGES, _CLOSED, _WITHDRAWN), _PAUSED, by=ActedBy.PERSON),
        ActRule(Act.STILL_WANTED, (_PAUSED,), _NEW, resolution=1, api=True),
        ActRule(Act.ERASE, (_PAUSED, _WITHDRAWN, _CLOSED), _ERASED, resolution=4, confirm=True),
        ActRule(
            Act.WITHDRAW,
            (*OPEN_STAGES, _WITHDRAWN),
            _WITHDRAWN,
            by=ActedBy.PERSON,
            form=ActForm.WITHDRAWAL,
            confirm=True,
            result=True,
        ),
        ActRule(Act.REOPEN, (_CLOSED,), _NEW, resolution=3, api=True),
    )
)
"""`lease_ended` comes from the clock; `ask_to_delete` and `withdraw` come from the person, and
contact stops with either. All the others are done by a named member of staff. A note, a look at
how to make contact and an opening are dated steps too, but move nothing, so they have no row.
"""


def allowed_acts(stage: str) -> tuple[Act, ...]:
    """Return the acts that staff can take on a referral at `stage`; none for an unknown stage."""
    ours = ACTS.of_staff()
    return tuple(act for act in ACTS.allowed_from(stage) if act in ours)


def stage_after(stage: str, act: str) -> ReferralStage:
    """Return the stage after `act`; raise InvalidTransition when it does not start from `stage`.

    Both may be any string: this is where names from a form or a row become ours.
    """
    return ACTS.next_state(stage, act)


def mermaid() -> str:
    """Return this table as a Mermaid state diagram."""
    return ACTS.mermaid("What staff can do with a referral")
