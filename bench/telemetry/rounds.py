"""Variants in turn, round after round: what else the machine does touches all alike."""

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from bench.telemetry.servers import Bench, Server

TURN: Final = 250  # requests to one variant, before it is the next one's turn


@dataclass(slots=True)
class Round:
    """One variant in one round: `turns` are CPU seconds a request of the event loop's thread, one for each turn.

    `others` are CPU seconds of the threads beside it, in the whole round: they send spans, many at once.
    """

    turns: list[float] = field(default_factory=list)
    others: float = 0.0
    spans: int = 0


@dataclass(slots=True)
class Spent:
    """What one variant used, in rounds of so many requests."""

    requests: int
    rounds: list[Round] = field(default_factory=list)

    def micro(self) -> list[float]:
        """CPU microseconds a request, of each round: the median turn, and the share of what all spans took to send.

        The median, since a busy machine only ever adds: a turn that was interrupted pays for cold caches.
        """
        return [(statistics.median(one.turns) + one.others / self.requests) * 1e6 for one in self.rounds]

    def micro_of_others(self) -> float:
        """The part that is not the event loop's, but of the threads beside it."""
        return statistics.median(one.others for one in self.rounds) / self.requests * 1e6

    def spans_a_request(self) -> float:
        return sum(one.spans for one in self.rounds) / self.requests / len(self.rounds)


async def measure(bench: Bench, *, rounds: int, requests: int, told: Callable[[str], None]) -> dict[str, Spent]:
    """What each server spent. Another one begins each round, so that none always follows the same neighbour."""
    servers = list(bench.servers.values())
    spent = {server.name: Spent(requests) for server in servers}
    for number in range(rounds):
        told(f"round {number + 1} of {rounds}")
        shift = number * len(servers) // rounds
        turning = [*servers[shift:], *servers[:shift]]
        for server in turning:
            spent[server.name].rounds.append(Round())
        for turn in _turns(requests):
            for server in turning:
                await _measure(bench, server, spent[server.name].rounds[-1], turn)
        for server in turning:
            await _measure(bench, server, spent[server.name].rounds[-1], 0)
    return spent


async def _measure(bench: Bench, server: Server, into: Round, requests: int) -> None:
    """Adds one turn to a round; a turn of no requests sends the spans that wait."""
    spans = bench.counts()["spans"]
    loop, others = server.used()
    if requests:
        await server.load(requests)
    else:
        server.flush()
    loop_after, others_after = server.used()
    if requests:
        into.turns.append((loop_after - loop) / requests)
    into.others += others_after - others
    into.spans += bench.counts()["spans"] - spans


def _turns(requests: int) -> Iterator[int]:
    while requests > 0:
        yield min(TURN, requests)
        requests -= TURN
