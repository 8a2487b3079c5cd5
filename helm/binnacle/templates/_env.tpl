{{/*
Variables that every process of the service reads; each Deployment adds its own.
Usage: include "binnacle.env" (dict "root" $ "component" "api")
*/}}
{{- define "binnacle.env" -}}
- name: ENVIRONMENT
  value: {{ .root.Values.environment | quote }}
{{ include "binnacle.env.settings" (dict "root" .root "component" .component "settings" .root.Values.settings) }}
- name: SECRETS_DIR
  value: /run/secrets/binnacle
{{- /* Names of Services have variables of their own, which a prefix of kustomize changes (k8s/base/names.yaml). */}}
- name: SANDBOX_SERVICE
  value: {{ include "binnacle.fullname" .root }}-sandbox
- name: PROVIDER_URL
  value: {{ include "binnacle.providerUrl" .root | quote }}
- name: PROVIDER_TIMEOUT_SECONDS
  value: {{ .root.Values.provider.timeoutSeconds | quote }}
- name: POD_NAMESPACE
  valueFrom:
    fieldRef:
      fieldPath: metadata.namespace
- name: API_SERVICE
  value: {{ include "binnacle.fullname" .root }}-api
- name: ALLOWED_HOSTS
  value: {{ include "binnacle.allowedHosts" .root | quote }}
{{- end -}}

{{/*
Variables made from a map of settings, for the service and for the sandbox, which reads a few of them and none of the secrets.
Usage: include "binnacle.env.settings" (dict "root" $ "component" "api" "settings" .Values.settings)
*/}}
{{- define "binnacle.env.settings" -}}
- name: OTEL_SERVICE_NAME
  value: {{ printf "%s-%s" (include "binnacle.name" .root) .component | quote }}
{{- range $key, $value := .settings }}
{{- with include "binnacle.env.value" $value }}
- name: {{ get (dict "otlpEndpoint" "OTEL_EXPORTER_OTLP_ENDPOINT") $key | default ($key | snakecase | upper) }}
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Value of a setting as text: lists with commas, whole numbers without an exponent (Helm reads a large one as a fraction). */}}
{{- define "binnacle.env.value" -}}
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

{{/*
Hosts that the API answers to: the Service's names, localhost for `kubectl port-forward` outside production, and public hosts.
The kubelet expands both variables.
*/}}
{{- define "binnacle.allowedHosts" -}}
{{- $service := "$(API_SERVICE)" -}}
{{- $namespaced := printf "%s.$(POD_NAMESPACE)" $service -}}
{{- $names := list $service $namespaced (printf "%s.svc" $namespaced) (printf "%s.svc.%s" $namespaced .Values.clusterDomain) -}}
{{- if ne .Values.environment "production" }}{{ $names = concat $names (list "localhost" "127.0.0.1") }}{{ end -}}
{{- concat $names (include "binnacle.publicHosts" . | fromJsonArray) | uniq | join "," -}}
{{- end -}}

{{/* Hosts of the Ingress, the route and api.allowedHosts, as a JSON array. */}}
{{- define "binnacle.publicHosts" -}}
{{- $hosts := list -}}
{{- if .Values.ingress.enabled }}{{ $hosts = concat $hosts .Values.ingress.hosts }}{{ end -}}
{{- if .Values.httpRoute.enabled }}{{ $hosts = concat $hosts .Values.httpRoute.hostnames }}{{ end -}}
{{- concat $hosts .Values.api.allowedHosts | uniq | toJson -}}
{{- end -}}
