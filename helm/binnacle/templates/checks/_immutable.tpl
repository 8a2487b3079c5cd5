{{/*
Fields that Kubernetes never changes in an existing object. Helm would fail halfway through an upgrade, so the chart looks first;
`helm template` without a cluster finds no objects and refuses nothing.
*/}}
{{- define "binnacle.checks.immutable" -}}
{{- $namespace := include "binnacle.namespace" . -}}
{{- $name := include "binnacle.fullname" . -}}
{{- range $component := list "api" "worker" "reconciler" "sandbox" -}}
{{- include "binnacle.checks.selector" (dict "root" $ "component" $component "found" (lookup "apps/v1" "Deployment" $namespace (printf "%s-%s" $name $component))) -}}
{{- end -}}
{{- range $store := list "postgresql" "valkey" -}}
{{- if (get $.Values $store).enabled -}}
{{- $set := lookup "apps/v1" "StatefulSet" $namespace (printf "%s-%s" $name $store) -}}
{{- include "binnacle.checks.selector" (dict "root" $ "component" $store "found" $set) -}}
{{- include "binnacle.checks.claimTemplate" (dict "root" $ "component" $store "found" $set) -}}
{{- if not $set -}}
{{- include "binnacle.checks.claim" (dict "root" $ "component" $store "found" (lookup "v1" "PersistentVolumeClaim" $namespace (printf "data-%s-%s-0" $name $store))) -}}
{{- end -}}
{{- if eq $store "postgresql" }}{{ include "binnacle.checks.major" (dict "root" $ "found" $set) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- if .Values.sandbox.enabled -}}
{{- include "binnacle.checks.claim" (dict "root" . "component" "sandbox" "found" (lookup "v1" "PersistentVolumeClaim" $namespace (printf "%s-sandbox" $name))) -}}
{{- end -}}
{{- include "binnacle.checks.loadBalancerClass" (dict "root" . "found" (lookup "v1" "Service" $namespace (printf "%s-api" $name))) -}}
{{- end -}}

{{/*
Selector of an existing Deployment or StatefulSet.
Usage: include "binnacle.checks.selector" (dict "root" $ "component" "api" "found" $object)
*/}}
{{- define "binnacle.checks.selector" -}}
{{- $found := .found -}}
{{- $wanted := include "binnacle.selectorLabels" . | fromYaml -}}
{{- $current := dig "spec" "selector" "matchLabels" $wanted $found -}}
{{- range $label := list "app.kubernetes.io/name" "app.kubernetes.io/instance" -}}
{{- if ne (toString (get $wanted $label)) (toString (get $current $label)) -}}
{{- fail (printf "nameOverride can't make %s select %s=%s instead of %s, since Kubernetes never changes a selector: set it back, or install under another release name and fullnameOverride" $found.metadata.name $label (get $wanted $label) (get $current $label)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
Volume of an existing StatefulSet: whether it has one, its storage class and size.
Usage: include "binnacle.checks.claimTemplate" (dict "root" $ "component" "valkey" "found" $object)
*/}}
{{- define "binnacle.checks.claimTemplate" -}}
{{- $found := .found -}}
{{- if $found -}}
{{- $store := .component -}}
{{- $wanted := (get .root.Values $store).persistence -}}
{{- $claims := dig "spec" "volumeClaimTemplates" list $found -}}
{{- $set := printf "-n %s statefulset/%s" $found.metadata.namespace $found.metadata.name -}}
{{- if ne (empty $claims) (not $wanted.enabled) -}}
{{- fail (printf "%s.persistence.enabled must stay %t, since Kubernetes never changes the volumes of a StatefulSet: set it back, or export the data, run `kubectl delete %s`, upgrade again and import them (docs/volumes.md)" $store (not $wanted.enabled) $set) -}}
{{- end -}}
{{- range $claims -}}
{{- $class := hasKey .spec "storageClassName" | ternary (get .spec "storageClassName" | default "-") "" -}}
{{- if ne $class $wanted.storageClass -}}
{{- fail (printf "%s.persistence.storageClass must stay %q, since Kubernetes never changes the class of a volume: set it back, or export the data, delete StatefulSet and claim, upgrade again and import them (docs/volumes.md)" $store $class) -}}
{{- end -}}
{{- $size := .spec.resources.requests.storage -}}
{{- if lt (include "binnacle.bytes" $wanted.size | float64) (include "binnacle.bytes" $size | float64) -}}
{{- fail (printf "%s.persistence.size (%v) must be %v or more, since a volume never shrinks: set it back, or export the data, delete StatefulSet and claim, upgrade again and import them (docs/volumes.md)" $store $wanted.size $size) -}}
{{- else if ne (include "binnacle.bytes" $wanted.size) (include "binnacle.bytes" $size) -}}
{{- fail (printf "%s.persistence.size can't grow from %v to %v by an upgrade alone, since Kubernetes never changes the volumes of a StatefulSet: run `%s` and `kubectl delete %s --cascade=orphan`, which leaves the pod running, and upgrade again (docs/volumes.md)" $store $size $wanted.size (include "binnacle.growClaim" (dict "namespace" $found.metadata.namespace "name" (printf "data-%s-0" $found.metadata.name) "size" $wanted.size)) $set) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
Existing claim: the sandbox's, or one that a deleted StatefulSet left and the next one reuses.
Usage: include "binnacle.checks.claim" (dict "root" $ "component" "sandbox" "found" $object)
*/}}
{{- define "binnacle.checks.claim" -}}
{{- $found := .found -}}
{{- $component := .component -}}
{{- $wanted := (get .root.Values $component).persistence -}}
{{- if and $found $wanted.enabled -}}
{{- $class := dig "spec" "storageClassName" "" $found | default "-" -}}
{{- if and $wanted.storageClass (ne $wanted.storageClass $class) -}}
{{- fail (printf "%s.persistence.storageClass must stay %q, which the claim %s has, since Kubernetes never changes the class of a volume: set it back, or delete the claim and its data (docs/volumes.md)" $component $class $found.metadata.name) -}}
{{- end -}}
{{- $size := $found.spec.resources.requests.storage -}}
{{- $less := lt (include "binnacle.bytes" $wanted.size | float64) (include "binnacle.bytes" $size | float64) -}}
{{- if and $less (eq $component "sandbox") -}}
{{- fail (printf "%s.persistence.size (%v) must be %v or more, which the claim %s has, since a volume never shrinks: set it back, or delete the claim and its data (docs/volumes.md)" $component $wanted.size $size $found.metadata.name) -}}
{{- else if and (not $less) (ne (include "binnacle.bytes" $wanted.size) (include "binnacle.bytes" $size)) -}}
{{- fail (printf "%s.persistence.size (%v) is above the %v of the claim %s: run `%s`, which says whether its class can grow it, and repeat this (docs/volumes.md)" $component $wanted.size $size $found.metadata.name (include "binnacle.growClaim" (dict "namespace" $found.metadata.namespace "name" $found.metadata.name "size" $wanted.size))) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
Command that grows a claim.
Usage: include "binnacle.growClaim" (dict "namespace" "shop" "name" "data-shop-valkey-0" "size" "2Gi")
*/}}
{{- define "binnacle.growClaim" -}}
kubectl patch -n {{ .namespace }} persistentvolumeclaim/{{ .name }} -p '{"spec":{"resources":{"requests":{"storage":"{{ .size }}"}}}}'
{{- end -}}

{{/*
Major version of PostgreSQL, each of which keeps its data in its own folder. An image by digest has no known version.
Usage: include "binnacle.checks.major" (dict "root" $ "found" $object)
*/}}
{{- define "binnacle.checks.major" -}}
{{- $image := .root.Values.postgresql.image -}}
{{- $persistence := .root.Values.postgresql.persistence -}}
{{- $versioned := regexMatch "^[0-9]+([.-].*)?$" (toString $image.tag) -}}
{{- $wanted := and $versioned (empty $image.digest) | ternary (regexFind "^[0-9]+" (toString $image.tag)) "" -}}
{{- if and $wanted $persistence.enabled -}}
{{- if lt (int $wanted) 18 -}}
{{- fail (printf "postgresql.image.tag (%v) must be of version 18 or newer, since older images keep their data outside the volume, where they are lost with the pod" $image.tag) -}}
{{- end -}}
{{- range dig "spec" "template" "spec" "containers" list .found -}}
{{- $major := contains "@" .image | ternary "" (regexFind ":[0-9]+[^:/]*$" .image | regexFind "[0-9]+") -}}
{{- if and (eq .name "postgresql") $major (ne $major $wanted) -}}
{{- fail (printf "postgresql.image.tag (%v) must stay of version %s, since another version starts an empty database beside the data: set it back, or export the data, install under another release name and import them (docs/volumes.md)" $image.tag $major) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
Class of an existing load balancer. One that the values leave empty stays: the cluster may have set it.
Usage: include "binnacle.checks.loadBalancerClass" (dict "root" $ "found" $service)
*/}}
{{- define "binnacle.checks.loadBalancerClass" -}}
{{- $wanted := .root.Values.api.service -}}
{{- $found := .found.spec | default dict -}}
{{- if and (eq $wanted.type "LoadBalancer") (eq (toString $found.type) "LoadBalancer") $wanted.loadBalancerClass (ne $wanted.loadBalancerClass (toString $found.loadBalancerClass)) -}}
{{- fail (printf "api.service.loadBalancerClass must stay %q, since Kubernetes never changes it in a Service of type LoadBalancer: set it back, or upgrade once with api.service.type=ClusterIP" ($found.loadBalancerClass | default "")) -}}
{{- end -}}
{{- end -}}

{{/* Quantity in bytes, so that 2Gi equals 2048Mi. */}}
{{- define "binnacle.bytes" -}}
{{- $unit := regexFind "[A-Za-z]+$" (toString .) -}}
{{- $bytes := trimSuffix $unit (toString .) | float64 -}}
{{- $power := get (dict "k" 1 "K" 1 "M" 2 "G" 3 "T" 4 "P" 5 "E" 6) (trimSuffix "i" $unit) | default 0 | int -}}
{{- range until $power }}{{ $bytes = mulf $bytes (hasSuffix "i" $unit | ternary 1024.0 1000.0) }}{{ end -}}
{{- printf "%.0f" $bytes -}}
{{- end -}}
