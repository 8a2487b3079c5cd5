"""Rules that the Dockerfile's text shows; those that need a built image are in tests/e2e."""

import re
from pathlib import Path

import pytest

from tests.system.composition import load

ROOT = Path(__file__).parent.parent.parent


class Dockerfile:
    """The instructions of each stage, in order, with continuation lines joined and comments left out."""

    def __init__(self, text: str) -> None:
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
        self.instructions = [tuple(line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]
        self._stages: dict[str, tuple[str, list[tuple[str, ...]]]] = {}
        for word, rest in self.instructions:
            if word == "FROM":
                base, name = re.fullmatch(r"(\S+) AS (\S+)", rest).groups()  # type: ignore[union-attr]
                self._stages[name] = (base, [])
            elif self._stages:
                self._stages[name][1].append((word, rest))
        self.last = name

    def values_of(self, stage: str, word: str) -> list[str]:
        """The values of an instruction in a stage, those of its base first."""
        if stage not in self._stages:
            return []
        base, instructions = self._stages[stage]
        return self.values_of(base, word) + [rest for each, rest in instructions if each == word]

    def faults(self) -> list[str]:
        """Properties that would make an image unsafe, irreproducible, or impossible for some builders."""
        runs = [rest for word, rest in self.instructions if word == "RUN"]
        installs = [run for run in runs if re.search(r"\bpip (--python \S+ )?install\b", run)]
        copies = [rest for word, rest in self.instructions if word in {"COPY", "ADD"}]
        bases = [rest for word, rest in self.instructions if word == "ARG" and rest.startswith("BASE_IMAGE=")]
        wrong = {
            "no numeric user at the end": not re.fullmatch(
                r"[1-9]\d*:[1-9]\d*", (self.values_of(self.last, "USER") or [""])[-1]
            ),
            "a shell starts it": not (self.values_of(self.last, "ENTRYPOINT") or [""])[-1].startswith("["),
            "an install without hashes": not all("--require-hashes" in install for install in installs),
            "a lock that is resolved again": not all("--no-deps" in install for install in installs),
            "a base that changes": not any(re.search(r":\S+@sha256:[0-9a-f]{64}$", base) for base in bases),
            "a builder must know more": any("<<" in rest or "--link" in rest for rest in runs + copies),
            "it fetches": any(word == "ADD" for word, _ in self.instructions),
            "pip stays": not any(re.search(r"rm -rf .*/pip\*", run) for run in self.values_of(self.last, "RUN")),
            "setuid programs stay": not any("-exec chmod a-s" in run for run in self.values_of(self.last, "RUN")),
        }
        return [fault for fault, so in wrong.items() if so]


TEXT = (ROOT / "Dockerfile").read_text()
BROKEN = {
    "no numeric user at the end": ("USER 10001:10001", "USER binnacle"),
    "a shell starts it": ('ENTRYPOINT ["python", "-m", "app"]', "ENTRYPOINT python -m app"),
    "an install without hashes": (
        "--require-hashes --no-deps -r requirements/runtime.txt",
        "--no-deps -r requirements/runtime.txt",
    ),
    "a lock that is resolved again": ("--no-deps -r requirements/runtime.txt", "-r requirements/runtime.txt"),
    "a base that changes": ("@sha256:", "#"),
    "a builder must know more": ("COPY app app", "COPY --link app app"),
    "it fetches": ("COPY app app", "ADD https://example.com/app.tar app"),
    "pip stays": ('rm -rf "$library"/site-packages/pip*', "ls"),
    "setuid programs stay": ("chmod a-s", "ls"),
}


def test_the_image_has_no_unneeded_privileges() -> None:
    assert Dockerfile(TEXT).faults() == []
    assert Dockerfile(TEXT).last == "service"


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_dockerfile_is_found(fault: str) -> None:
    before, after = BROKEN[fault]
    assert before in TEXT
    assert fault in Dockerfile(TEXT.replace(before, after)).faults()


def test_mount_points_exist_with_their_owner() -> None:
    """A new volume takes its owner from the image's directory; without one it would belong to root."""
    runs = " ".join(Dockerfile(TEXT).values_of("service", "RUN"))
    sandbox = load(ROOT)["services"]["sandbox"]
    (volume,) = sandbox["volumes"]
    user, group = sandbox["user"].split(":")
    assert f"install -d -o {user} -g {group} {volume.partition(':')[2]}" in runs
