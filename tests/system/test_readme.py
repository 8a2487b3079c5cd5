"""Every command of README.md is run here as written, or named with the test or job that runs it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from yaml import safe_load

from app.cli import COMMANDS
from tests.support.ports import free_port
from tests.support.processes import Processes

# The job of the pipeline or the test that runs each command that this file does not run.
RUN_ELSEWHERE = {
    "make run": "tests/app/test_run.py",  # `python -m app run` is its recipe
    "make test": ".github/workflows/ci.yml",
    "make kind": "tests/chart/test_k8s.py",  # k8s/kind/up.sh, whose cluster the job e2e makes
    "docker build": ".github/workflows/ci.yml",
    "kind load": ".github/workflows/ci.yml",
    "helm install": "tests/e2e/test_install.py",
    "helm test": "tests/e2e/test_install.py",
    "kubectl exec": "tests/app/test_promote.py",
}
# Targets that no push runs: they measure, need hours or Docker, or the shop of `make run`; with their tests.
ON_DEMAND = {
    "load": "tests/system/test_load.py",
    "run": "tests/app/test_run.py",
    "bench": "tests/scripts/test_bench_overload.py",
    "bench-telemetry": "tests/scripts/test_bench_telemetry.py",
    "bench-telemetry-outages": "tests/app/telemetry/test_outages.py",
    "mutants": "tests/scripts/test_mutants.py",
    "coverage": "tests/app",
    "compose": "tests/system/test_compose.py",
    "kind": "tests/chart/test_k8s.py",
    "generate": "tests/app/api/test_contract.py",
}


@pytest.fixture(scope="session")
def readme(root: Path) -> str:
    return (root / "README.md").read_text()


def _blocks(readme: str) -> list[str]:
    return re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)


def test_the_readmes_commands_lead_to_a_paid_order(readme: str, tmp_path: Path) -> None:
    assert shutil.which("curl"), "curl is not on PATH; Debian: apt-get install curl"
    smoke, lines = (block for block in _blocks(readme) if "curl" in block or "smoke" in block)
    assert len(lines.strip().splitlines()) == 5
    ports = {"PORT": free_port(), "ADMIN_PORT": free_port(), "SANDBOX_PORT": free_port()}
    provider = f"http://127.0.0.1:{ports['SANDBOX_PORT']}"
    with Processes(tmp_path) as processes:
        shop = processes.start("run", PROVIDER_URL=provider, **ports)
        url = processes.await_answer(shop, f"http://127.0.0.1:{ports['PORT']}", "/readyz")
        place = httpx2.URL(url).netloc.decode()
        followed = _run_shell(lines.replace("localhost:8000", place), tmp_path)
        checked = _run_shell(
            smoke.replace("127.0.0.1:8000", place).replace("python -m", f"{sys.executable} -m"), Path.cwd()
        )
    assert followed.returncode == 0, followed.stdout + followed.stderr
    assert '"status":"paid"' in followed.stdout, "and the events end by themselves"
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.splitlines()[-1].startswith("ok    paid")


def _run_shell(lines: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", lines], cwd=folder, capture_output=True, text=True, timeout=90, check=False
    )


def test_every_command_is_run_here_or_elsewhere(readme: str, root: Path) -> None:
    run_here = [block for block in _blocks(readme) if "curl" in block or "smoke" in block]
    others = "".join(block for block in _blocks(readme) if block not in run_here)
    commands = [part.strip() for line in others.splitlines() for part in line.partition("#")[0].split("&&")]
    assert len(commands) == 8
    for command in commands:
        where = RUN_ELSEWHERE[" ".join(command.split()[:2])]
        assert (root / where).is_file()
        if where.startswith((".github", "tests/e2e")):
            words = command.split()[:2] if command.startswith("make") else command.split()[:1]
            assert " ".join(words) in (root / where).read_text(), command


def test_every_target_exists_and_is_run_by_a_pipeline_or_covered_by_a_test(readme: str, root: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", (root / "Makefile").read_text(), re.MULTILINE))
    workflow = safe_load((root / ".github/workflows/ci.yml").read_text())
    steps = " ".join(step.get("run", "") for job in workflow["jobs"].values() for step in job["steps"])
    steps += (root / ".ci/run").read_text()
    named = set(re.findall(r"\bmake ([a-z][a-z0-9-]*)", readme)) - {"alone"}
    assert len(named) > 15
    for target in named:
        assert target in targets
        if target in ON_DEMAND:
            assert (root / ON_DEMAND[target]).exists()
        else:
            assert re.search(rf"\bmake {target}\b", steps), f"no pipeline runs make {target}"


def test_every_command_of_the_service_exists(readme: str) -> None:
    named = set(re.findall(r"python -m app ([a-z]+)", readme))
    assert named <= {command.name for command in COMMANDS}


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "CHANGELOG.md",
        ".github/CONTRIBUTING.md",
        *(f"{folder}/README.md" for folder in ("bench", "grafana", "loadtests", "tests")),
        *sorted(f"docs/{path.name}" for path in (Path(__file__).parents[2] / "docs").glob("*.md")),
    ],
)
def test_every_path_that_a_page_names_exists(root: Path, page: str) -> None:
    text = (root / page).read_text()
    links = {link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link}
    for link in links - {""}:
        assert ((root / page).parent / link).exists(), link
    # A changelog describes the past, including its paths.
    named = set(re.findall(r"`((?:app|tests|grafana|helm|k8s|loadtests|bench|scripts|docs)/[\w./-]+)`", text))
    named -= set(re.findall(r"\*\*`([^`]+)`\*\*", text))  # the files that docs/adding.md creates
    for path in named if page != "CHANGELOG.md" else ():
        assert (root / path).exists(), path
