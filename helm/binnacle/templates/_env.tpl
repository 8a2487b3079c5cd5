{{/* Environment of a process of the service, for (list $ component). */}}
{{- define "binnacle.env" -}}
{{- $ := index . 0 -}}
- name: ENVIRONMENT
  value: {{ $.Values.environment }}
{{ include "binnacle.env.common" . }}
- name: SECRETS_DIR
  value: /run/secrets/binnacle
- name: DATABASE_POOL_SIZE
  value: {{ $.Values.database.poolSize | int | quote }}
- name: DATABASE_MAX_OVERFLOW
  value: {{ $.Values.database.maxOverflow | int | quote }}
- name: PROVIDER_URL
  value: {{ include "binnacle.providerUrl" $ | quote }}
- name: PROVIDER_TIMEOUT_SECONDS
  value: {{ $.Values.provider.timeoutSeconds | quote }}
- name: POD_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
- name: ALLOWED_HOSTS
  value: {{ include "binnacle.allowedHosts" $ | quote }}
{{- end -}}

{{/* What the sandbox needs too, for (list $ component): it is no part of the shop, and has none of its secrets. */}}
{{- define "binnacle.env.common" -}}
{{- $ := index . 0 -}}
- name: LOG_LEVEL
  value: {{ $.Values.settings.logLevel }}
- name: LOG_FORMAT
  value: {{ $.Values.settings.logFormat }}
- name: OTEL_SERVICE_NAME
  value: {{ printf "%s-%s" (include "binnacle.name" $) (index . 1) }}
{{- with $.Values.settings.otlpEndpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ . | quote }}
{{- end }}
- name: TRACES_SAMPLE_RATIO
  value: {{ $.Values.settings.tracesSampleRatio | quote }}
{{- end -}}

{{- define "binnacle.providerUrl" -}}
{{- .Values.provider.url | default (printf "http://%s-sandbox:8001" (include "binnacle.fullname" .)) -}}
{{- end -}}

{{/* The Service's names, localhost for `kubectl port-forward`, and the operator's. The kubelet fills in the namespace. */}}
{{- define "binnacle.allowedHosts" -}}
{{- $service := printf "%s-api" (include "binnacle.fullname" .) -}}
{{- $namespaced := printf "%s.$(POD_NAMESPACE)" $service -}}
{{- $names := list $service $namespaced (printf "%s.svc" $namespaced) (printf "%s.svc.%s" $namespaced .Values.clusterDomain) -}}
{{- concat $names (list "localhost" "127.0.0.1") .Values.api.allowedHosts | uniq | join "," -}}
{{- end -}}
