"""`make lint` is worth something only while each of its commands still refuses what it is there for."""

import shlex
import shutil
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = sorted(path.parent.name for path in ROOT.glob("*/__init__.py"))
WORKFLOW = """\
name: planted
on: pull_request
permissions: {{}}
concurrency: planted
jobs:
  planted:
    name: planted
    runs-on: ubuntu-24.04
    timeout-minutes: 1
    steps:
      - {step}
"""


@pytest.fixture(scope="session")
def lint_commands() -> dict[str, list[str]]:
    """The commands of `make lint`, as make itself would run them, by program; ruff's by its subcommand too."""
    answer = subprocess.run(["make", "--dry-run", "lint"], cwd=ROOT, check=True, capture_output=True, text=True)
    commands = {}
    for line in answer.stdout.splitlines():
        program, *arguments = shlex.split(line)
        if Path(program).parent.name != "bin":  # make's own messages, and the installation
            continue
        name = Path(program).name
        commands[f"{name} {arguments[0]}" if name == "ruff" else name] = [str(ROOT / program), *arguments]
    return commands


@dataclass(frozen=True)
class Fault:
    """Lines, at the end of a new or an existing file, that a gate must refuse, and what it must say of them."""

    gate: str
    path: str
    text: str
    complaint: str

    def __str__(self) -> str:
        return f"{self.gate}: {self.complaint} in {self.path}"


FAULTS = [
    Fault("ruff check", "app/planted.py", "import os\n", "F401"),
    Fault("ruff format", "app/planted.py", "PRICE = {  'EUR':1 }\n", "planted.py"),
    Fault("mypy", "app/planted.py", "def total(price: str) -> int:\n    return price\n", "[return-value]"),
    Fault("mypy", "app/planted.py", "def total(price):\n    return price\n", "[no-untyped-def]"),
    Fault("lint-imports", "app/settings/model.py", "import app.orders\n", "app.settings.model -> app.orders"),
    Fault("lint-imports", "app/telemetry/planted.py", "import app.api\n", "app.telemetry.planted -> app.api"),
    Fault("lint-imports", "app/infra/planted.py", "import app.orders\n", "app.infra.planted -> app.orders"),
    Fault("lint-imports", "app/orders/planted.py", "import app.api\n", "app.orders.planted -> app.api"),
    Fault("lint-imports", "app/sandbox/planted.py", "import app.infra\n", "app.sandbox.planted -> app.infra"),
    *(
        Fault("bandit", f"{package}/planted.py", 'import os\n\nos.system("ls *")\n', "B605")
        for package in PACKAGES
        if package != "tests"
    ),
    Fault(
        "zizmor",
        ".github/workflows/planted.yml",
        WORKFLOW.format(step="run: echo ${{ github.event.pull_request.title }}"),
        "template-injection",
    ),
    Fault("zizmor", ".github/workflows/planted.yml", WORKFLOW.format(step="uses: some/action@v1"), "unpinned-uses"),
    Fault(
        "zizmor",
        ".github/workflows/planted.yml",
        WORKFLOW.format(step=f"uses: actions/checkout@{'0' * 40} # v1.0.0"),
        "artipacked",
    ),
    Fault("yamllint", "k8s/planted.yaml", "replicas: 1\nreplicas: 2\n", "key-duplicates"),
]

# What of the real tree the gate needs around a fault; the others judge a file by itself.
SURROUNDINGS = {"lint-imports": "app", "zizmor": ".github"}


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=100
    )


@pytest.fixture
def clean_tree(tmp_path: Path, fault: Fault) -> Path:
    """A tree with the real configuration in which the gate has nothing to complain about."""
    for configuration in ("pyproject.toml", ".yamllint"):
        shutil.copy(ROOT / configuration, tmp_path)
    surroundings = SURROUNDINGS.get(fault.gate)
    if surroundings:
        shutil.copytree(ROOT / surroundings, tmp_path / surroundings, ignore=shutil.ignore_patterns("__pycache__"))
    for package in PACKAGES:
        (tmp_path / package).mkdir(exist_ok=True)
        (tmp_path / package / "__init__.py").touch()
    return tmp_path


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_gate_passes_a_clean_tree_and_refuses_a_planted_fault(
    fault: Fault, clean_tree: Path, lint_commands: dict[str, list[str]]
) -> None:
    before = run(lint_commands[fault.gate], clean_tree)
    assert before.returncode == 0, before.stdout

    planted = clean_tree / fault.path
    planted.parent.mkdir(parents=True, exist_ok=True)
    with planted.open("a") as file:
        file.write(fault.text)

    after = run(lint_commands[fault.gate], clean_tree)
    assert after.returncode != 0, f"the fault went through:\n{after.stdout}"
    assert fault.complaint in after.stdout


def test_types_are_checked_in_every_package() -> None:
    files = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["files"]
    assert sorted(files) == PACKAGES


def test_every_command_of_make_lint_has_a_planted_fault(lint_commands: dict[str, list[str]]) -> None:
    assert set(lint_commands) == {fault.gate for fault in FAULTS}
