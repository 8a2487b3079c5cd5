{{/* Environment of a process of the service, for (list $ component). */}}
{{- define "binnacle.env" -}}
{{- $ := index . 0 -}}
- name: ENVIRONMENT
  value: {{ $.Values.environment | quote }}
{{ include "binnacle.env.common" (append . $.Values.settings) }}
- name: SECRETS_DIR
  value: /run/secrets/binnacle
{{- $pool := eq (index . 1) "worker" | ternary $.Values.worker.database $.Values.database }}
- name: DATABASE_POOL_SIZE
  value: {{ $pool.poolSize | int | quote }}
- name: DATABASE_MAX_OVERFLOW
  value: {{ $pool.maxOverflow | int | quote }}
{{- /* Names of Services stand in variables of their own, which kustomize's prefix changes: k8s/base/names.yaml. */}}
- name: SANDBOX_SERVICE
  value: {{ include "binnacle.fullname" $ }}-sandbox
- name: PROVIDER_URL
  value: {{ include "binnacle.providerUrl" $ | quote }}
- name: PROVIDER_TIMEOUT_SECONDS
  value: {{ $.Values.provider.timeoutSeconds | quote }}
- name: POD_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
- name: API_SERVICE
  value: {{ include "binnacle.fullname" $ }}-api
- name: ALLOWED_HOSTS
  value: {{ include "binnacle.allowedHosts" $ | quote }}
{{- if eq (index . 1) "api" }}
- name: WEB_CONCURRENCY
  value: {{ $.Values.api.webConcurrency | int | quote }}
{{- with $.Values.api.trustedProxies }}
- name: TRUSTED_PROXIES
  value: {{ join "," . | quote }}
{{- end }}
- name: DRAIN_SECONDS
  value: {{ $.Values.api.drainSeconds | int | quote }}
- name: SHUTDOWN_SECONDS
  value: {{ $.Values.api.shutdownSeconds | int | quote }}
- name: GRACEFUL_TIMEOUT_SECONDS
  value: {{ $.Values.api.gracefulTimeoutSeconds | int | quote }}
{{- else if eq (index . 1) "worker" }}
- name: WORKER_CONCURRENCY
  value: {{ $.Values.worker.concurrency | int | quote }}
{{- end }}
{{- end -}}

{{/* What the sandbox needs too, for (list $ component settings): it is no part of the shop, and has none of its secrets. */}}
{{- define "binnacle.env.common" -}}
{{- $ := index . 0 -}}
- name: OTEL_SERVICE_NAME
  value: {{ printf "%s-%s" (include "binnacle.name" $) (index . 1) | quote }}
{{- range $key, $value := index . 2 }}
{{- with include "binnacle.text" $value }}
- name: {{ get (dict "otlpEndpoint" "OTEL_EXPORTER_OTLP_ENDPOINT") $key | default ($key | snakecase | upper) }}
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* A value as a variable holds it: lists with commas, whole numbers as such (a large one is a fraction to Helm). */}}
{{- define "binnacle.text" -}}
{{- if kindIs "slice" . -}}
{{- join "," . -}}
{{- else if and (kindIs "float64" .) (eq . (floor .)) -}}
{{- int64 . -}}
{{- else if not (kindIs "invalid" .) -}}
{{- . -}}
{{- end -}}
{{- end -}}

{{- define "binnacle.providerUrl" -}}
{{- .Values.provider.url | default "http://$(SANDBOX_SERVICE):8001" -}}
{{- end -}}

{{/* The Service's names, outside of production localhost for `kubectl port-forward`, and those of the outside. The kubelet fills in both variables. */}}
{{- define "binnacle.allowedHosts" -}}
{{- $service := "$(API_SERVICE)" -}}
{{- $namespaced := printf "%s.$(POD_NAMESPACE)" $service -}}
{{- $names := list $service $namespaced (printf "%s.svc" $namespaced) (printf "%s.svc.%s" $namespaced .Values.clusterDomain) -}}
{{- if ne .Values.environment "production" }}{{ $names = concat $names (list "localhost" "127.0.0.1") }}{{ end -}}
{{- concat $names (include "binnacle.publicHosts" . | fromJsonArray) | uniq | join "," -}}
{{- end -}}

{{/* The names under which clients outside the cluster reach the API, as a JSON array: of Ingress and route, and the operator's. */}}
{{- define "binnacle.publicHosts" -}}
{{- $hosts := list -}}
{{- if .Values.ingress.enabled }}{{ $hosts = concat $hosts .Values.ingress.hosts }}{{ end -}}
{{- if .Values.httpRoute.enabled }}{{ $hosts = concat $hosts .Values.httpRoute.hostnames }}{{ end -}}
{{- concat $hosts .Values.api.allowedHosts | uniq | toJson -}}
{{- end -}}
