"""What holds for every workflow, beyond what zizmor asks."""

import re
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = {path.name: path.read_text() for path in sorted((ROOT / ".github/workflows").glob("*.yml"))}
JOBS = {
    (name, job): definition
    for name, text in WORKFLOWS.items()
    for job, definition in yaml.safe_load(text)["jobs"].items()
}
PIN = re.compile(r"uses: (?P<action>[\w./-]+)@(?P<commit>[0-9a-f]{40}) # v\d+\.\d+\.\d+")

each_workflow = pytest.mark.parametrize("name", WORKFLOWS)
each_job = pytest.mark.parametrize("job", JOBS.values(), ids=[f"{name} {job}" for name, job in JOBS])


def scripts(text: str) -> list[str]:
    return [step["run"] for job in yaml.safe_load(text)["jobs"].values() for step in job["steps"] if "run" in step]


@each_workflow
def test_actions_are_pinned_by_commit_with_the_version_beside_it(name: str) -> None:
    uses = [line.strip() for line in WORKFLOWS[name].splitlines() if "uses:" in line]
    assert [line for line in uses if not PIN.fullmatch(line.removeprefix("- "))] == []


def test_one_action_has_one_pin() -> None:
    commits = defaultdict(set)
    for text in WORKFLOWS.values():
        for pin in PIN.finditer(text):
            commits[pin["action"]].add(pin["commit"])
    assert {action: pins for action, pins in commits.items() if len(pins) > 1} == {}


@each_workflow
def test_workflow_grants_nothing_and_gives_way_to_a_newer_run(name: str) -> None:
    workflow = yaml.safe_load(WORKFLOWS[name])
    assert workflow["permissions"] == {}
    assert "${{ github.ref }}" in workflow["concurrency"]["group"]


@each_job
def test_job_says_what_it_may_and_how_long(job: dict[str, Any]) -> None:
    assert "permissions" in job
    assert 0 < job["timeout-minutes"] <= 60


@each_workflow
def test_a_permission_comes_with_its_reason(name: str) -> None:
    grants = re.findall(r"^ +[a-z-]+: (?:read|write)\b.*$", WORKFLOWS[name], re.MULTILINE)
    assert grants
    assert [grant for grant in grants if not re.search(r" # \w+", grant)] == []


@each_workflow
def test_nothing_is_expanded_into_a_script(name: str) -> None:
    """A value reaches a script through `env:`, where the shell takes it for a value and not for code."""
    assert [script for script in scripts(WORKFLOWS[name]) if "${{" in script] == []


@each_workflow
def test_make_targets_exist(name: str) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    called = {target for script in scripts(WORKFLOWS[name]) for target in re.findall(r"\bmake ([a-z0-9-]+)", script)}
    assert called
    assert called - targets == set()


def test_the_last_job_of_ci_waits_for_all_others() -> None:
    jobs = yaml.safe_load(WORKFLOWS["ci.yml"])["jobs"]
    assert set(jobs["passed"]["needs"]) == set(jobs) - {"passed"}


@pytest.mark.parametrize(
    ("results", "passes"),
    [("success success", True), ("success failure", False), ("cancelled success", False), ("success skipped", False)],
)
def test_the_last_job_of_ci_passes_only_when_all_others_did(results: str, *, passes: bool) -> None:
    [step] = yaml.safe_load(WORKFLOWS["ci.yml"])["jobs"]["passed"]["steps"]
    assert step["env"] == {"RESULTS": "${{ join(needs.*.result, ' ') }}"}
    answer = subprocess.run(["bash", "-e", "-c", step["run"]], env={"RESULTS": results}, check=False)
    assert (answer.returncode == 0) is passes


def test_the_page_on_pipelines_names_every_job_and_secret() -> None:
    page = (ROOT / "docs/pipelines.md").read_text()
    secrets = {secret for text in WORKFLOWS.values() for secret in re.findall(r"secrets\.(\w+)", text)}
    jobs = {f"`{job}`" for _, job in JOBS}
    assert {word for word in secrets | jobs | set(WORKFLOWS) if word not in page} == set()
