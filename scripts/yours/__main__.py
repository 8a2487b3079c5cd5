"""Makes a copy of this repository that has another name everywhere, with its own history."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.generated_files import ROOT
from scripts.yours import finish, tree_copy
from scripts.yours.names import Name, RefusedError

NEXT = """
Next:
  cd {target}
  make test    # installs what it needs, then runs the tests
  make run     # the whole service on 127.0.0.1:8000

Then what only you can say:
  LICENSE                 covers what you copied; keep it, and add your own copyright to what you write
  .github/CODEOWNERS      there is none: say who reviews what
  .github/SECURITY.md     where a vulnerability is reported
  git grep example.com    your registry, hosts and repository
  README.md, docs/        what the service is about
"""
NO_HELM = """
helm is not on PATH, so k8s/base and k8s/components were renamed and not rendered. Install Helm 4
(https://helm.sh/docs/intro/install), run `make generate` there and commit what changes.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 0 the copy is made, 1 it is refused or has failed."""
    parser = argparse.ArgumentParser(prog="make yours", description=__doc__)
    parser.add_argument("--name", required=True, help="the new name, such as acme")
    parser.add_argument("--to", default="", help="the folder of the copy; ../NAME unless given")
    given = parser.parse_args(arguments)
    try:
        name = Name(given.name)
        target = (ROOT / Path(given.to or f"../{name.dashed}").expanduser()).resolve()
        make(name, target)
    except RefusedError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def make(name: Name, target: Path) -> None:
    """Makes the copy, and reports it. Raises RefusedError."""
    if target.is_relative_to(ROOT):
        raise RefusedError(f"TO={target} can't be used: it lies inside this repository.")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise RefusedError(f"TO={target} can't be used: it exists and isn't an empty folder.")
    finish.check()
    tree_copy.check(ROOT, name)
    tree_copy.copy(ROOT, target, name)
    marked = finish.tidy(target)
    rendered = finish.generate(target)
    finish.commit(target)
    sys.stdout.write(f"{target} holds {name.title}: {len(tree_copy.tracked(target))} files, committed.\n")
    if marked:
        sys.stdout.write(f"{marked} lines are too long with this name; each is marked with noqa.\n")
    sys.stdout.write(("" if rendered else NO_HELM) + NEXT.format(target=target))


if __name__ == "__main__":
    sys.exit(main())
