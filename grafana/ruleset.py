"""The Prometheus rule file: one group per objective, so that its rules are evaluated in order and at one timestamp."""

from typing import Any, Final

import yaml

from grafana.burn_alerts import burn_alerts
from grafana.causes import cause_alerts
from grafana.clock import Clock, duration
from grafana.recording import recording_rules
from grafana.slo_file import Slos
from grafana.sloth import sloth_rules

HEADER: Final = "# Generated from grafana/slo.yaml: edit that file, then run `make generate`.\n"


def rules(slos: Slos, clock: Clock) -> dict[str, Any]:
    """Builds the content of a rule file, which is also the `spec` of a PrometheusRule."""
    interval = duration(clock.interval_seconds)
    groups = [
        {
            "name": f"binnacle-slo-{objective.name}",
            "interval": interval,
            "rules": [
                *recording_rules(slos, objective, clock),
                *sloth_rules(slos, objective),
                *(alert.rule() for alert in burn_alerts(slos, objective, clock)),
            ],
        }
        for objective in slos.objectives
    ]
    causes = [alert.rule() for alert in cause_alerts(slos, clock)]
    groups.append({"name": "binnacle-causes", "interval": interval, "rules": causes})
    return {"groups": groups}


def as_yaml(content: dict[str, Any]) -> str:
    groups = [
        group | {"rules": [{**rule, "expr": _Expression(rule["expr"])} for rule in group["rules"]]}
        for group in content["groups"]
    ]
    return HEADER + yaml.dump({"groups": groups}, Dumper=_Dumper, sort_keys=False, width=118)


class _Expression(str):
    """PromQL that YAML writes as a literal block, line by line."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """YAML dumper that repeats equal values instead of writing anchors and aliases."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the base class's signature
        return True


def _block(dumper: yaml.SafeDumper, value: _Expression) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|")


_Dumper.add_representer(_Expression, _block)
