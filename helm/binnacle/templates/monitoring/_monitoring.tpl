{{/*
Namespace, labels and annotations of an object for Prometheus or Grafana. "own" is optional: values with labels, annotations and a
namespace, which override those of `monitoring`.
Usage: include "binnacle.monitoring.metadata" (dict "root" $ "own" .Values.monitoring.rules)
*/}}
{{- define "binnacle.monitoring.metadata" -}}
{{- $monitoring := .root.Values.monitoring -}}
{{- $own := .own | default dict -}}
{{- with $own.namespace | default $monitoring.namespace | default .root.Values.namespaceOverride -}}
namespace: {{ . | quote }}
{{ end -}}
labels:
  {{- include "binnacle.labels" (dict "root" .root "component" "monitoring") | nindent 2 }}
  {{- with merge (dict) ($own.labels | default dict) $monitoring.labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge (dict) ($own.annotations | default dict) $monitoring.annotations .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/*
Scrape endpoint of a PodMonitor or ServiceMonitor, with the labels by which rules and dashboards select.
Usage: include "binnacle.monitoring.endpoint" (dict "root" $ "monitor" .Values.monitoring.podMonitor)
*/}}
{{- define "binnacle.monitoring.endpoint" -}}
- port: admin
  path: /metrics
  {{- with .monitor.interval }}
  interval: {{ . | quote }}
  {{- end }}
  {{- with .monitor.scrapeTimeout }}
  scrapeTimeout: {{ . | quote }}
  {{- end }}
  relabelings:
    - targetLabel: job
      replacement: binnacle
    - targetLabel: release
      replacement: {{ .root.Release.Name | quote }}
    - sourceLabels: [__meta_kubernetes_pod_label_app_kubernetes_io_component]
      targetLabel: component
  {{- with .monitor.metricRelabelings }}
  metricRelabelings:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* Namespace of the pods, for a monitor in another namespace. */}}
{{- define "binnacle.monitoring.namespaceSelector" -}}
{{- if .Values.monitoring.namespace -}}
namespaceSelector:
  matchNames:
    - {{ include "binnacle.namespace" . | quote }}
{{- end -}}
{{- end -}}
