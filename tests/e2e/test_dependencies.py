"""PostgreSQL, Valkey and the provider go for half a minute each, under load, and come back.

PostgreSQL is the one hard dependency: without it every request is refused at once and told when to come again
(docs/decisions/0022). Without Valkey the queue, the limits and the cache fall back on the database and on each process;
without the provider orders are accepted and wait. Both leave every replica ready and no request unanswered
(docs/decisions/0002, 0010, 0011 and 0013).
"""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.e2e.cluster import eventually, say
from tests.e2e.ledger import Ledger
from tests.e2e.load import LoadTest, running
from tests.e2e.probe import Probe
from tests.e2e.release import Release, ready, restarts, unix_time

pytestmark = pytest.mark.timed

GONE_SECONDS = 30
BACK_WITHIN_SECONDS = {"postgresql": 5, "valkey": 10, "sandbox": 10}
REFUSED_WITHIN_SECONDS = 0.5
KNOWN_SECONDS = 5
# Orders that waited: who gets through first calls the others back, and the reconciler looks every 5 s.
WORKED_OFF_WITHIN_SECONDS = 30
COMPONENTS = ("postgresql", "valkey", "sandbox")
OURS = ("api", "worker", "reconciler")
DATABASE_GONE = {"server_error: 503"}


@dataclass
class Outage:
    """Unix times: the pod was told to go, was gone, was asked to come back, was ready; then every API pod was."""

    told: float = 0
    gone: float = 0
    asked_back: float = 0
    back: float = 0
    restarted: int = 0
    unready: set[str] = field(default_factory=set)
    answers: Sequence[Mapping[str, Any]] = ()
    failed: Sequence[Mapping[str, Any]] = ()
    orders: Sequence[Mapping[str, Any]] = ()

    def take(self, answers: Sequence[Mapping[str, Any]], measured: Mapping[str, Any]) -> None:
        """Pick what belongs to this outage, from shortly before it until it is long over."""
        begin, end = self.told - 5, self.back + 30
        self.answers = [each for each in answers if begin < each["at"] < end]
        self.failed = [each for each in measured["failed"] if begin < each["ended"] < end]
        self.orders = [each for each in measured["orders"] if self.told < each["accepted_at"] < self.back]

    def during(self, path: str) -> list[Mapping[str, Any]]:
        """Answers to questions that were asked, and answered, while the dependency was surely gone."""
        meant = [each for each in self.answers if each["path"] == path]
        return [each for each in meant if self.gone < each["at"] and each["ended"] < self.asked_back]

    @property
    def recovery(self) -> float:
        """Seconds from the dependency's own Ready to the last question that got a bad answer, or none in its time."""
        bad: list[float] = [each["at"] for each in self.answers if each["status"] != 200]
        bad += [each["due"] for each in self.failed]
        return max([at for at in bad if at > self.asked_back] + [self.back]) - self.back

    @property
    def worked_off(self) -> float:
        """Seconds from the dependency's own Ready until the last order that was accepted before was seen final."""
        ends: list[float] = [
            each["accepted_at"] + each["seconds"] for each in self.orders if each["seconds"] is not None
        ]
        return max([*ends, self.back]) - self.back


@dataclass
class Drill:
    outages: Mapping[str, Outage]
    disagreements: Sequence[str] = ()


@pytest.fixture(scope="module")
def drill(shop: Release, load_image: str) -> Drill:
    probe = Probe(shop.namespace, load_image)
    probe.start()
    addresses = [pod["status"]["podIP"] for pod in shop.pods("api")]
    outages, disagreements = dict[str, Outage](), list[str]()
    with probe.watching(f"{shop.full_name}-api", addresses) as answers:
        # A load of its own for each: what waited is worked off before the next, and questions to a Service without a
        # replica leave traces in the node's table of connections.
        for component in COMPONENTS:
            ledger, before = Ledger(shop), _restarts(shop)
            with running(shop.namespace, LoadTest(load_image, shop.address)) as load:
                load.until(5)
                outage = outages[component] = _take_away_and_bring_back(shop, component)
                outage.restarted = _restarts(shop) - before
                measured = load.end()
            disagreements += ledger.disagreements(measured)
            outage.take(answers, measured)
            say(f"{component}: {_told(outage)}")
    probe.stop()
    return Drill(outages, disagreements)


def test_without_its_database_every_replica_says_so_and_stays_in_the_service(drill: Drill) -> None:
    outage = drill.outages["postgresql"]
    assert outage.unready == set()
    assert {each["status"] for each in outage.during("/readyz")[5:]} == {503}


def test_without_its_database_requests_are_refused_at_once(drill: Drill) -> None:
    """From shortly after the database is gone: what was asked before may wait for what was under way."""
    outage = drill.outages["postgresql"]
    refused = [each for each in outage.failed if outage.gone + KNOWN_SECONDS < each["due"] < outage.asked_back]
    seconds = sorted(each["ended"] - each["due"] for each in refused)
    half, most = seconds[len(seconds) // 2], seconds[int(len(seconds) * 0.99)]
    say(f"{len(seconds)} refusals, p50 {half:.3f} s, p99 {most:.3f} s")
    assert most < REFUSED_WITHIN_SECONDS


def test_who_reaches_a_replica_without_a_database_is_told_when_to_come_again(drill: Drill) -> None:
    answers = drill.outages["postgresql"].during("/api/v1/items?per_page=1")
    assert {each["status"] for each in answers} == {503}
    assert all(int(each["retry_after"]) > 0 for each in answers)


@pytest.mark.parametrize("component", COMPONENTS[1:])
def test_without_valkey_or_the_provider_every_replica_stays_ready_and_answers(drill: Drill, component: str) -> None:
    outage = drill.outages[component]
    assert outage.unready == set()
    assert {each["status"] for each in outage.answers} == {200}
    assert outage.failed == []
    assert outage.orders


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_replica_stays_alive(drill: Drill, component: str) -> None:
    outage = drill.outages[component]
    assert {each["status"] for each in outage.during("/livez")} == {200}
    assert outage.restarted == 0


@pytest.mark.parametrize("component", COMPONENTS)
def test_nothing_fails_but_for_the_lack_of_a_database(drill: Drill, component: str) -> None:
    """No 500, no reset, no timeout."""
    outage = drill.outages[component]
    ways = {
        each["kind"] if each["kind"] != "server_error" else f"{each['kind']}: {each['said']}" for each in outage.failed
    }
    assert ways <= (DATABASE_GONE if component == "postgresql" else set())


@pytest.mark.parametrize("component", COMPONENTS)
def test_all_is_well_soon_after_the_dependency_is_ready(drill: Drill, component: str) -> None:
    assert drill.outages[component].recovery < BACK_WITHIN_SECONDS[component]


@pytest.mark.parametrize("component", COMPONENTS)
def test_the_orders_that_waited_are_worked_off(drill: Drill, component: str) -> None:
    assert drill.outages[component].worked_off < WORKED_OFF_WITHIN_SECONDS


def test_no_order_is_lost_and_each_paid_one_was_charged_once(drill: Drill) -> None:
    assert drill.disagreements == []


def _take_away_and_bring_back(shop: Release, component: str) -> Outage:
    say(f"{component} goes")
    outage = Outage(told=time.time())
    shop.scale(component, 0)
    eventually(lambda: not shop.pods(component), within=90, what=f"{component} is gone")
    outage.gone = time.time()
    while time.time() < outage.gone + GONE_SECONDS:
        time.sleep(2)
        # The kubelet's view: which of our pods are not ready.
        outage.unready |= {pod["metadata"]["name"] for pod in shop.pods("api") if not ready(pod)}
    outage.asked_back = time.time()
    say(f"{component} comes back")
    shop.scale(component, 1)
    shop.await_pods(component, 1, within=90)
    (pod,) = shop.pods(component)
    (condition,) = [each for each in pod["status"]["conditions"] if each["type"] == "Ready"]
    outage.back = unix_time(condition["lastTransitionTime"])
    shop.await_pods("api", 2, within=60)
    # Long enough to see what fails late, and for the orders that waited.
    time.sleep(max(0, outage.back + 15 - time.time()))
    return outage


def _told(outage: Outage) -> str:
    statuses = Counter(f"{each['path']} {each['status']}" for each in outage.answers)
    failed = Counter(f"{each['kind']} {each['said']}" for each in outage.failed)
    return (
        f"gone {outage.gone - outage.told:.0f} s after it was told, Ready {outage.back - outage.asked_back:.0f} s after"
        f" it was asked back; asked in vain for {outage.recovery:.1f} s more; {len(outage.orders)} orders meanwhile"
        f", the last final {outage.worked_off:.1f} s after; answers {dict(statuses)}; load failed {dict(failed)}"
    )


def _restarts(shop: Release) -> int:
    return sum(restarts(pod) for component in OURS for pod in shop.pods(component))
