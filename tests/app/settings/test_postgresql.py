"""DATABASE_URL: libpq's parameters are translated, or refused in a message that repeats no value."""

import ssl
from pathlib import Path
from typing import Any

import certifi
import pytest

from app.infra.database.connection import options
from app.settings import SettingsError, read
from app.settings.postgresql import Server, parse

SECRET = "hunter2hunter2"


def _options(url: str, **settings: Any) -> dict[str, Any]:
    """The driver's options for a URL."""
    found = read(_env_file=None, database_url=url, **settings)
    assert found.database_server is not None
    return options(found, found.database_server, limited=True)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_each_scheme_names_postgresql(scheme: str) -> None:
    assert parse(f"{scheme}://u:p%40ss%2F@h:5433/d") == Server((("h", 5433),), "u", "p@ss/", "d", {})


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("postgresql:///d", ()),
        ("postgresql://h", (("h", 5432),)),
        ("postgresql://a,b:5433/d", (("a", 5432), ("b", 5433))),
        ("postgresql:///d?host=a,b&port=5433,5434", (("a", 5433), ("b", 5434))),
        ("postgresql:///d?host=a,b&port=5433", (("a", 5433), ("b", 5433))),
        ("postgresql:///d?host=a:1&host=b:2", (("a", 1), ("b", 2))),
        ("postgresql://[2001:db8::1]:5433,[::1]/d", (("2001:db8::1", 5433), ("::1", 5432))),
        ("postgresql://u@%2Frun%2Fpostgresql/d", (("/run/postgresql", 5432),)),
        ("postgresql://u:p@h:5432/d?host=/run/pg", (("/run/pg", 5432),)),
    ],
)
def test_hosts_and_ports(url: str, hosts: tuple[tuple[str, int], ...]) -> None:
    assert parse(url).hosts == hosts


def test_urls_of_hosted_databases_are_translated() -> None:
    given = _options(
        f"postgres://app:{SECRET}@db.example.com:25060/shop?sslmode=require&connect_timeout=7&application_name=till"
        "&options=-c%20search_path%3Dshop&target_session_attrs=primary&keepalives_idle=60"
    )
    assert (given["user"], given["password"], given["database"]) == ("app", SECRET, "shop")
    assert (given["timeout"], given["target_session_attrs"]) == (7, "primary")
    assert given["dsn"] == "postgresql://?sslmode=require"
    assert given["server_settings"]["application_name"] == "till"
    assert given["server_settings"]["options"] == "-c search_path=shop"
    assert given["server_settings"]["statement_timeout"] == "5000"


def test_the_host_may_be_in_the_query_too() -> None:
    assert parse("postgresql://?host=h&port=1&user=u&password=a+b&dbname=d") == Server((("h", 1),), "u", "a+b", "d", {})


def test_missing_parameters_follow_the_settings() -> None:
    given = _options("postgresql://u@h/d", service_name="till", database_connect_timeout_seconds=2)
    assert given["timeout"] == 2
    assert given["target_session_attrs"] == "read-write"
    assert given["server_settings"]["application_name"] == "till"
    assert "dsn" not in given, "TLS is taken where it is offered, as libpq does"


def test_a_server_is_verified_by_the_file_of_its_ca() -> None:
    given = _options(f"postgresql://u@h/d?sslmode=verify-full&sslrootcert={certifi.where()}")
    assert given["dsn"].startswith("postgresql://?sslmode=verify-full&sslrootcert=")


def test_a_server_is_verified_by_the_system_certificates() -> None:
    context = _options("postgresql://u@h/d?sslmode=verify-full&sslrootcert=system")["ssl"]
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


def test_a_pooler_gets_no_startup_parameters() -> None:
    given = _options("postgresql://u@h/d", database_pooler="transaction")
    assert given["server_settings"] == {"application_name": "binnacle"}
    assert given["statement_cache_size"] == 0


@pytest.mark.parametrize(
    ("rest", "named"),
    [
        (f"h:{SECRET}/d", "port"),
        (f"u:{SECRET}/x@h/d", "%2F"),
        (f"u:{SECRET}?x@h/d", "%3F"),
        ("h:70000/d", "port"),
        ("[::1/d", "brackets"),
        ("a,b/d?port=1,2,3", "one port for each host"),
        (f"h/d?{SECRET}=1", "parameter 1"),
        (f"h/d?sslmode=require&sslmod={SECRET}", "parameter 2"),
        (f"h/d?sslmode={SECRET}", "verify-full"),
        ("h/d?sslmode=verify-full", "sslrootcert"),
        ("h/d?sslmode=require&sslrootcert=system", "verify-full"),
        (f"h/d?sslmode=verify-ca&sslrootcert=/{SECRET}", "sslrootcert: the file"),
        ("h/d?sslcert=/dev/null", "sslkey"),
        ("h/d?sslrootcert=/dev/null&sslmode=verify-ca", "PEM"),
        ("h/d?sslnegotiation=direct", "sslnegotiation"),
        ("h/d?ssl_min_protocol_version=SSLv3", "TLSv1.3"),
        (f"h/d?connect_timeout={SECRET}", "connect_timeout"),
        ("h/d?keepalives_idle=0", "keepalives_idle"),
        ("h/d?target_session_attrs=standby", "read-write"),
        ("h/d?channel_binding=require", "verify-full"),
        ("h/d?gssencmode=require", "GSSAPI"),
        ("h/d?options=-c%20statement_timeout%3D1", "DATABASE_STATEMENT_TIMEOUT_SECONDS"),
        ("h/d?service=shop", "service"),
        ("h/d?pgbouncer=true", "DATABASE_POOLER"),
        ("h/d?prepared_statement_cache_size=0", "DATABASE_POOLER"),
    ],
)
def test_an_unsupported_parameter_is_refused_with_a_message(rest: str, named: str, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path))
        with pytest.raises(SettingsError) as refusal:
            read(_env_file=None, database_url=f"postgresql://{rest}")
    message = str(refusal.value)
    assert message.startswith("DATABASE_URL: ")
    assert named in message
    assert SECRET not in message
    assert "\n" not in message


def test_no_password_is_shown() -> None:
    assert SECRET not in repr(parse(f"postgresql://u:{SECRET}@h/d"))
