{{/* Each stage of a pod's shutdown must end before the next one kills it, or a rollout loses accepted requests. */}}
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
{{- /* Settings that are left out have the service's defaults. */ -}}
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
{{- fail (printf "settings.jobSeconds (%v) must be above %s (%v), or no attempt can succeed" $job $call $seconds) -}}
{{- end -}}
{{- end -}}
{{- end -}}
