"""`helm test` orders once; the load test loads once, within bounds, and its exit code is the verdict."""

import re
import subprocess
import sys

import pytest

from loadtests import options
from tests.support.ports import free_port

from .rendering import PRODUCTION, Chart, Manifest, Rendering

ON = ("loadTest.enabled=true",)


def job(rendering: Rendering) -> Manifest:
    (found,) = [each for each in rendering.objects if each["kind"] == "Job"]
    return found


@pytest.fixture(scope="module")
def loaded(chart: Chart) -> Rendering:
    return chart.render(*ON)


def test_nothing_is_loaded_unless_asked(demo: Rendering) -> None:
    assert demo.names("Job") == set()


def test_it_ends_by_itself_with_one_verdict(loaded: Rendering) -> None:
    spec = job(loaded)["spec"]
    assert spec["backoffLimit"] == 0
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    given = options.parse(spec["template"]["spec"]["containers"][0]["args"])
    assert spec["activeDeadlineSeconds"] >= given.run_time + given.order_timeout + 120


def test_values_reach_the_command(chart: Chart) -> None:
    rendering = chart.render(
        *ON,
        "loadTest.rate=12.5",
        "loadTest.orderRate=0",
        "loadTest.seconds=300",
        "loadTest.orderTimeoutSeconds=45",
        "loadTest.freshShare=1",
        "loadTest.clients=40",
        "loadTest.image.repository=registry.example.com/load",
        "loadTest.image.tag=v1",
        "api.service.port=80",
    )
    container = job(rendering)["spec"]["template"]["spec"]["containers"][0]
    given = options.parse(container["args"])
    assert container["image"] == "registry.example.com/load:v1"
    assert given.host == "http://shop-binnacle-api:80"
    assert (given.rate, given.order_rate, given.run_time, given.order_timeout) == (12.5, 0, 300, 45)
    assert (given.fresh_share, given.clients, given.json) == (1, 40, "-")


def test_another_load_is_another_job_and_the_same_load_the_same(chart: Chart, loaded: Rendering) -> None:
    def name(rendering: Rendering) -> str:
        return str(job(rendering)["metadata"]["name"])

    assert re.fullmatch(r"shop-binnacle-loadtest-[0-9a-f]{8}", name(loaded))
    assert name(chart.render(*ON, "worker.replicas=2")) == name(loaded)
    assert name(chart.render(*ON, "loadTest.rate=10")) != name(loaded)
    assert name(chart.render(*ON, "commonLabels.team=a")) != name(loaded)


def test_it_waits_until_the_api_is_ready(loaded: Rendering) -> None:
    (wait,) = job(loaded)["spec"]["template"]["spec"]["initContainers"]
    assert wait["args"] == ["http://shop-binnacle-api:8000/readyz"]
    port = free_port()
    script = [sys.executable, *wait["command"][1:], f"http://127.0.0.1:{port}/"]
    with subprocess.Popen(script, stdout=subprocess.PIPE, text=True) as waiting:
        assert waiting.stdout is not None
        try:
            assert "Connection refused" in waiting.stdout.readline()
            server = [sys.executable, "-m", "http.server", "--bind=127.0.0.1", str(port)]
            with subprocess.Popen(server, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as serving:
                try:
                    assert waiting.wait(timeout=60) == 0
                finally:
                    serving.terminate()
        finally:
            waiting.kill()


def test_a_load_is_never_charged(chart: Chart) -> None:
    assert "loadTest.enabled must be false when environment is production" in chart.refusal(*PRODUCTION, *ON)


def test_the_pod_of_helm_test_can_be_left_out(chart: Chart) -> None:
    rendering = chart.render("smokeTest.enabled=false")
    assert rendering.names("Pod") == set()
    assert "shop-binnacle-smoke" not in rendering.names("NetworkPolicy")


def test_what_helm_test_said_can_be_read_until_the_next_run(demo: Rendering) -> None:
    pod = demo.get("Pod", "shop-binnacle-smoke")
    assert pod["metadata"]["annotations"]["helm.sh/hook-delete-policy"] == "before-hook-creation"
    assert pod["spec"]["restartPolicy"] == "Never"
    assert pod["spec"]["activeDeadlineSeconds"] > 60
