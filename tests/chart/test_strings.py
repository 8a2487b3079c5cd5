"""Every string value of the chart, by its schema: what looks like a number or a mapping is text, or is refused."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from .rendering import Chart, Rendering, refusal_of, rendering_of
from .schemas import VERSIONS, Kubernetes, custom_resources, is_custom
from .strings import AT, GROUPS, PLACES, WORDS, Template, taken, values_with

NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
LABEL = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])?")


def bad_names(rendering: Rendering) -> Iterator[str]:
    """Names and labels that the API server would refuse, which no schema knows of."""
    for each in rendering.objects:
        metadata = [each["metadata"], each.get("spec", {}).get("template", {}).get("metadata", {})]
        yield from (name for name in (found.get("name", "a") for found in metadata) if not NAME.fullmatch(name))
        labels = [label for found in metadata for label in found.get("labels", {}).values()]
        yield from (label for label in labels if not LABEL.fullmatch(label))
        if each["kind"] == "Service" and not each["metadata"]["name"][0].isalpha():
            yield each["metadata"]["name"]


def faults(rendering: Rendering) -> list[str]:
    """What Kubernetes or a custom resource's definition would refuse, numbers in the place of strings above all."""
    kubernetes, customs = Kubernetes(VERSIONS[-1]), custom_resources()
    found = [
        each
        for manifest in rendering.objects
        for each in (customs if is_custom(manifest) else kubernetes).faults(manifest)
    ]
    return [*found, *bad_names(rendering)]


def test_every_kind_of_string_is_found() -> None:
    assert len(PLACES) > 200
    assert {("settings", "corsOrigins", "0"), ("api", "podLabels", "word"), ("ingress", "tls", "0", "secretName")} <= {
        *PLACES
    }


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("word", WORDS)
def test_every_string_arrives_as_text_or_is_refused_by_its_key(template: Template, word: str, group: str) -> None:
    assert faults(rendering_of(template(taken(template, group, word)))) == []


def test_both_answers_are_given(template: Template) -> None:
    """A schema that refused every word, or none, would prove nothing of the templates."""
    places = AT.findall(refusal_of(template(values_with(GROUPS["together"], "2026"))))
    assert 20 < len(places) < len(GROUPS["together"]) - 60


@pytest.mark.parametrize("release", ["true", "null", "n", "e3"])
def test_a_release_may_be_named_like_another_type(chart: Chart, release: str) -> None:
    rendering = chart.render(release=release)
    assert faults(rendering) == []
    for each in rendering.objects:
        assert each["metadata"]["labels"]["app.kubernetes.io/instance"] == release


@pytest.mark.parametrize("release", ["12e45", "2026", "my.shop"])
def test_a_release_that_no_service_can_be_named_after_is_refused(chart: Chart, release: str) -> None:
    done = chart.template(release=release)
    assert done.returncode
    assert f"the release name {release} makes the name {release}-binnacle, but" in done.stderr
    named = chart.render("fullnameOverride=shop", "monitoring.enabled=true", release=release)
    assert faults(named) == []
    assert "shop-api" in named.names("Service")


@pytest.mark.parametrize("version", ["0.0.0+local", "0.2.0+1a2b3c.dirty", f"0.2.0+{'a' * 80}"])
def test_a_build_in_the_version_breaks_no_label_and_no_tag(chart: Chart, tmp_path: Path, version: str) -> None:
    folder = tmp_path / "binnacle"
    shutil.copytree(chart.folder, folder)
    text = (folder / "Chart.yaml").read_text()
    (folder / "Chart.yaml").write_text(re.sub("(?m)^(version|appVersion): .*$", rf'\1: "{version}"', text))
    rendering = Chart(folder).render("monitoring.enabled=true", "loadTest.enabled=true")
    assert faults(rendering) == []
    image = rendering.container("shop-binnacle-api")["image"]
    assert re.fullmatch(r"binnacle:\w[\w.-]{0,127}", image)


@pytest.mark.parametrize("component", ["", "postgresql.", "valkey.", "loadTest."])
def test_a_tag_with_a_sign_that_no_registry_takes_is_refused(chart: Chart, component: str) -> None:
    place = component.replace(".", "/")
    assert f"at '/{place}image/tag'" in chart.refusal(f"{component}image.tag=0.2.0+local")


@pytest.mark.parametrize("component", ["sandbox", "postgresql", "valkey"])
def test_a_dash_stands_for_no_storage_class(chart: Chart, component: str) -> None:
    rendering = chart.render(f"{component}.persistence.storageClass=-")
    claims = [each for each in rendering.objects if each["kind"] == "PersistentVolumeClaim"]
    claims += [claim for each in rendering.objects for claim in each.get("spec", {}).get("volumeClaimTemplates", [])]
    assert [claim["spec"].get("storageClassName") for claim in claims].count("") == 1
