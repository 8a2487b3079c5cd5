"""What an operator reads after an install."""

from collections.abc import Callable

import pytest

from .rendering import PRODUCTION, Chart

Notes = Callable[..., str]


@pytest.fixture
def notes(chart: Chart, monkeypatch: pytest.MonkeyPatch) -> Notes:
    monkeypatch.setenv("KUBECONFIG", "/dev/null")  # whatever cluster is at hand must not be asked

    def read(*values: str) -> str:
        options = [f"--set={value}" for value in values]
        done = chart.helm("install", "shop", str(chart.folder), "--dry-run=client", "--namespace=harbour", *options)
        assert done.returncode == 0, done.stderr
        return done.stdout.partition("NOTES:\n")[2]

    return read


def test_the_next_commands_are_told(notes: Notes) -> None:
    text = notes()
    assert "helm -n harbour test shop --logs" in text
    assert "kubectl -n harbour port-forward service/shop-binnacle-api 8000:8000" in text


def test_a_demo_says_so_and_names_what_production_needs(notes: Notes) -> None:
    demo, production = notes(), notes(*PRODUCTION)
    assert "THIS IS A DEMO" in demo
    for key in ("database.existingSecret", "redis.existingSecret", "secretKey.existingSecret", "provider.url"):
        assert key in demo
    assert "DEMO" not in production


def test_what_an_uninstall_leaves_is_told(notes: Notes) -> None:
    command = "kubectl -n harbour delete secret,persistentvolumeclaim -l app.kubernetes.io/instance=shop"
    assert command in notes()
    assert command not in notes("postgresql.persistence.enabled=false")


def test_the_labels_that_prometheus_must_select_are_shown(notes: Notes) -> None:
    assert '{"release":"monitoring"}' in notes("monitoring.enabled=true", "monitoring.labels.release=monitoring")
