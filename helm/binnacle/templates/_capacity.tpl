{{/* Replicas against what holds them: the database's connections, the autoscaler's bounds, the evictions of a node. */}}
{{- define "binnacle.checks.capacity" -}}
{{- include "binnacle.checks.connections" . -}}
{{- range $component := list "api" "worker" -}}
{{- include "binnacle.checks.scaling" (list $ $component) -}}
{{- end -}}
{{- end -}}

{{/*
Every process may fill its pool, and a rollout runs pods of two versions at once. Of the bundled database's connections three stay
free for an administrator. Pods that end count no more: they serve on for some seconds with what few connections they use.
*/}}
{{- define "binnacle.checks.connections" -}}
{{- $bundled := .Values.postgresql.enabled -}}
{{- $key := $bundled | ternary "postgresql.maxConnections" "database.maxConnections" -}}
{{- $limit := $bundled | ternary .Values.postgresql.maxConnections .Values.database.maxConnections | int -}}
{{- $api := include "binnacle.mostPods" (list . "api") | int -}}
{{- $worker := include "binnacle.mostPods" (list . "worker") | int -}}
{{- $reconciler := include "binnacle.mostPods" (list . "reconciler") | int -}}
{{- $pool := add .Values.database.poolSize .Values.database.maxOverflow -}}
{{- $small := add .Values.worker.database.poolSize .Values.worker.database.maxOverflow -}}
{{- $large := add (mul $api .Values.api.webConcurrency) $reconciler -}}
{{- $workers := mul $worker .Values.worker.concurrency -}}
{{- $needed := add (mul $large $pool) (mul $workers $small) ($bundled | ternary 3 0) -}}
{{- if and $limit (gt $needed $limit) -}}
{{- fail (printf "%s (%d) must be %d or more, or requests fail for want of a connection: in a rollout %d processes (api %d x api.webConcurrency %d, reconciler %d) may open database.poolSize + database.maxOverflow (%d) each, and %d of the workers (%d x worker.concurrency %d) worker.database.poolSize + maxOverflow (%d)%s" $key $limit $needed $large $api (int .Values.api.webConcurrency) $reconciler $pool $workers $worker (int .Values.worker.concurrency) $small ($bundled | ternary "; 3 stay free" "")) -}}
{{- end -}}
{{- end -}}

{{- define "binnacle.checks.scaling" -}}
{{- $component := index . 1 -}}
{{- $own := index (first .).Values $component -}}
{{- $fewest := int $own.replicas -}}
{{- with $own.autoscaling -}}
{{- if .enabled -}}
{{- $fewest = int .minReplicas -}}
{{- if gt (int .minReplicas) (int .maxReplicas) -}}
{{- fail (printf "%s.autoscaling.minReplicas (%d) must not be above %s.autoscaling.maxReplicas (%d)" $component (int .minReplicas) $component (int .maxReplicas)) -}}
{{- end -}}
{{- if not (or .targetCPU .targetRequestsInProgress .targetQueueAgeSeconds .metrics) -}}
{{- fail (printf "%s.autoscaling.targetCPU is missing: without a metric there is nothing to scale by" $component) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $stay := $own.podDisruptionBudget.minAvailable -}}
{{- if and $own.podDisruptionBudget.enabled (not (kindIs "string" $stay)) (ge (int $stay) $fewest) -}}
{{- fail (printf "%s.podDisruptionBudget.minAvailable (%d) must be below the fewest replicas (%d), or no node under them can ever be drained" $component (int $stay) $fewest) -}}
{{- end -}}
{{- end -}}
