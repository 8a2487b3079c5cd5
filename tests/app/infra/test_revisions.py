"""Migrations are generated from the models, listed and downgraded, on both databases."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from app.cli import main
from app.infra.database import migration_authoring, schema
from app.settings import Settings

MODEL = """

class Likeness(Base):
    __tablename__ = "likenesses"

    item_id: Mapped[UUID] = mapped_column(ForeignKey("items.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(40), index=True)
    seen_at: Mapped[datetime]
"""
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def tree(root: Path, tmp_path: Path) -> Path:
    """A copy of the code that a migration may be written into."""
    copytree(root / "app", tmp_path / "tree/app", ignore=ignore_patterns("__pycache__"))
    (tmp_path / "tree/pyproject.toml").write_bytes((root / "pyproject.toml").read_bytes())
    return tmp_path / "tree"


@pytest.fixture
def run(tree: Path, empty: Settings) -> Run:
    """Runs a module in that copy, on an empty database."""
    database = {"DATABASE_URL": empty.database_url.get_secret_value()} if empty.database_url else {}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=tree,
            env={"PATH": os.environ["PATH"], "STATE_DIR": str(empty.state_dir), **database},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_a_new_table_is_upgraded_and_downgraded(tree: Path, run: Run) -> None:
    models = tree / "app/reports/models.py"
    models.write_text(models.read_text() + MODEL)
    early = run("app", "migrate", "--new", "likenesses of items")
    assert (early.returncode, early.stderr.splitlines()[-1]) == (
        1,
        "migrate: the database is not at 0009: run `python -m app migrate` first",
    )
    assert run("app", "migrate").returncode == 0
    written = run("app", "migrate", "--new", "likenesses of items")
    assert written.stdout == f"{tree}/app/migrations/versions/0010_likenesses_of_items.py\n", written.stderr
    migration = Path(written.stdout.strip()).read_text()
    assert migration.startswith('"""Likenesses of items.\n')
    assert "sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False)" in migration
    assert migration.count("op.create_table(") == migration.count("op.drop_table(") == 1, "and of nothing else"
    assert run("app", "migrate").returncode == 0
    assert run("app", "migrate", "--history").stdout.splitlines()[-1] == "* 0010  Likenesses of items."
    assert run("app", "migrate", "--down").stdout == "The schema is at 0009.\n"
    assert run("alembic", "upgrade", "head").returncode == 0
    assert "No new upgrade operations" in run("alembic", "check").stdout


def test_before_the_first_migration_there_is_no_downgrade(empty: Settings) -> None:
    with pytest.raises(migration_authoring.RevisionError, match="no step back from an empty database"):
        migration_authoring.step_back(empty)
    assert not any(line.startswith("*") for line in migration_authoring.history(empty))


def test_every_migration_can_be_downgraded_and_upgraded_again(empty: Settings) -> None:
    schema.migrate(empty)
    known = schema.revisions().known
    assert [migration_authoring.step_back(empty) for _ in known[1:]] == list(reversed(known[:-1]))
    schema.migrate(empty)
    assert migration_authoring.history(empty)[-1].startswith(f"* {known[-1]}")


@pytest.mark.parametrize("arguments", [["--new", " "], ["--new"], ["--down", "--wait"]], ids=str)
def test_invalid_arguments_are_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["migrate", *arguments])
    assert refused.value.code == 2
