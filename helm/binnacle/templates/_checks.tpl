{{/* Values that contradict each other: one sentence each, which names the keys and what to do. */}}
{{- define "binnacle.checks" -}}
{{- include "binnacle.checks.names" . -}}
{{- include "binnacle.checks.production" . -}}
{{- include "binnacle.checks.dependencies" . -}}
{{- include "binnacle.checks.secrets" . -}}
{{- include "binnacle.checks.times" . -}}
{{- include "binnacle.checks.capacity" . -}}
{{- include "binnacle.checks.monitoring" . -}}
{{- include "binnacle.checks.edge" . -}}
{{- include "binnacle.checks.network" . -}}
{{- include "binnacle.checks.immutable" . -}}
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
{{- if and (eq .Values.image.tag "latest") (not .Values.image.digest) -}}
{{- fail "image.tag must not be latest when environment is production, since replicas would run whatever was pushed last: name a version, or set image.digest" -}}
{{- end -}}
{{- if eq (toString .Values.settings.logFormat) "console" -}}
{{- fail "settings.logFormat must be json when environment is production, since console withholds no secret" -}}
{{- end -}}
{{- if has "*" .Values.api.allowedHosts -}}
{{- fail "api.allowedHosts must name the hosts of the service when environment is production; * takes any" -}}
{{- end -}}
{{- if has "*" .Values.settings.corsOrigins -}}
{{- fail "settings.corsOrigins must name the pages that may call the API when environment is production; * takes any" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "binnacle.checks.dependencies" -}}
{{- if and .Values.postgresql.enabled .Values.database.existingSecret (not .Values.postgresql.existingSecret) -}}
{{- fail "database.existingSecret and postgresql.enabled exclude each other: set postgresql.enabled to false to use your own database, or postgresql.existingSecret to use your own password" -}}
{{- end -}}
{{- if and .Values.postgresql.existingSecret (not .Values.database.existingSecret) -}}
{{- fail "database.existingSecret is missing beside postgresql.existingSecret: name the Secret with the URL that holds this password" -}}
{{- end -}}
{{- if not (or .Values.postgresql.enabled .Values.database.existingSecret) -}}
{{- fail "database.existingSecret is missing: name the Secret with the database's URL, or set postgresql.enabled to true" -}}
{{- end -}}
{{- if and .Values.valkey.enabled .Values.redis.existingSecret (not .Values.valkey.existingSecret) -}}
{{- fail "redis.existingSecret and valkey.enabled exclude each other: set valkey.enabled to false to use your own Redis, or valkey.existingSecret to use your own password" -}}
{{- end -}}
{{- if and .Values.valkey.existingSecret (not .Values.redis.existingSecret) -}}
{{- fail "redis.existingSecret is missing beside valkey.existingSecret: name the Secret with the URL that holds this password" -}}
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
{{- $inFlight := add .Values.api.drainSeconds .Values.api.shutdownSeconds 4 | int -}}
{{- $graceful := int .Values.api.gracefulTimeoutSeconds -}}
{{- if le $graceful $inFlight -}}
{{- fail (printf "api.gracefulTimeoutSeconds (%v) must be above api.drainSeconds + api.shutdownSeconds + 4 (%v), or requests in flight are cut off" $graceful $inFlight) -}}
{{- end -}}
{{- $end := add .Values.api.preStopSeconds $graceful | int -}}
{{- $grace := int .Values.api.terminationGracePeriodSeconds -}}
{{- if le $grace $end -}}
{{- fail (printf "api.terminationGracePeriodSeconds (%v) must be above api.preStopSeconds + api.gracefulTimeoutSeconds (%v), or the kubelet kills the pod while it drains" $grace $end) -}}
{{- end -}}
{{- /* Where settings are left out, the service's own defaults count. */ -}}
{{- $claim := .Values.settings.claimSeconds | default 30 -}}
{{- $job := .Values.settings.jobSeconds | default 300 -}}
{{- $calls := dict "provider.timeoutSeconds" .Values.provider.timeoutSeconds "settings.mailTimeoutSeconds" (.Values.settings.mailTimeoutSeconds | default 3) -}}
{{- range $call, $seconds := $calls -}}
{{- if le (float64 $.Values.worker.terminationGracePeriodSeconds) (float64 $seconds) -}}
{{- fail (printf "worker.terminationGracePeriodSeconds (%v) must be above %s (%v), or a call under way is cut off" (int $.Values.worker.terminationGracePeriodSeconds) $call $seconds) -}}
{{- end -}}
{{- if le (float64 $claim) (float64 $seconds) -}}
{{- fail (printf "settings.claimSeconds (%v) must be above %s (%v), or two workers do the same work at once" $claim $call $seconds) -}}
{{- end -}}
{{- if le (float64 $job) (float64 $seconds) -}}
{{- fail (printf "settings.jobSeconds (%v) must be above %s (%v), or no try ever ends well" $job $call $seconds) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "binnacle.checks.monitoring" -}}
{{- if .Values.monitoring.enabled -}}
{{- range $monitor, $own := pick .Values.monitoring "podMonitor" "serviceMonitor" -}}
{{- if and $own.enabled $own.interval $own.scrapeTimeout (gt (include "binnacle.milliseconds" $own.scrapeTimeout | int64) (include "binnacle.milliseconds" $own.interval | int64)) -}}
{{- fail (printf "monitoring.%s.scrapeTimeout (%s) must not be above monitoring.%s.interval (%s), or the Prometheus Operator leaves the monitor out" $monitor $own.scrapeTimeout $monitor $own.interval) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.monitoring.podMonitor.enabled .Values.monitoring.serviceMonitor.enabled -}}
{{- fail "monitoring.podMonitor.enabled and monitoring.serviceMonitor.enabled exclude each other, or each pod is scraped twice: set one of them to false" -}}
{{- end -}}
{{- if and .Values.monitoring.rules.enabled (not (.Files.Get "files/rules.yaml")) -}}
{{- fail "monitoring.rules.enabled needs files/rules.yaml, which this copy of the chart lacks: run `make generate`, or set it to false" -}}
{{- end -}}
{{- if and .Values.monitoring.dashboards.enabled (not (.Files.Glob "files/dashboards/*.json")) -}}
{{- fail "monitoring.dashboards.enabled needs files/dashboards/*.json, which this copy of the chart lacks: run `make generate`, or set it to false" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Milliseconds in a duration of Prometheus, such as 1m30s. */}}
{{- define "binnacle.milliseconds" -}}
{{- $units := dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 "d" 86400000 "w" 604800000 "y" 31536000000 -}}
{{- $sum := 0 -}}
{{- range regexFindAll "[0-9]+[a-z]+" . -1 }}{{ $sum = mul (regexFind "[0-9]+" .) (get $units (regexFind "[a-z]+" .)) | add $sum }}{{ end -}}
{{- $sum -}}
{{- end -}}
