#!/bin/sh
# build.sh [--path]: builds the OpenTelemetry Collector of manifest.yaml from Go modules, once, and prints its path.
# Needs Go and takes some minutes on two cores. With --path it prints the path without building.
set -eu
manifest=$(dirname "$0")/manifest.yaml
builder=v$(sed -n 's/^  version: //p' "$manifest")
folder=${BINNACLE_CACHE:-$HOME/.cache/binnacle}/collector-$(cksum <"$manifest" | cut -d ' ' -f 1)
if [ "${1:-}" != --path ] && [ ! -x "$folder/otelcol" ]; then
    echo "Building the OpenTelemetry Collector ${builder#v} (some minutes, once)" >&2
    mkdir -p "$folder"
    export CGO_ENABLED=0 GOFLAGS=-trimpath
    GOBIN=$folder go install "go.opentelemetry.io/collector/cmd/builder@$builder"
    sources=$(mktemp -d)
    trap 'rm -rf "$sources"' EXIT
    sed "s|^dist:|&\n  output_path: $sources|" "$manifest" >"$sources/manifest.yaml"
    "$folder/builder" --config "$sources/manifest.yaml" >"$folder/build.log" 2>&1 || {
        cat "$folder/build.log" >&2
        exit 1
    }
    mv "$sources/otelcol" "$folder/otelcol"
fi
echo "$folder/otelcol"
