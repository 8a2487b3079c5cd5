{{/* Limits of replicas: connections of the database, bounds of the autoscaler, evictions from a node. */}}
{{- define "binnacle.checks.capacity" -}}
{{- include "binnacle.checks.connections" . -}}
{{- range $component := list "api" "worker" -}}
{{- include "binnacle.checks.scaling" (dict "root" $ "component" $component) -}}
{{- end -}}
{{- end -}}

{{/*
Every process may fill its pool, and a rollout runs pods of two versions side by side. Three connections of the bundled database
are reserved for an administrator. Terminating pods are not counted: they serve for some seconds with few connections.
*/}}
{{- define "binnacle.checks.connections" -}}
{{- $bundled := .Values.postgresql.enabled -}}
{{- $key := $bundled | ternary "postgresql.maxConnections" "database.maxConnections" -}}
{{- $limit := $bundled | ternary .Values.postgresql.maxConnections .Values.database.maxConnections | int -}}
{{- $api := include "binnacle.maxPods" (dict "root" . "component" "api") | int -}}
{{- $worker := include "binnacle.maxPods" (dict "root" . "component" "worker") | int -}}
{{- $reconciler := include "binnacle.maxPods" (dict "root" . "component" "reconciler") | int -}}
{{- $pool := add .Values.database.poolSize .Values.database.maxOverflow -}}
{{- $small := add .Values.worker.database.poolSize .Values.worker.database.maxOverflow -}}
{{- $large := add (mul $api .Values.api.webConcurrency) $reconciler -}}
{{- $workers := mul $worker .Values.worker.concurrency -}}
{{- $needed := add (mul $large $pool) (mul $workers $small) ($bundled | ternary 3 0) -}}
{{- if and $limit (gt $needed $limit) -}}
{{- fail (printf "%s (%d) must be %d or more, or requests fail for lack of a connection: in a rollout %d processes (api %d x api.webConcurrency %d, reconciler %d) may open database.poolSize + database.maxOverflow (%d) each, and %d of the workers (%d x worker.concurrency %d) worker.database.poolSize + maxOverflow (%d)%s" $key $limit $needed $large $api (int .Values.api.webConcurrency) $reconciler $pool $workers $worker (int .Values.worker.concurrency) $small ($bundled | ternary "; 3 stay free" "")) -}}
{{- end -}}
{{- end -}}

{{/* Usage: include "binnacle.checks.scaling" (dict "root" $ "component" "api") */}}
{{- define "binnacle.checks.scaling" -}}
{{- $component := .component -}}
{{- $own := index .root.Values $component -}}
{{- $fewest := int $own.replicas -}}
{{- with $own.autoscaling -}}
{{- if .enabled -}}
{{- $fewest = int .minReplicas -}}
{{- if gt (int .minReplicas) (int .maxReplicas) -}}
{{- fail (printf "%s.autoscaling.minReplicas (%d) must not be above %s.autoscaling.maxReplicas (%d)" $component (int .minReplicas) $component (int .maxReplicas)) -}}
{{- end -}}
{{- if not (or .targetCPU .targetRequestsInProgress .targetQueueAgeSeconds .metrics) -}}
{{- fail (printf "%s.autoscaling.targetCPU is missing: set it, or another metric to scale by" $component) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $stay := $own.podDisruptionBudget.minAvailable -}}
{{- if and $own.podDisruptionBudget.enabled (not (kindIs "string" $stay)) (ge (int $stay) $fewest) -}}
{{- fail (printf "%s.podDisruptionBudget.minAvailable (%d) must be below the fewest replicas (%d), or no node under them can ever be drained" $component (int $stay) $fewest) -}}
{{- end -}}
{{- end -}}

{{/*
Most pods of a component that run at once: all replicas and, in a rollout, those of the next version beside them.
Usage: include "binnacle.maxPods" (dict "root" $ "component" "api")
*/}}
{{- define "binnacle.maxPods" -}}
{{- $own := index .root.Values .component -}}
{{- $replicas := $own.replicas | int -}}
{{- with $own.autoscaling }}{{ if .enabled }}{{ $replicas = int .maxReplicas }}{{ end }}{{ end -}}
{{- $surge := toString $own.maxSurge -}}
{{- if hasSuffix "%" $surge }}{{ $surge = divf (mul $replicas (trimSuffix "%" $surge | int)) 100.0 | ceil }}{{ end -}}
{{- if $replicas }}{{ add $replicas (int $surge) }}{{ else }}0{{ end -}}
{{- end -}}
