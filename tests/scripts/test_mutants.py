"""`make mutants`: what it chooses, when it fails, and that it refuses rather than conclude from nothing."""

import subprocess
from collections import Counter
from pathlib import Path

import pytest

from scripts.generated_files import ROOT
from scripts.mutants.judging import Judge, copied
from scripts.mutants.model import AREAS, Equivalent, Mutant, Outcome, RefusedError, choose, equivalents, passes

CODE = "def double(number):\n    return number * 2\n"
TEST = "from tested import double\n\n\ndef test_double():\n    assert double(3) == 6\n"


def _mutant(area: str = "orders", *, number: int = 0, code: str = CODE) -> Mutant:
    diff = f"--- code.py\n+++ code.py\n@@ -1 +1 @@\n-    a = {number}\n+    a = {number + 1}"
    return Mutant(area, "code.py", code, diff)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree with a line of code and its test, in a repository of its own."""
    (tmp_path / "tested.py").write_text(CODE)
    (tmp_path / "test_code.py").write_text(TEST)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    return tmp_path


def _judge(tree: Path, *tests: str) -> Judge:
    return Judge(tree, ["-c", "/dev/null", "--rootdir", str(tree), *(tests or ("test_code.py",))], workers=0)


def _broken(code: str) -> Mutant:
    return Mutant("orders", "tested.py", code, "")


def test_a_mutant_is_killed_by_a_test_that_fails_and_survives_others(tree: Path) -> None:
    with copied(tree) as copy:
        judge = _judge(copy)
        assert judge.check() > 0
        assert judge.judge(_broken(CODE.replace("* 2", "* 3"))) == "killed"
        assert judge.judge(_broken(CODE.replace("* 2", "+ number"))) == "survived"
        assert judge.judge(_broken("import nothing_like_it")) == "killed"
        assert (copy / "tested.py").read_text() == CODE
    assert not copy.exists()
    assert (tree / "tested.py").read_text() == CODE


def test_it_refuses_when_the_tests_fail_without_a_mutant_or_none_runs(tree: Path) -> None:
    with pytest.raises(RefusedError, match="without a mutant"):
        _judge(tree).judge(_broken(CODE))
    (tree / "empty.py").write_text("")
    with pytest.raises(RefusedError, match="No test ran"):
        _judge(tree, "empty.py").check()
    (tree / "tested.py").write_text(CODE.replace("* 2", "* 3"))
    with pytest.raises(RefusedError, match="fail without a mutant"):
        _judge(tree).check()


def test_a_sample_covers_each_area_and_is_the_same_each_time() -> None:
    mutants = [_mutant(area, number=number) for area in AREAS for number in range(50)]
    chosen = choose(mutants, 12, seed=1)
    assert chosen == choose(mutants, 12, seed=1) != choose(mutants, 12, seed=2)
    assert sorted(Counter(mutant.area for mutant in chosen).values()) == [2, 2, 2, 3, 3]
    assert choose(mutants[:1], 12, seed=1) == mutants[:1]


def test_more_than_one_survivor_in_twenty_fails_and_no_mutant_is_refused() -> None:
    killed: list[Outcome] = ["killed"] * 18
    assert passes([*killed, "timed out", "survived"])
    assert not passes([*killed, "survived"])
    with pytest.raises(RefusedError):
        passes([])


def test_an_equivalent_mutant_is_known_by_its_change_and_has_a_reason(tmp_path: Path) -> None:
    entry = Equivalent("code.py", "a = 1", "a = 2", "nothing reads it")
    assert entry.matches(_mutant(number=1))
    assert not entry.matches(_mutant(number=2))
    file = tmp_path / "equivalent.toml"
    file.write_text('[[equivalent]]\npath = "a"\nbefore = "b"\nafter = "c"\nreason = " "\n')
    with pytest.raises(RefusedError, match="no reason"):
        equivalents(file)
    for known in equivalents():
        assert (ROOT / known.path).is_file()


def test_the_code_and_the_tests_of_each_area_exist() -> None:
    for area in AREAS.values():
        assert all((ROOT / path.partition("::")[0]).exists() for path in (area.code, *area.tests))
