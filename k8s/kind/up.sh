#!/bin/sh
# up.sh: a cluster of kind with the overlay `dev` in it, and an order placed and paid. Needs Docker, kind and kubectl.
# Run it again after a change: it builds and rolls out what is new. `kind delete cluster --name binnacle` ends it.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cluster=binnacle
namespace=binnacle-dev

for program in docker kind kubectl; do
    command -v "$program" >/dev/null || { echo "$program is not on PATH: install it" >&2; exit 1; }
done
run() { kubectl --context "kind-$cluster" --namespace "$namespace" "$@"; }

kind get clusters | grep -qx "$cluster" || kind create cluster --config "$here/cluster.yaml" --wait 120s
image=$(kubectl kustomize "$root/k8s/overlays/dev" | sed -n 's/^ *image: \(binnacle:.*\)$/\1/p' | sort -u)
docker build --tag "$image" "$root"
kind load docker-image "$image" --name "$cluster"

kubectl --context "kind-$cluster" apply --kustomize "$root/k8s/overlays/dev"
# The tag stays the same from build to build.
run rollout restart deployment
for each in statefulset/binnacle-postgresql statefulset/binnacle-valkey deployment/binnacle-sandbox \
    deployment/binnacle-api deployment/binnacle-worker deployment/binnacle-reconciler; do
    run rollout status "$each" --timeout 180s
done
run exec deployment/binnacle-api --container api -- python -m app smoke http://binnacle-api:8000

echo
echo "The shop runs. To talk to it at http://localhost:8000/docs:"
echo "  kubectl --context kind-$cluster --namespace $namespace port-forward service/binnacle-api 8000"
