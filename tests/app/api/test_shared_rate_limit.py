"""Several processes share one rate limit for a client."""

import asyncio

from tests.support import loopback
from tests.support.processes import Processes

LIMIT = 40  # limits below 64 prefetch no tokens, so that the limit is exact


def test_two_processes_share_one_limit_for_a_client(processes: Processes, stores: dict[str, str]) -> None:
    urls = [processes.api(**stores, TRUSTED_PROXIES="127.0.0.1", RATE_LIMIT_READS=LIMIT)[1] for _ in range(2)]

    async def send_requests() -> tuple[list[int], int]:
        async with loopback.async_client(timeout=60) as client:  # 80 connections at once, on a busy machine
            requests = (
                client.get(f"{urls[number % 2]}/api/v1/items", headers={"X-Forwarded-For": "192.0.2.7"})
                for number in range(2 * LIMIT)
            )
            answers = await asyncio.gather(*requests)
            other = await client.get(f"{urls[0]}/api/v1/items", headers={"X-Forwarded-For": "192.0.2.8"})
        return [answer.status_code for answer in answers], other.status_code

    statuses, other = asyncio.run(send_requests())
    assert sorted(statuses) == [200] * LIMIT + [429] * LIMIT
    assert other == 200
