"""What every test may rely on: nothing of this machine's environment leaks into a setting."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.emitted import Watch

_OURS = (
    "DATABASE_", "REDIS_", "SECRET", "OTEL_", "SENTRY_", "PROVIDER_", "PROMETHEUS_", "ENVIRONMENT", "LOG_", "PORT",
    "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE",
)  # fmt: skip


# How long an example takes says how busy the machine is.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Watch(config), "emitted")


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> None:
    for name in [name for name in os.environ if name.startswith(_OURS) and not name.startswith("BINNACLE_TEST_")]:
        os.environ[f"BINNACLE_TEST_{name}"] = os.environ.pop(name)


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the repository."""
    return Path(__file__).parent.parent


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failure: what isn't run proves nothing."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
