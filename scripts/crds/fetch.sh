#!/bin/sh
# fetch.sh [--path]: fetches the custom resource definitions that the chart's objects are checked against, once, and prints
# the folder. They come as Go modules, from whatever GOPROXY names, and count only with the sums below. Needs Go.
set -eu
folder=${BINNACLE_CACHE:-$HOME/.cache/binnacle}/crds-$(cksum <"$0" | cut -d ' ' -f 1)

fetch() { # MODULE VERSION SUM FOLDER KIND...: the definitions of these kinds, as VERSION-KIND.yaml
    said=$(cd / && go mod download -json "$1@$2") || { echo "$said" >&2; return 1; }
    case $said in
    *"\"Sum\": \"$3\""*) ;;
    *) echo "$1@$2 is not what it was: its sum must be $3" >&2; return 1 ;;
    esac
    from=$(printf '%s\n' "$said" | sed -n 's/^.*"Dir": "\(.*\)",*$/\1/p')/$4
    version=$2
    shift 4
    for kind in "$@"; do cp "$from"_"$kind.yaml" "$made/$version-$kind.yaml"; done
}

if [ "${1:-}" != --path ] && [ ! -d "$folder" ]; then
    mkdir -p "${folder%/*}"
    made=$(mktemp -d "$folder.XXXXXX")
    trap 'rm -rf "$made"' EXIT
    # The oldest that the chart's README promises, and a newer one.
    fetch sigs.k8s.io/gateway-api v1.2.1 h1:fZZ/+RyRb+Y5tGkwxFKuYuSRQHu9dZtbjenblleOLHM= \
        config/crd/standard/gateway.networking.k8s.io httproutes
    fetch sigs.k8s.io/gateway-api v1.5.1 h1:RqVRIlkhLhUO8wOHKTLnTJA6o/1un4po4/6M1nRzdd0= \
        config/crd/standard/gateway.networking.k8s.io httproutes
    fetch github.com/prometheus-operator/prometheus-operator v0.85.0 h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s= \
        example/prometheus-operator-crd/monitoring.coreos.com podmonitors servicemonitors prometheusrules
    chmod -R u+w,go+rX "$made"
    mv "$made" "$folder"
    trap - EXIT
fi
echo "$folder"
