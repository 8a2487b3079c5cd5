{{/* Values that contradict each other: one sentence each, which names the keys and what to do. */}}
{{- define "binnacle.checks" -}}
{{- include "binnacle.checks.production" . -}}
{{- include "binnacle.checks.dependencies" . -}}
{{- include "binnacle.checks.times" . -}}
{{- include "binnacle.checks.monitoring" . -}}
{{- end -}}

{{- define "binnacle.checks.production" -}}
{{- if eq .Values.environment "production" -}}
{{- if .Values.sandbox.enabled -}}
{{- fail "sandbox.enabled must be false when environment is production, since the sandbox pays every order with no money: set it to false and set provider.url" -}}
{{- end -}}
{{- if .Values.postgresql.enabled -}}
{{- fail "postgresql.enabled must be false when environment is production, since the bundled PostgreSQL is one pod without backups: set it to false and set database.existingSecret" -}}
{{- end -}}
{{- if .Values.valkey.enabled -}}
{{- fail "valkey.enabled must be false when environment is production, since the bundled Valkey is one pod: set it to false and set redis.existingSecret" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "binnacle.checks.dependencies" -}}
{{- if and .Values.postgresql.enabled .Values.database.existingSecret -}}
{{- fail "database.existingSecret and postgresql.enabled exclude each other: set postgresql.enabled to false to use your own database" -}}
{{- end -}}
{{- if not (or .Values.postgresql.enabled .Values.database.existingSecret) -}}
{{- fail "database.existingSecret is missing: name the Secret with the database's URL, or set postgresql.enabled to true" -}}
{{- end -}}
{{- if and .Values.valkey.enabled .Values.redis.existingSecret -}}
{{- fail "redis.existingSecret and valkey.enabled exclude each other: set valkey.enabled to false to use your own Redis" -}}
{{- end -}}
{{- if not (or .Values.valkey.enabled .Values.redis.existingSecret) -}}
{{- fail "redis.existingSecret is missing: name the Secret with the URL of Redis, or set valkey.enabled to true" -}}
{{- end -}}
{{- if and .Values.sandbox.enabled .Values.provider.url -}}
{{- fail "provider.url and sandbox.enabled exclude each other: set sandbox.enabled to false to use that provider" -}}
{{- end -}}
{{- if not (or .Values.sandbox.enabled .Values.provider.url) -}}
{{- fail "provider.url is missing: set it to the payment provider's URL, or set sandbox.enabled to true" -}}
{{- end -}}
{{- end -}}

{{/* Each stage of a pod's end must be over before the next one cuts it off, or accepted requests are lost in a rollout. */}}
{{- define "binnacle.checks.times" -}}
{{- $inFlight := add .Values.api.drainSeconds .Values.api.shutdownSeconds 2 | int -}}
{{- $graceful := int .Values.api.gracefulTimeoutSeconds -}}
{{- if le $graceful $inFlight -}}
{{- fail (printf "api.gracefulTimeoutSeconds (%v) must be above api.drainSeconds + api.shutdownSeconds + 2 (%v), or requests in flight are cut off" $graceful $inFlight) -}}
{{- end -}}
{{- $end := add .Values.api.preStopSeconds $graceful | int -}}
{{- $grace := int .Values.api.terminationGracePeriodSeconds -}}
{{- if le $grace $end -}}
{{- fail (printf "api.terminationGracePeriodSeconds (%v) must be above api.preStopSeconds + api.gracefulTimeoutSeconds (%v), or the kubelet kills the pod while it drains" $grace $end) -}}
{{- end -}}
{{- if le (float64 .Values.worker.terminationGracePeriodSeconds) (float64 .Values.provider.timeoutSeconds) -}}
{{- fail (printf "worker.terminationGracePeriodSeconds (%v) must be above provider.timeoutSeconds (%v), or a charge under way is cut off" (int .Values.worker.terminationGracePeriodSeconds) .Values.provider.timeoutSeconds) -}}
{{- end -}}
{{- end -}}

{{- define "binnacle.checks.monitoring" -}}
{{- if .Values.monitoring.enabled -}}
{{- if and .Values.monitoring.rules.enabled (not (.Files.Get "files/rules.yaml")) -}}
{{- fail "monitoring.rules.enabled needs files/rules.yaml, which this copy of the chart lacks: run `make generate`, or set it to false" -}}
{{- end -}}
{{- if and .Values.monitoring.dashboards.enabled (not (.Files.Glob "files/dashboards/*.json")) -}}
{{- fail "monitoring.dashboards.enabled needs files/dashboards/*.json, which this copy of the chart lacks: run `make generate`, or set it to false" -}}
{{- end -}}
{{- end -}}
{{- end -}}
