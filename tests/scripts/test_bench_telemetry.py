"""The benchmark measures what its table says: each variant answers alike, and makes the spans and lines it should."""

import re
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from bench.telemetry.applications import PATH, bare
from bench.telemetry.rounds import Round, Spent
from bench.telemetry.table import missed, ratio, table
from bench.telemetry.variants import VARIANTS, Variant
from tests.support import otlp_receiver
from tests.support.recorded_telemetry import SAMPLED, UNSAMPLED, recorded_logs

REQUESTS = 3
ours = [name for name, variant in VARIANTS.items() if not variant.peer]  # a peer's spans are none of our inventory


async def _ask(asgi: object, headers: dict[str, str]) -> set[tuple[int, bytes]]:
    """Statuses and bodies of some requests."""
    transport = httpx2.ASGITransport(app=asgi)  # type: ignore[arg-type]
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver", headers=headers) as client:
        answers = [await client.get(PATH) for _ in range(REQUESTS)]
    return {(answer.status_code, answer.content) for answer in answers}


async def _spans_and_lines(name: str, headers: dict[str, str]) -> tuple[int, int]:
    """What so many requests make. Each is answered as by the bare route."""
    variant = VARIANTS[name]
    with recorded_logs("info" if variant.line else "warning") as lines, otlp_receiver.receiver() as receiver:
        application = variant.build(receiver.endpoint)
        try:
            assert await _ask(application.asgi, headers) == await _ask(bare("").asgi, {})
            application.flush()
        finally:
            application.close()
        return len(receiver.spans), len(lines.lines())


@pytest.mark.anyio
@pytest.mark.parametrize("name", ours)
async def test_a_variant_makes_the_lines_and_spans_that_the_table_says(name: str) -> None:
    variant = VARIANTS[name]
    headers, sampled = {0.0: ({}, 0), 1.0: ({}, 1)}.get(variant.share, (SAMPLED, 1))
    spans, lines = await _spans_and_lines(name, headers)
    assert spans == sampled * variant.each * REQUESTS
    assert lines == (REQUESTS if variant.line else 0)


@pytest.mark.anyio
@pytest.mark.parametrize("name", [name for name in ours if 0 < VARIANTS[name].share < 1])
async def test_an_unsampled_request_makes_no_span(name: str) -> None:
    assert (await _spans_and_lines(name, UNSAMPLED))[0] == 0


def test_a_peer_that_is_not_installed_is_passed_over_and_the_table_says_why() -> None:
    why = Variant("a peer", bare, module="no_such_module").missing()
    assert why is not None
    assert "make bench-telemetry" in why
    assert f"not measured: {why}" in table({"bare": _spent(100)}, {"instrumentator": why})


def _spent(*micro: float) -> Spent:
    return Spent(1, [Round(turns=[one / 1e6]) for one in micro])


def test_the_ratio_is_the_median_of_the_rounds() -> None:
    spent = {"bare": _spent(100, 200, 100), "all-10": _spent(150, 260, 130)}
    assert ratio(spent, "all-10") == pytest.approx(1.3)


def test_a_turn_that_was_disturbed_does_not_count_and_sending_does() -> None:
    disturbed = Round(turns=[100e-6, 101e-6, 900e-6], others=10 * 20e-6)
    assert Spent(10, [disturbed]).micro() == pytest.approx([121])


def test_a_goal_that_is_missed_is_named() -> None:
    spent = {"bare": _spent(100), "all-10": _spent(146), "all-100": _spent(300), "readme-100": _spent(900)}
    assert missed(spent) == ["all-10"]
    assert re.search(r"`all-10`.*MISSED", table(spent, {}))
    assert re.search(r"`all-100`.*holds", table(spent, {}))


def _run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench.telemetry", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=120)


def test_it_measures_real_servers_and_checks_a_peer_before(root: Path) -> None:
    answer = _run(root, "--variants", "all-100,readme-100", "--rounds", "1", "--requests", "20")
    rows = [line for line in answer.stdout.splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == ["bare", "all-100", "readme-100"], answer.stderr
    assert [row.split("|")[6].strip() for row in rows] == ["", "1.00", "3.00"]
    assert "round 1 of 1" in answer.stderr
    assert answer.returncode == ("MISSED" in answer.stdout), answer.stderr


def test_an_unknown_variant_is_refused_in_one_line(root: Path) -> None:
    answer = _run(root, "--variants", "all-11")
    assert answer.returncode == 2
    assert "unknown variant all-11" in answer.stderr
    assert "Traceback" not in answer.stderr
