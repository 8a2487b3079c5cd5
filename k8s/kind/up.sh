#!/bin/sh
# Creates a kind cluster, applies the overlay `dev` and runs the smoke test. Needs Docker, kind and kubectl.
# Run it again to build and roll out a change. Delete the cluster with `kind delete cluster --name binnacle`.
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
# The tag is the same for every build.
run rollout restart deployment
for each in statefulset/binnacle-postgresql statefulset/binnacle-valkey deployment/binnacle-sandbox \
    deployment/binnacle-api deployment/binnacle-worker deployment/binnacle-reconciler; do
    run rollout status "$each" --timeout 180s
done
run exec deployment/binnacle-api --container api -- python -m app smoke http://binnacle-api:8000

echo
echo "The shop is running. To open http://localhost:8000/docs, run:"
echo "  kubectl --context kind-$cluster --namespace $namespace port-forward service/binnacle-api 8000"
