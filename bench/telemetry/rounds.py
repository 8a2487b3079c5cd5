"""Measures all variants alternately, in rounds, so that other load on the machine affects all alike."""

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from bench.telemetry.servers import Bench, Server

TURN: Final = 250  # requests to one variant before the next one


@dataclass(slots=True)
class Round:
    """Measurements of a variant in a round. `turns` are CPU seconds of the event loop's thread for each request.

    There is one number for each turn. `others` are CPU seconds of all other threads in the whole round; they export
    spans in batches.
    """

    turns: list[float] = field(default_factory=list)
    others: float = 0.0
    spans: int = 0


@dataclass(slots=True)
class Spent:
    """CPU time of one variant; `requests` is the number of requests in each round."""

    requests: int
    rounds: list[Round] = field(default_factory=list)

    def micro(self) -> list[float]:
        """CPU microseconds of a request in each round: the median turn, plus the request's share of the export.

        The median ignores turns that the machine interrupted, which are slower because of cold caches.
        """
        return [(statistics.median(one.turns) + one.others / self.requests) * 1e6 for one in self.rounds]

    def micro_of_others(self) -> float:
        """CPU microseconds of a request in all threads but the event loop's."""
        return statistics.median(one.others for one in self.rounds) / self.requests * 1e6

    def spans_a_request(self) -> float:
        return sum(one.spans for one in self.rounds) / self.requests / len(self.rounds)


async def measure(bench: Bench, *, rounds: int, requests: int, report: Callable[[str], None]) -> dict[str, Spent]:
    """Measures all servers. Each round starts with another one, to vary which server follows which."""
    servers = list(bench.servers.values())
    spent = {server.name: Spent(requests) for server in servers}
    for number in range(rounds):
        report(f"round {number + 1} of {rounds}")
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
    """Adds one turn to a round; a turn without requests exports the queued spans."""
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
