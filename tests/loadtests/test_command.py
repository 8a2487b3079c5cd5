"""The command line, and the messages about mistakes on it."""

import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from grafana.slo_file import FILE
from loadtests import options

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rate", "0", "--order-rate", "0"], "nothing would be measured"),
        (["--rate", "-5"], "not a number such as 5"),
        (["--rate", "nan"], "not a number such as 5"),
        (["--rate", "20000"], "10000 at most"),
        (["--run-time", "0"], "not a time above zero such as 40, 5m or 1h"),
        (["--run-time", "1 hour"], "not a time above zero such as 40, 5m or 1h"),
        (["--fresh-share", "1.5"], "not between 0 and 1"),
        (["--clients", "200000"], "not a whole number from 0 to 131072"),
        (["--clients", "many"], "not a whole number from 0 to 131072"),
        (["--host", "127.0.0.1:8000"], "not an address such as http://127.0.0.1:8000"),
        (["--host", "http://127.0.0.1:8000/api"], "not an address such as http://127.0.0.1:8000"),
        (["--host", "http://127.0.0.1:port"], "not an address such as http://127.0.0.1:8000"),
        (["--timeout", "0.2"], "--timeout must be above 0.25 seconds, the threshold of latency"),
        (["--order-timeout", "10"], "--order-timeout must be above 10 seconds, the threshold of order-completion"),
        (["--slo", "no-such-file.yaml"], "No such file"),
        (["--json", "no-such-folder/result.json"], "there is no such folder"),
        (["--users", "5"], "unrecognized arguments: --users 5"),
    ],
)
def test_a_mistake_is_reported_and_exits_with_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        options.parse(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_an_objective_that_no_client_can_measure_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    slo = tmp_path / "slo.yaml"
    slo.write_text(FILE.read_text().replace("name: orders", "name: refunds"))
    with pytest.raises(SystemExit):
        options.parse(["--slo", str(slo)])
    assert "can't measure the objective 'order-completion' from its sources (refunds)" in capsys.readouterr().err


@pytest.mark.parametrize(("text", "seconds"), [("40", 40), ("0.5", 0.5), ("90s", 90), ("5m", 300), ("1h", 3600)])
def test_times_take_a_unit(text: str, seconds: float) -> None:
    assert options.parse(["--run-time", text]).run_time == seconds


def test_the_whole_command_exits_with_2_on_a_mistake(command: Command) -> None:
    done = command("--rate", "many")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("error: argument --rate: 'many' is not a number such as 5 or 0.5\n")


def test_help_names_every_exit_status(command: Command) -> None:
    done = command("--help")
    assert done.returncode == 0
    assert "exit status: 0 all objectives hold; 1 an objective is missed" in done.stdout


def test_without_a_service_the_message_says_what_to_start(command: Command) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        host = f"http://127.0.0.1:{unheard.getsockname()[1]}"
        done = command("--host", host)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == (
        f"No service answers at {host} (Connection refused): start it with `make run`, or pass its URL with --host."
    )
