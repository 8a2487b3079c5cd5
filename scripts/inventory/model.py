"""Schema of app/telemetry/inventory.yaml, and its loader."""

import itertools
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

FILE: Final = Path(__file__).parents[2] / "app/telemetry/inventory.yaml"
_SUFFIXES: Final = {"seconds": "_seconds", "bytes": "_bytes", "timestamp": "_timestamp_seconds"}

Process = Literal["api", "worker", "reconciler", "sandbox", "run", "migrate", "promote"]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Attribute = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_.]*$")]
# Allowed values, or a sentence where the values are not known in advance.
Values = list[str] | str


def _sentence(text: str) -> str:
    if not text.endswith("."):
        raise ValueError("must be a sentence that ends with a full stop")
    return text


Sentence = Annotated[str, StringConstraints(min_length=5), AfterValidator(_sentence)]


class InventoryError(ValueError):
    """An invalid inventory; the message has one sentence per error, with its place."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LabelSets(_Strict):
    """Combinations of label values that exist at 0 from process start, and the processes that export them."""

    values: dict[Name, list[str]]
    processes: list[Process] = Field(min_length=1)
    only: Literal["redis"] | None = None


class Metric(_Strict):
    """One metric family. `about` is its help text; `label_sets` are needed if not every combination exists."""

    kind: Literal["counter", "gauge", "histogram"]
    unit: Name
    about: str = Field(min_length=5)
    labels: dict[Name, Values] = {}
    label_sets: list[LabelSets] = []
    processes: list[Process] = Field(min_length=1)
    only: Literal["one_process", "redis"] | None = None
    buckets: list[float] = []

    @model_validator(mode="after")
    def _agree(self) -> "Metric":
        for chosen in self.label_sets:
            if chosen.values.keys() != self.labels.keys():
                raise ValueError("each of label_sets must name the labels, all of them and no others")
            if not set(chosen.processes) <= set(self.processes):
                raise ValueError("label_sets names a process that processes does not have")
            for label, values in chosen.values.items():
                known = self.labels[label]
                if isinstance(known, str) or not set(values) <= set(known):
                    raise ValueError(f"label_sets has a value of {label} that labels does not have")
        if (self.kind == "histogram") != bool(self.buckets):
            raise ValueError("a histogram needs buckets, and other kinds must not have them")
        return self

    def initial(self, processes: Collection[str], *, redis: bool) -> Iterator[dict[str, str]]:
        """Yields the label sets that exist at 0 from the start in these processes, with or without Redis.

        Yields nothing if the values of a label are not known in advance.
        """
        closed = {name: values for name, values in self.labels.items() if isinstance(values, list)}
        if len(closed) < len(self.labels) or (self.only == "redis" and not redis):
            return
        sets = self.label_sets or [LabelSets(values=closed, processes=self.processes)]
        for chosen in sets:
            if set(processes).isdisjoint(chosen.processes) or (chosen.only == "redis" and not redis):
                continue
            for values in itertools.product(*chosen.values.values()):
                yield dict(zip(chosen.values, values, strict=True))

    def allows(self, labels: Mapping[str, str]) -> bool:
        """Checks that a series may have these labels."""
        known = {name: self.labels.get(name) for name in labels}
        return labels.keys() == self.labels.keys() and all(
            isinstance(known[name], str) or value in (known[name] or ()) for name, value in labels.items()
        )


class Event(_Strict):
    """One kind of log line; `fields` excludes the common fields."""

    level: list[Literal["debug", "info", "warning", "error", "critical"]] = Field(min_length=1)
    about: Sentence
    fields: list[Name] = []
    processes: list[Process] = Field(min_length=1)


class Span(_Strict):
    """One kind of span. `names` may hold `{placeholders}`; `attributes` are the ones it may have."""

    names: list[str] = Field(min_length=1)
    kind: Literal["server", "client", "consumer", "producer", "internal"]
    about: Sentence
    attributes: list[Attribute] = []
    processes: list[Process] = Field(min_length=1)


class Inventory(_Strict):
    """The whole inventory."""

    metrics: dict[Name, Metric]
    common_fields: dict[Name, Sentence]
    events: dict[Name, Event]
    placeholders: dict[Name, str]
    spans: dict[Name, Span]

    @model_validator(mode="after")
    def _named(self) -> "Inventory":
        for name, metric in self.metrics.items():
            if (metric.kind == "counter") != name.endswith("_total"):
                raise ValueError(f"metrics.{name}: a counter's name ends with _total, and no other name does")
            suffix = _SUFFIXES.get(metric.unit, "")
            if not name.removesuffix("_total").endswith(suffix):
                raise ValueError(f"metrics.{name}: with the unit {metric.unit} its name has to end with {suffix}")
        for event in self.events.values():
            if twice := set(event.fields) & self.common_fields.keys():
                raise ValueError(f"events: {', '.join(sorted(twice))} is a common field; don't repeat it")
        return self

    @model_validator(mode="after")
    def _ordered(self) -> "Inventory":
        for section in (self.metrics, self.events, self.spans):
            if list(section) != sorted(section):
                after = next(b for a, b in itertools.pairwise(section) if b < a)
                raise ValueError(f"{after}: not in alphabetical order")
        for kind, span in self.spans.items():
            for name in span.names:
                if unknown := set(re.findall(r"{(.*?)}", name)) - self.placeholders.keys():
                    raise ValueError(f"spans.{kind}: {{{unknown.pop()}}} is not among the placeholders")
        return self

    def spans_of(self, kind: str, name: str) -> dict[str, Span]:
        """Returns the entries that match the kind and name of a recorded span."""
        return {key: span for key, span in self.spans.items() if span.kind == kind and self._matches(span, name)}

    def _matches(self, span: Span, name: str) -> bool:
        def pattern(template: str) -> str:
            parts = re.split(r"{(.*?)}", template)
            return "".join(self.placeholders[part] if odd % 2 else re.escape(part) for odd, part in enumerate(parts))

        return any(re.fullmatch(pattern(template), name) for template in span.names)


def load(file: Path = FILE) -> Inventory:
    """Reads the inventory. Raises InventoryError with sentences that name the entry and the correction."""
    try:
        content: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
        return Inventory.model_validate(content)
    except yaml.YAMLError as error:
        raise InventoryError(f"{file.name} is not YAML: {' '.join(str(error).split())}.") from error
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, problem['loc'])) or file.name}: {problem['msg'].removeprefix('Value error, ')}."
            for problem in error.errors()
        ]
        raise InventoryError("\n".join(problems)) from error
