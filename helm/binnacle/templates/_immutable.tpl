{{/*
What Kubernetes never changes in an object that exists. Helm finds out when half of the release has moved, so the chart looks
first; `helm template` without a cluster finds no objects and refuses nothing.
*/}}
{{- define "binnacle.checks.immutable" -}}
{{- $namespace := include "binnacle.namespace" . -}}
{{- $name := include "binnacle.fullname" . -}}
{{- range $component := list "api" "worker" "reconciler" "sandbox" -}}
{{- include "binnacle.checks.selector" (list $ $component (lookup "apps/v1" "Deployment" $namespace (printf "%s-%s" $name $component))) -}}
{{- end -}}
{{- range $store := list "postgresql" "valkey" -}}
{{- if (get $.Values $store).enabled -}}
{{- $set := lookup "apps/v1" "StatefulSet" $namespace (printf "%s-%s" $name $store) -}}
{{- include "binnacle.checks.selector" (list $ $store $set) -}}
{{- include "binnacle.checks.claimTemplate" (list $ $store $set) -}}
{{- if not $set -}}
{{- include "binnacle.checks.claim" (list $ $store (lookup "v1" "PersistentVolumeClaim" $namespace (printf "data-%s-%s-0" $name $store))) -}}
{{- end -}}
{{- if eq $store "postgresql" }}{{ include "binnacle.checks.major" (list $ $set) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- if .Values.sandbox.enabled -}}
{{- include "binnacle.checks.claim" (list . "sandbox" (lookup "v1" "PersistentVolumeClaim" $namespace (printf "%s-sandbox" $name))) -}}
{{- end -}}
{{- include "binnacle.checks.loadBalancerClass" (list . (lookup "v1" "Service" $namespace (printf "%s-api" $name))) -}}
{{- end -}}

{{/* The pods that an object selects, for (list $ component found). */}}
{{- define "binnacle.checks.selector" -}}
{{- $found := index . 2 -}}
{{- $ours := include "binnacle.selectorLabels" . | fromYaml -}}
{{- $theirs := dig "spec" "selector" "matchLabels" $ours $found -}}
{{- range $label := list "app.kubernetes.io/name" "app.kubernetes.io/instance" -}}
{{- if ne (toString (get $ours $label)) (toString (get $theirs $label)) -}}
{{- fail (printf "nameOverride can't make %s select %s=%s instead of %s, since Kubernetes never changes a selector: set it back, or install under another release name and fullnameOverride" $found.metadata.name $label (get $ours $label) (get $theirs $label)) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The volume of a StatefulSet, for (list $ store found): its switch, class and size. */}}
{{- define "binnacle.checks.claimTemplate" -}}
{{- $found := index . 2 -}}
{{- if $found -}}
{{- $store := index . 1 -}}
{{- $wanted := (get (index . 0).Values $store).persistence -}}
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
{{- fail (printf "%s.persistence.size can't grow from %v to %v by an upgrade alone, since Kubernetes never changes the volumes of a StatefulSet: run `%s` and `kubectl delete %s --cascade=orphan`, which leaves the pod running, and upgrade again (docs/volumes.md)" $store $size $wanted.size (include "binnacle.growClaim" (list $found.metadata.namespace (printf "data-%s-0" $found.metadata.name) $wanted.size)) $set) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A claim that exists, for (list $ component found): the sandbox's own, or one that a StatefulSet takes up again. */}}
{{- define "binnacle.checks.claim" -}}
{{- $found := index . 2 -}}
{{- $component := index . 1 -}}
{{- $wanted := (get (index . 0).Values $component).persistence -}}
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
{{- fail (printf "%s.persistence.size (%v) is above the %v of the claim %s: run `%s`, which says whether its class can grow it, and repeat this (docs/volumes.md)" $component $wanted.size $size $found.metadata.name (include "binnacle.growClaim" (list $found.metadata.namespace $found.metadata.name $wanted.size))) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Command that grows a claim, for (list namespace name size). */}}
{{- define "binnacle.growClaim" -}}
kubectl patch -n {{ index . 0 }} persistentvolumeclaim/{{ index . 1 }} -p '{"spec":{"resources":{"requests":{"storage":"{{ index . 2 }}"}}}}'
{{- end -}}

{{/* PostgreSQL's major version, for (list $ found): each keeps its data in a folder of its own. A digest says no version. */}}
{{- define "binnacle.checks.major" -}}
{{- $image := (index . 0).Values.postgresql.image -}}
{{- $persistence := (index . 0).Values.postgresql.persistence -}}
{{- $versioned := regexMatch "^[0-9]+([.-].*)?$" (toString $image.tag) -}}
{{- $wanted := and $versioned (empty $image.digest) | ternary (regexFind "^[0-9]+" (toString $image.tag)) "" -}}
{{- if and $wanted $persistence.enabled -}}
{{- if lt (int $wanted) 18 -}}
{{- fail (printf "postgresql.image.tag (%v) must be of version 18 or newer, since older images keep their data outside the volume, where they are lost with the pod" $image.tag) -}}
{{- end -}}
{{- range dig "spec" "template" "spec" "containers" list (index . 1) -}}
{{- $major := contains "@" .image | ternary "" (regexFind ":[0-9]+[^:/]*$" .image | regexFind "[0-9]+") -}}
{{- if and (eq .name "postgresql") $major (ne $major $wanted) -}}
{{- fail (printf "postgresql.image.tag (%v) must stay of version %s, since another version starts an empty database beside the data: set it back, or export the data, install under another release name and import them (docs/volumes.md)" $image.tag $major) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The class of a load balancer, for (list $ found). One that is not named stays as it is: the cluster may have set it. */}}
{{- define "binnacle.checks.loadBalancerClass" -}}
{{- $wanted := (index . 0).Values.api.service -}}
{{- $found := (index . 1).spec | default dict -}}
{{- if and (eq $wanted.type "LoadBalancer") (eq (toString $found.type) "LoadBalancer") $wanted.loadBalancerClass (ne $wanted.loadBalancerClass (toString $found.loadBalancerClass)) -}}
{{- fail (printf "api.service.loadBalancerClass must stay %q, since Kubernetes never changes it in a Service of type LoadBalancer: set it back, or upgrade once with api.service.type=ClusterIP" ($found.loadBalancerClass | default "")) -}}
{{- end -}}
{{- end -}}

{{/*
What an earlier revision has named in an object's spec, for (list found field): it stays, since to leave it out would take it away. What
the cluster filled in is nobody's: named here, a rollback to a revision that doesn't name it would take it away.
*/}}
{{- define "binnacle.named" -}}
{{- $found := index . 0 -}}
{{- $field := index . 1 -}}
{{- $named := "" -}}
{{- range dig "metadata" "managedFields" list $found -}}
{{- if and (eq .operation "Apply") (hasKey (dig "fieldsV1" "f:spec" dict .) (printf "f:%s" $field)) -}}
{{- $named = get $found.spec $field | default "-" -}}
{{- end -}}
{{- end -}}
{{- $named -}}
{{- end -}}

{{/* A quantity in bytes, so that 2Gi is 2048Mi. */}}
{{- define "binnacle.bytes" -}}
{{- $unit := regexFind "[A-Za-z]+$" (toString .) -}}
{{- $bytes := trimSuffix $unit (toString .) | float64 -}}
{{- $power := get (dict "k" 1 "K" 1 "M" 2 "G" 3 "T" 4 "P" 5 "E" 6) (trimSuffix "i" $unit) | default 0 | int -}}
{{- range until $power }}{{ $bytes = mulf $bytes (hasSuffix "i" $unit | ternary 1024.0 1000.0) }}{{ end -}}
{{- printf "%.0f" $bytes -}}
{{- end -}}
