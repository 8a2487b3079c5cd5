"""REDIS_URL: URLs of hosted Redis are accepted, and invalid ones refused in a message that repeats no value."""

from pathlib import Path
from typing import Any

import pytest

from app.settings import SettingsError, read
from app.settings.redis import RedisAddress, read_redis_url
from tests.support.tls_proxy import CA, CLIENT, CLIENT_KEY, ENCRYPTED_CLIENT_KEY, PASSPHRASE

SECRET = "hunter2hunter2"
CLIENT_CERTIFICATE = f"ssl_certfile={CLIENT}&ssl_keyfile={CLIENT_KEY}"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://", RedisAddress()),
        ("redis://cache", RedisAddress(host="cache")),
        ("redis://cache/", RedisAddress(host="cache")),
        ("redis://cache:6380/4", RedisAddress("cache", 6380, 4)),
        ("redis://cache?db=4", RedisAddress("cache", db=4)),
        ("redis://cache/1?db=4", RedisAddress("cache", db=4)),
        ("valkey://cache:6380", RedisAddress("cache", 6380)),
        ("redis://[2001:db8::1]:6380/0", RedisAddress("2001:db8::1", 6380)),
        ("redis://:word@cache", RedisAddress("cache", password="word")),
        ("redis://default:p%40ss%2Fw%23%3F%25@cache", RedisAddress("cache", username="default", password="p@ss/w#?%")),
        ("redis://cache?username=a%40b&password=p%26q", RedisAddress("cache", username="a@b", password="p&q")),
        ("redis://shop:word@cache?password=other", RedisAddress("cache", username="shop", password="word")),
        ("redis://cache?protocol=3&client_name=shop-1", RedisAddress("cache", protocol=3, client_name="shop-1")),
        (
            "redis://cache?socket_timeout=0.5&socket_connect_timeout=2&socket_keepalive=False&health_check_interval=30",
            RedisAddress(
                "cache",
                socket_timeout=0.5,
                socket_connect_timeout=2.0,
                socket_keepalive=False,
                health_check_interval=30,
            ),
        ),
    ],
)
def test_the_address_of_a_url(url: str, address: RedisAddress) -> None:
    assert read_redis_url(url) == address


@pytest.mark.parametrize(
    ("query", "tls"),
    [
        ("", {"ssl_cert_reqs": "required"}),
        ("ssl_cert_reqs=CERT_REQUIRED", {"ssl_cert_reqs": "required"}),
        ("ssl_cert_reqs=CERT_NONE", {"ssl_cert_reqs": "none"}),
        ("ssl_cert_reqs=none", {"ssl_cert_reqs": "none"}),
        (
            f"ssl_ca_certs={CA}&ssl_check_hostname=no",
            {"ssl_cert_reqs": "required", "ssl_ca_certs": str(CA), "ssl_check_hostname": False},
        ),
        (
            CLIENT_CERTIFICATE,
            {"ssl_cert_reqs": "required", "ssl_certfile": str(CLIENT), "ssl_keyfile": str(CLIENT_KEY)},
        ),
    ],
)
@pytest.mark.parametrize("scheme", ["rediss", "valkeys"])
def test_the_tls_settings_of_a_url(scheme: str, query: str, tls: dict[str, Any]) -> None:
    assert read_redis_url(f"{scheme}://cache?{query}").tls == tls


@pytest.mark.parametrize(
    ("url", "named"),
    [
        (f"{SECRET}@cache:6379", "redis://"),
        (f"unix://{SECRET}/redis.sock", "redis://"),
        (f"redis://:{SECRET}@cache:port", "percent-encode"),
        (f"redis://:a/{SECRET}@cache:6379", "percent-encode"),
        (f"redis://:{SECRET}@one:6379,two:6379/0", "several hosts"),
        (f"redis://:{SECRET}@cache/{SECRET}", "path"),
        (f"redis://cache/0?{SECRET}=1", "known"),
        (f"redis://:{SECRET}@cache#{SECRET}", "%23"),
        (f"redis://cache?db={SECRET}", "db"),
        ("redis://cache?db=-1", "db"),
        ("redis://cache?db=1&db=2", "db"),
        ("redis://cache?protocol=4", "protocol"),
        (f"redis://cache?socket_timeout={SECRET}", "socket_timeout"),
        ("redis://cache?socket_timeout=0", "socket_timeout"),
        ("redis://cache?socket_connect_timeout=nan", "socket_connect_timeout"),
        ("redis://cache?socket_connect_timeout=inf", "socket_connect_timeout"),
        ("redis://cache?socket_keepalive=perhaps", "socket_keepalive"),
        ("redis://cache?health_check_interval=1.5", "health_check_interval"),
        ("redis://cache?client_name=the%20shop", "client_name"),
        ("redis://cache?client_name=", "client_name"),
        ("redis://cache?password=", "password"),
        ("redis://cache?ssl=true", "rediss://"),
        ("redis://cache?max_connections=5", "max_connections"),
        ("rediss://cache?ssl_ca_data=x", "ssl_ca_certs"),
        ("redis://cache?ssl_cert_reqs=none", "rediss://"),
        ("rediss://cache?ssl_cert_reqs=maybe", "ssl_cert_reqs"),
        ("rediss://cache?ssl_check_hostname=maybe", "ssl_check_hostname"),
        (f"rediss://cache?ssl_ca_certs=/{SECRET}", "ssl_ca_certs"),
        ("rediss://cache?ssl_ca_certs=", "ssl_ca_certs"),
        (f"rediss://cache?ssl_ca_certs={CLIENT_KEY}", "ssl_ca_certs"),
        (f"rediss://cache?ssl_certfile={CLIENT}", "ssl_keyfile"),
        (f"rediss://cache?ssl_certfile={CLIENT}&ssl_keyfile={CA}", "ssl_keyfile"),
        (f"rediss://cache?ssl_certfile=/{SECRET}&ssl_keyfile={CLIENT_KEY}", "ssl_certfile"),
        (f"rediss://cache?ssl_certfile={CLIENT}&ssl_keyfile={ENCRYPTED_CLIENT_KEY}", "ssl_keyfile"),
        (f"rediss://cache?ssl_certfile={CLIENT}&ssl_keyfile={ENCRYPTED_CLIENT_KEY}&ssl_password={SECRET}", "ssl_"),
    ],
)
def test_an_invalid_url_is_refused_in_a_message_that_repeats_no_value(url: str, named: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        read(redis_url=url, database_url="postgresql://db/shop", _env_file=None)
    message = str(refusal.value)
    assert message.startswith("REDIS_URL: ")
    assert named in message
    assert SECRET not in message
    assert "\n" not in message


def test_an_encrypted_key_is_read_with_its_password() -> None:
    key = f"ssl_certfile={CLIENT}&ssl_keyfile={ENCRYPTED_CLIENT_KEY}&ssl_password={PASSPHRASE}"
    assert read_redis_url(f"rediss://cache?{key}").tls is not None


def test_an_address_shows_no_secret() -> None:
    key = f"ssl_certfile={CLIENT}&ssl_keyfile={ENCRYPTED_CLIENT_KEY}&ssl_password={PASSPHRASE}"
    address = read_redis_url(f"rediss://:{SECRET}@cache?{key}")
    assert SECRET not in f"{address} {address.location}"
    assert PASSPHRASE not in repr(address)


def test_a_directory_instead_of_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ssl_ca_certs"):
        read_redis_url(f"rediss://cache?ssl_ca_certs={tmp_path}")
