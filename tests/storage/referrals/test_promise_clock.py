"""The promise clock runs, by queue, until somebody has tried to be in touch."""

from dataclasses import replace

from flows.casework import Act
from flows.vocabulary import Queue
from storage.database import Database
from storage.referrals import acts, lifecycle
from storage.referrals.promise_clock import PromiseClock, promise_clocks
from tests.support.builders import DAY, HOUR, NOW, make_record

ADULTS, CHECK = Queue.ADULTS, Queue.CHECK


def test_the_earliest_promise_counts_and_what_is_late(database: Database) -> None:
    due = {"AAAA-CCCC": NOW + DAY, "AAAA-DDDD": NOW + HOUR, "AAAA-EEEE": NOW + 2 * DAY}
    with database.unit(NOW) as unit:
        assert promise_clocks(unit) == {}
        for reference, when in due.items():
            queue = CHECK if reference == "AAAA-EEEE" else ADULTS
            lifecycle.hand_over(unit, replace(make_record(reference, when), queue=queue), None)
        late = PromiseClock(NOW + HOUR, 0)
        assert promise_clocks(unit) == {ADULTS: late, CHECK: PromiseClock(NOW + 2 * DAY, 0)}
    with database.unit(NOW + DAY + HOUR) as unit:
        assert promise_clocks(unit)[ADULTS] == PromiseClock(NOW + HOUR, 2)
        acts.claim(unit, "AAAA-DDDD", "priya")
        assert promise_clocks(unit)[ADULTS].overdue == 2
        acts.perform_act(unit, "AAAA-DDDD", Act.NO_ANSWER, "priya", "", None)
        assert promise_clocks(unit)[ADULTS] == PromiseClock(NOW + DAY, 1)
