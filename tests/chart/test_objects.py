"""What an install makes, and how its parts find each other."""

import re

import pytest
import yaml

from app import __version__

from .rendering import PRODUCTION, Chart, Rendering, containers

DIGEST = "sha256:" + "0123456789abcdef" * 4
SERVICES = {"api": 8000, "sandbox": 8001, "postgresql": 5432, "valkey": 6379}


def test_lint_finds_nothing(chart: Chart) -> None:
    done = chart.helm("lint", "--strict", str(chart.folder))
    assert done.returncode == 0, done.stdout


def test_the_chart_installs_the_version_of_the_application(chart: Chart) -> None:
    shown = chart.helm("show", "chart", str(chart.folder)).stdout
    assert f"appVersion: {__version__}\n" in shown


def test_a_demo_brings_everything_it_needs(demo: Rendering) -> None:
    assert demo.names("Deployment") == {f"shop-binnacle-{each}" for each in ("api", "worker", "reconciler", "sandbox")}
    assert demo.names("StatefulSet") == {"shop-binnacle-postgresql", "shop-binnacle-valkey"}
    assert demo.names("PodMonitor") | demo.names("PrometheusRule") == set()


def test_production_brings_the_service_alone(chart: Chart) -> None:
    rendering = chart.render(*PRODUCTION)
    assert rendering.names("Deployment") == {f"shop-binnacle-{each}" for each in ("api", "worker", "reconciler")}
    assert rendering.names("StatefulSet") | rendering.names("PersistentVolumeClaim") == set()


@pytest.mark.parametrize(("component", "port"), SERVICES.items())
def test_a_service_reaches_the_pods_of_its_component_alone(demo: Rendering, component: str, port: int) -> None:
    service = demo.get("Service", f"shop-binnacle-{component}")["spec"]
    labels = {
        each["metadata"]["name"]: each["spec"]["template"]["metadata"]["labels"]
        for each in demo.objects
        if each["kind"] in {"Deployment", "StatefulSet"}
    }
    matched = [name for name, pod in labels.items() if service["selector"].items() <= pod.items()]
    assert matched == [f"shop-binnacle-{component}"]
    (only,) = service["ports"]
    assert only["port"] == port
    named = {each["name"]: each["containerPort"] for each in demo.container(f"shop-binnacle-{component}")["ports"]}
    assert named[only["targetPort"]] == port


def test_selectors_and_pods_carry_no_version_of_the_chart(demo: Rendering) -> None:
    for each in demo.objects:
        if "template" in each.get("spec", {}):
            labels = each["spec"]["template"]["metadata"]["labels"]
            assert each["spec"]["selector"]["matchLabels"].items() <= labels.items()
            assert not labels.keys() & {"helm.sh/chart", "app.kubernetes.io/version"}


def test_two_releases_share_no_name(chart: Chart, demo: Rendering) -> None:
    names = {(each["kind"], each["metadata"]["name"]) for each in demo.objects}
    others = {(each["kind"], each["metadata"]["name"]) for each in chart.render(release="store").objects}
    assert not names & others


def test_the_longest_release_name_still_makes_valid_labels(chart: Chart) -> None:
    rendering = chart.render(release="r" * 53)
    pods = {each["metadata"]["name"] for each in rendering.objects if each["kind"] == "StatefulSet"}
    assert pods
    assert all(len(f"{name}-0123456789") <= 63 for name in pods)


@pytest.mark.parametrize(
    ("values", "image"),
    [
        ((), f"binnacle:{__version__}"),
        (("image.tag=test",), "binnacle:test"),
        (("image.tag=test", f"image.digest={DIGEST}"), f"binnacle@{DIGEST}"),
        (("image.repository=registry.example.com/shop", "image.tag=v1"), "registry.example.com/shop:v1"),
        (("global.imageRegistry=registry.example.com/",), f"registry.example.com/binnacle:{__version__}"),
    ],
)
def test_every_process_runs_the_one_image(chart: Chart, values: tuple[str, ...], image: str) -> None:
    rendering = chart.render(*values)
    stores = {"shop-binnacle-postgresql", "shop-binnacle-valkey"}
    images = {each["image"] for name, pod in rendering.pods() if name not in stores for each in containers(pod)}
    assert images == {image}


@pytest.mark.parametrize(("store", "image"), [("postgresql", "postgres"), ("valkey", "valkey/valkey")])
def test_stores_are_pinned_by_tag_or_digest(chart: Chart, demo: Rendering, store: str, image: str) -> None:
    assert re.fullmatch(rf"{image}:\d+\.\d+(\.\d+)?", demo.container(f"shop-binnacle-{store}")["image"])
    pinned = chart.render(f"{store}.image.digest={DIGEST}").container(f"shop-binnacle-{store}")
    assert pinned["image"] == f"{image}@{DIGEST}"


def test_the_queue_refuses_rather_than_forgets(demo: Rendering) -> None:
    config = demo.get("ConfigMap", "shop-binnacle-valkey")["data"]["valkey.conf"].splitlines()
    assert {"maxmemory-policy noeviction", "appendonly yes"} <= set(config)


def test_a_changed_configuration_rolls_valkey(chart: Chart, demo: Rendering) -> None:
    def checksum(rendering: Rendering) -> str:
        template = rendering.get("StatefulSet", "shop-binnacle-valkey")["spec"]["template"]
        return str(template["metadata"]["annotations"]["checksum/config"])

    assert checksum(demo) == checksum(chart.render("valkey.persistence.size=2Gi"))
    assert checksum(demo) != checksum(chart.render("valkey.maxMemory=64mb"))


def test_the_api_answers_to_its_names_and_the_operators(chart: Chart) -> None:
    hosts = chart.render("api.allowedHosts={shop.example.com}").environment("shop-binnacle-api")["ALLOWED_HOSTS"]
    service = "shop-binnacle-api"
    namespaced = f"{service}.$(POD_NAMESPACE)"
    assert hosts.split(",") == [
        service,
        namespaced,
        f"{namespaced}.svc",
        f"{namespaced}.svc.cluster.local",
        "localhost",
        "127.0.0.1",
        "shop.example.com",
    ]


def test_values_reach_the_processes(chart: Chart) -> None:
    rendering = chart.render(
        "api.webConcurrency=3",
        "api.trustedProxies={10.0.0.0/8,192.168.0.0/16}",
        "worker.concurrency=7",
        "database.poolSize=4",
        "database.maxOverflow=3",
        "provider.timeoutSeconds=2.5",
        "settings.logLevel=debug",
        "settings.otlpEndpoint=http://collector:4318",
        "networkPolicy.egress.otlp[0].pods.app=collector",
        "settings.tracesSampleRatio=0.5",
    )
    api, worker = rendering.environment("shop-binnacle-api"), rendering.environment("shop-binnacle-worker")
    assert api["WEB_CONCURRENCY"] == "3"
    assert api["TRUSTED_PROXIES"] == "10.0.0.0/8,192.168.0.0/16"
    assert worker["WORKER_CONCURRENCY"] == "7"
    for environment in (api, worker, rendering.environment("shop-binnacle-reconciler")):
        own = environment is worker
        assert environment["DATABASE_POOL_SIZE"] == ("1" if own else "4")
        assert environment["DATABASE_MAX_OVERFLOW"] == ("2" if own else "3")
        assert environment["PROVIDER_URL"] == "http://shop-binnacle-sandbox:8001"
        assert environment["PROVIDER_TIMEOUT_SECONDS"] == "2.5"
        assert environment["LOG_LEVEL"] == "debug"
        assert environment["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector:4318"
        assert environment["TRACES_SAMPLE_RATIO"] == "0.5"


def test_the_test_orders_from_the_service(chart: Chart) -> None:
    rendering = chart.render("api.service.port=80")
    pod = rendering.get("Pod", "shop-binnacle-smoke")
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    assert rendering.container("shop-binnacle-smoke")["args"] == ["smoke", "http://shop-binnacle-api:80"]


@pytest.mark.parametrize("component", ["postgresql", "valkey", "sandbox"])
def test_data_goes_to_a_volume_of_the_default_class_unless_told(chart: Chart, demo: Rendering, component: str) -> None:
    def claims(rendering: Rendering) -> list[dict[str, object]]:
        stateful = [each for each in rendering.objects if each["metadata"]["name"] == f"shop-binnacle-{component}"]
        templates = [
            claim["spec"] for each in stateful for claim in each.get("spec", {}).get("volumeClaimTemplates", [])
        ]
        return templates + [each["spec"] for each in stateful if each["kind"] == "PersistentVolumeClaim"]

    (claim,) = claims(demo)
    assert "storageClassName" not in claim
    (classed,) = claims(chart.render(f"{component}.persistence.storageClass=fast"))
    assert classed["storageClassName"] == "fast"
    assert claims(chart.render(f"{component}.persistence.enabled=false")) == []


def test_the_images_that_the_chart_names_are_those_that_it_runs(chart: Chart, demo: Rendering) -> None:
    annotations = yaml.safe_load((chart.folder / "Chart.yaml").read_text())["annotations"]
    named = {each["image"] for each in yaml.safe_load(annotations["artifacthub.io/images"])}
    run = {each["image"] for _, pod in demo.pods() for each in containers(pod)}
    # Our own is built from this repository, and published nowhere.
    assert named == {image for image in run if not image.startswith("binnacle:")}
