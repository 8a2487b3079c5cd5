# One image for every process of the service; the target `loadtest` is a second image for load tests in a cluster.
ARG BASE_IMAGE=python:3.14.6-slim@sha256:b877e50bd90de10af8d82c57a022fc2e0dc731c5320d762a27986facfc3355c1

# ---- dependencies: a virtual environment without pip; wheels only, so that no compiler is needed
FROM ${BASE_IMAGE} AS build
WORKDIR /srv
RUN python -m venv --without-pip /opt/venv
# Hash-based bytecode is valid regardless of file times, and reproducible.
ENV PYTHONHASHSEED=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ONLY_BINARY=:all: PIP_ROOT_USER_ACTION=ignore

FROM build AS load-dependencies
COPY requirements/load.txt requirements/load.txt
RUN python -m pip --python /opt/venv/bin/python install --quiet --no-compile --require-hashes --no-deps -r requirements/load.txt \
    && python -m pip --python /opt/venv/bin/python check \
    && /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/venv/lib
COPY loadtests loadtests
COPY grafana/__init__.py grafana/yaml_values.py grafana/slo_file.py grafana/slo.yaml grafana/
RUN /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash grafana loadtests

FROM build AS dependencies
COPY requirements/runtime.txt requirements/runtime.txt
RUN python -m pip --python /opt/venv/bin/python install --quiet --no-compile --require-hashes --no-deps -r requirements/runtime.txt \
    && python -m pip --python /opt/venv/bin/python check \
    && /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/venv/lib

FROM dependencies AS application
COPY app app
RUN /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash app

# ---- base of both images: a numeric user, so that Kubernetes can verify runAsNonRoot; nothing is written outside /tmp
FROM ${BASE_IMAGE} AS runtime
# Compile the standard library: the public image has no bytecode of it, and with a read-only root file system every start
# would compile it again, for some 0.8 s. Remove pip and setuid bits, which the service does not need.
RUN library=$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))') \
    && rm -rf "$library"/site-packages/pip* /usr/local/bin/pip* "$library/ensurepip" /usr/lib/python3/dist-packages/pip* \
    && python -m compileall -q -j 0 --invalidation-mode unchecked-hash \
        -x '/(test|tests|idlelib|tkinter|turtledemo|lib2to3|dist-packages|site-packages)/' "$library" \
    && find / -xdev -type f -perm /6000 -exec chmod a-s '{}' + \
    && install -d -o 10001 -g 10001 /var/lib/sandbox
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /srv
USER 10001:10001

FROM runtime AS loadtest
COPY --from=load-dependencies /opt/venv /opt/venv
COPY --from=load-dependencies /srv/grafana /srv/grafana
COPY --from=load-dependencies /srv/loadtests /srv/loadtests
LABEL org.opencontainers.image.title="binnacle-loadtest" \
      org.opencontainers.image.description="Load test of Binnacle, with its SLOs as pass criteria" \
      org.opencontainers.image.licenses="Apache-2.0"
ENTRYPOINT ["python", "-m", "loadtests"]

# ---- the service: the last stage, so that it is the default target
FROM runtime AS service
COPY --from=dependencies /opt/venv /opt/venv
COPY --from=application /srv/app /srv/app
# Loopback is unreachable from outside the container; `::` listens on IPv4 and IPv6, as far as the kernel has them.
ENV HOST=:: ADMIN_HOST=:: SANDBOX_HOST=:: STATE_DIR=/tmp/binnacle
EXPOSE 8000 8001 9000
# After the large layers, so that another version of the same code reuses them.
ARG VERSION=0.0.0+local
ARG REVISION=unknown
ENV VERSION=${VERSION} REVISION=${REVISION}
LABEL org.opencontainers.image.title="binnacle" \
      org.opencontainers.image.description="A reference deployment of a Python service on Kubernetes" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENTRYPOINT ["python", "-m", "app"]
CMD ["serve"]
