"""One limit for one client, whichever process answers."""

from tests.app import loopback
from tests.app.processes import Processes


def test_two_processes_hold_one_client_to_one_limit(processes: Processes, stores: dict[str, str]) -> None:
    urls = [processes.api(**stores, TRUSTED_PROXIES="127.0.0.1", RATE_LIMIT_READS=100)[1] for _ in range(2)]
    with loopback.client() as client:
        answers = [
            client.get(f"{urls[number % 2]}/api/v1/items", headers={"X-Forwarded-For": "192.0.2.7"})
            for number in range(110)
        ]
        other = client.get(f"{urls[0]}/api/v1/items", headers={"X-Forwarded-For": "192.0.2.8"})
    allowed = [answer.status_code for answer in answers].count(200)
    assert 100 - 2 * 3 <= allowed <= 100 + 5  # what both may hold in lease, and what the window lets slide meanwhile
    assert {answer.status_code for answer in answers} == {200, 429}
    assert other.status_code == 200
