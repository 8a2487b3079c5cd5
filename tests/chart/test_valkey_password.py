"""A password of the operator's reaches Valkey as it is, whatever characters it has."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from .rendering import Rendering


@pytest.mark.parametrize(
    "password",
    [
        "plain",
        'a"b',
        "a\\b",
        "\\",
        '"',
        '\\"',
        "a\\nb",
        "%s%d",
        "$HOME`id`",
        "it's",
        "a b",
        "a&b/c",
        "#>~*+@all",
        "trailing\n",
    ],
)
def test_a_password_may_have_any_character(demo: Rendering, tmp_path: Path, password: str) -> None:
    (script,) = demo.container("shop-binnacle-valkey")["command"][2:]
    for path, text in {"password": password, "rules.acl": "~cache:* +@all"}.items():
        (tmp_path / path).write_text(text)
    script, found = re.subn(r"/(?:run/secrets/valkey|etc/valkey|tmp)/(?=password|rules|user)", f"{tmp_path}/", script)
    assert found == 3
    subprocess.run(["sh", "-c", script.replace("exec valkey-server", "exec true")], check=True)
    (line,) = (tmp_path / "user.conf").read_text().splitlines()
    # Between double quotes Valkey and a shell agree on a backslash before a quote or a backslash.
    assert shlex.split(line) == ["user", "default", "on", f">{password.rstrip()}", "~cache:*", "+@all"]
