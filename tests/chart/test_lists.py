"""Lists given for all pods and for one component become one list, in which no key stands twice."""

from collections.abc import Mapping
from typing import Any

import pytest

from .rendering import containers, refusal_of, rendering_of
from .strings import Template

PROCESSES = ("api", "worker", "reconciler")
FULL_NAME = '{{ include "binnacle.fullname" . }}'
KEYS = {
    "extraEnv": ("name", "LEVEL"),
    "extraVolumes": ("name", "cache"),
    "extraVolumeMounts": ("mountPath", "/cache"),
    "initContainers": ("name", "prepare"),
    "sidecars": ("name", "tunnel"),
}


def entries(which: str) -> dict[str, list[dict[str, Any]]]:
    """One entry for each list, with the same key for every `which`."""
    return {
        "extraEnv": [{"name": "LEVEL", "value": which}],
        "extraEnvFrom": [{"secretRef": {"name": "shared", "optional": which == "own"}}],
        "extraVolumes": [{"name": "cache", "emptyDir": {"sizeLimit": {"all": "1Mi", "own": "2Mi"}[which]}}],
        "extraVolumeMounts": [{"name": "cache", "mountPath": "/cache", "readOnly": which == "own"}],
        "initContainers": [{"name": "prepare", "image": f"prepare:{which}"}],
        "sidecars": [{"name": "tunnel", "image": f"tunnel:{which}"}],
    }


def lists_of(pod: Mapping[str, Any], container: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    steps = pod["initContainers"]
    return {
        "extraEnv": container["env"],
        "extraEnvFrom": container["envFrom"],
        "extraVolumes": pod["volumes"],
        "extraVolumeMounts": container["volumeMounts"],
        "initContainers": [each for each in steps if "restartPolicy" not in each],
        "sidecars": [each for each in steps if "restartPolicy" in each],
    }


@pytest.mark.parametrize("component", PROCESSES)
def test_an_entry_of_one_component_replaces_that_of_all(template: Template, component: str) -> None:
    pods = dict(rendering_of(template({**entries("all"), component: entries("own")})).pods())
    for process in PROCESSES:
        pod = pods[f"shop-binnacle-{process}"]
        expected = entries("own" if process == component else "all")
        for container in [*pod["containers"], pod["initContainers"][-1]]:
            for name, found in lists_of(pod, container).items():
                key, value = KEYS.get(name, ("secretRef", expected["extraEnvFrom"][0]["secretRef"]))
                (same,) = [each for each in found if each.get(key) == value]
                assert expected[name][0].items() <= same.items()


@pytest.mark.parametrize("process", PROCESSES)
def test_the_order_of_all_is_kept(template: Template, process: str) -> None:
    """A variable may refer to those before it."""
    shared = [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)"}]
    own = [{"name": "C", "value": "3"}, {"name": "A", "value": "2"}]
    container = rendering_of(template({"extraEnv": shared, process: {"extraEnv": own}})).container(
        f"shop-binnacle-{process}"
    )
    assert [(each["name"], each["value"]) for each in container["env"][-3:]] == [("A", "2"), ("B", "$(A)"), ("C", "3")]


def test_names_are_compared_as_they_are_rendered(template: Template) -> None:
    shared = [{"name": "cache", "configMap": {"name": "a"}}, {"name": f"{FULL_NAME}-b", "emptyDir": {}}]
    own = [{"name": "shop-binnacle-b", "configMap": {"name": "b"}}]
    pod = dict(rendering_of(template({"extraVolumes": shared, "api": {"extraVolumes": own}})).pods())[
        "shop-binnacle-api"
    ]
    assert pod["volumes"][-2:] == [shared[0], own[0]]


def test_sources_of_variables_with_another_prefix_are_others(template: Template) -> None:
    shared = [{"configMapRef": {"name": "a"}}, {"secretRef": {"name": "a"}}]
    own = [{"configMapRef": {"name": "a"}, "prefix": "A_"}]
    done = template({"extraEnvFrom": shared, "worker": {"extraEnvFrom": own}})
    assert rendering_of(done).container("shop-binnacle-worker")["envFrom"] == [*shared, *own]


@pytest.mark.parametrize("name", entries("all"))
@pytest.mark.parametrize("component", ["", *PROCESSES])
def test_a_key_twice_in_one_list_is_refused(template: Template, name: str, component: str) -> None:
    twice = {name: entries("all")[name] + entries("own")[name]}
    done = template({component: twice} if component else twice)
    path = f"{component}.{name}" if component else name
    assert done.returncode
    assert f"{path} has two entries " in done.stderr


TAKEN: dict[str, list[dict[str, Any]]] = {
    "extraEnv": [
        {"name": name, "value": "a"} for name in ("DATABASE_POOL_SIZE", "POD_NAMESPACE", "TRACES_SAMPLE_RATIO")
    ],
    "extraVolumes": [{"name": name, "emptyDir": {}} for name in ("tmp", "secrets", "migration-secrets")],
    "extraVolumeMounts": [{"name": "tmp", "mountPath": path} for path in ("/tmp", "/run/secrets/binnacle")],  # noqa: S108
    "initContainers": [{"name": name, "image": "a"} for name in ("api", "migrate", "seed", "tunnel")],
    "sidecars": [{"name": name, "image": "a"} for name in ("api", "migrate", "seed")],
}


@pytest.mark.parametrize("component", ["", "api"])
@pytest.mark.parametrize(
    ("name", "entry"), [(name, entry) for name, found in TAKEN.items() for entry in found], ids=str
)
def test_what_the_pods_have_already_is_refused(template: Template, name: str, entry: Any, component: str) -> None:
    others: dict[str, Any] = {"settings": {"tracesSampleRatio": 0.5}}
    if name == "initContainers":
        others["sidecars"] = entries("all")["sidecars"]
    done = template({**others, component: {name: [entry]}} if component else {**others, name: [entry]})
    path = f"{component}.{name}" if component else name
    assert done.returncode
    assert f"{path} has an entry {entry[KEYS[name][0]]}, which the pods of " in done.stderr


def test_secrets_of_registries_are_given_as_names_or_as_kubernetes_has_them(template: Template) -> None:
    shared: list[Any] = ["mirror", {"name": "2026"}]
    done = rendering_of(
        template({"global": {"imagePullSecrets": shared}, "imagePullSecrets": ["own", {"name": "mirror"}]})
    )
    for name, pod in done.pods():
        assert pod["imagePullSecrets"] == [{"name": "mirror"}, {"name": "2026"}, {"name": "own"}], name


@pytest.mark.parametrize("secret", ["", {}, {"name": ""}, {"name": "a", "key": "b"}, 5])
def test_other_secrets_of_registries_are_refused(template: Template, secret: Any) -> None:
    for values in ({"imagePullSecrets": [secret]}, {"global": {"imagePullSecrets": [secret]}}):
        done = template(values)
        assert done.returncode
        assert "imagePullSecrets/0" in refusal_of(done)


def test_no_pod_of_the_whole_chart_has_a_key_twice(template: Template) -> None:
    values = {**entries("all"), **dict.fromkeys(PROCESSES, entries("own"))}
    for name, pod in rendering_of(template(values)).pods():
        for found, key in ((pod["volumes"], "name"), (containers(pod), "name")):
            assert len({each[key] for each in found}) == len(found), name
        for container in containers(pod):
            for found, key in ((container.get("env", []), "name"), (container.get("volumeMounts", []), "mountPath")):
                assert len({each[key] for each in found}) == len(found), name


WORDS = ("2026", "true", "1e3", "-", "a: b", "line\n", "'", '"', "{}", "# no comment")


def test_strings_in_what_is_added_arrive_as_they_are(template: Template) -> None:
    variables = [{"name": f"WORD_{place}", "value": word} for place, word in enumerate(WORDS)]
    rendered = [{"name": f"SHOP_{place}", "value": f"{word}{FULL_NAME}{word}"} for place, word in enumerate(WORDS)]
    container = rendering_of(template({"extraEnv": variables + rendered})).container("shop-binnacle-api")
    found = {each["name"]: each.get("value") for each in container["env"]}
    for place, word in enumerate(WORDS):
        assert found[f"WORD_{place}"] == word
        assert found[f"SHOP_{place}"] == f"{word}shop-binnacle{word}"


def test_templates_in_keys_and_in_objects_are_rendered_as_text(template: Template) -> None:
    data = {f"{FULL_NAME}.txt": f"a: {FULL_NAME}", "number": "{{ 2026 }}", "ports": "80"}
    added = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "more"}, "data": data}
    found = rendering_of(template({"extraObjects": [added]})).get("ConfigMap", "more")["data"]
    assert found == {"shop-binnacle.txt": "a: shop-binnacle", "number": "2026", "ports": "80"}
