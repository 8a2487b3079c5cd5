"""Terms that the project does not use, with their replacements."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tests.style.exemptions import is_below

PACKAGES: Final = ("app", "bench", "grafana", "helm", "loadtests", "scripts")
PROJECT: Final = (*PACKAGES, "tests", ".github", "Dockerfile", "Makefile", "pyproject.toml", "docs", "README.md")


@dataclass(frozen=True)
class Term:
    """A term as a regular expression, its replacement, the folders where it is rejected, and an example of each."""

    pattern: str
    write: str
    example: str
    folders: tuple[str, ...] = PROJECT

    def __str__(self) -> str:
        return self.pattern

    def found_in(self, path: str, text: str) -> Iterator[str]:
        """Yields a sentence for each occurrence in a file."""
        if not is_below(path, self.folders):
            return
        for number, line in enumerate(text.splitlines(), start=1):
            for match in re.finditer(self.pattern, line):
                yield f"{path}:{number}: write {self.write}, not {match.group()!r}"


TERMS: Final = (
    Term(r"\b[Mm]end(s|ed|ing)?\b", "fix or repair", "What mends it"),
    Term(r"\bto bed\b", "the state of the process", "the process goes to bed"),
    Term(r"(?<![Ss]ource of )\b[Tt]he truth\b", "the source of truth", "The database is the truth."),
    Term(r"\b(take|takes|took|taken) the person out\b", "anonymise", "takes the person out of the account"),
    Term(r"\bwhom (they|it|we) believes?\b", "trusted proxies", "proxies, and whom they believe"),
    Term(r"(?<!cache_)\bleft alone\b", "the circuit breaker opens", "a service is left alone", (*PACKAGES, "docs")),
    Term(r"lasting pace", "faster than is sustainable", "over 6x the lasting pace"),
    Term(r"\bdemand_any\b", "require_any", "demand_any(user, roles)"),
    Term(r"\b(announcing|forgetting)\b", "publish_order_change or invalidate_item", "await forgetting(item)", ("app",)),
    Term(r"\b[Tt]owns?\b|\btown_of_ones_own\b", "shop or own_shop", "async with town() as urls:", ("tests", ".github")),
    Term(r"\bdear_hashes\b", "real_hashing", 'usefixtures("dear_hashes")', ("tests", ".github")),
    Term(r"\b[Tt]old\b", "logged, reported or passed", "The lag is told at a scrape.", PACKAGES),
    Term(r"(?<![Dd]ead[ _-])\b[Ll]etters?\b(?! case)", "e-mail", "Sends the letter.", ("app/mail", "grafana")),
    Term(r"\b[Ff]lood", "log throttling", "the flood guard", (*PACKAGES, "tests/app/telemetry")),
    Term(r"\b[Cc]atalogue", "telemetry inventory", "the catalogue of telemetry", ("app/telemetry", "scripts", "bench")),
    Term(
        r"\b[Hh]ints?\b", "the queue only speeds work up", "The hint of a job.", ("app/infra", "app/orders", "grafana")
    ),
    Term(r"\b[Ll]eases?\b", "prefetched tokens", "Renews the lease.", ("app/infra/rate_limit",)),
    Term(r"\b[Tt]urns?\b|\bgive_up\b", "fill lock, acquire, release", "It has the turn.", ("app/infra/cache",)),
    Term(
        r"\b[Tt]urns?\b", "time slice or batch", "A turn of a long job.", ("app/infra/outbox", "app/tasks", "grafana")
    ),
    Term(r"\b[Ff]orms?\b", "representation", "Keeps the form of a value.", ("app/infra/cache",)),
    Term(r"\.(hold|settle|finish)\(|\b[Pp]arty\b", "lock_for_update or mark_final", "orders.hold(id)", ("app/orders",)),
    Term(r"\bOrigin\b", "RemoteParent", "class Origin:", ("app/telemetry/traces",)),
    Term(r"\b[Mm]easured(Pool| pool)\b|\bmeasured\(", "instrumented pool", "class MeasuredPool:", ("app", "scripts")),
    Term(r"\b[Gg]iv(en?|es|ing) up\b", "timed out or dead-lettered", "Jobs given up.", ("grafana", "app/telemetry")),
    Term(r"^_?(MOST(_\w+)?|KEPT|SECONDS)\b", "MAX_, RETENTION or TTL_SECONDS", "MOST = 1.2", PACKAGES),
)
