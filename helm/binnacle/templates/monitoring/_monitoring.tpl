{{/* Metadata of an object for the monitoring, for (list $ name more), where more has labels, annotations and namespace of its own. */}}
{{- define "binnacle.monitoring.metadata" -}}
{{- $ := index . 0 -}}
{{- $more := index . 2 -}}
name: {{ index . 1 | quote }}
{{- with $more.namespace | default $.Values.monitoring.namespace | default $.Values.namespaceOverride }}
namespace: {{ . | quote }}
{{- end }}
labels:
  {{- include "binnacle.labels" (list $ "monitoring") | nindent 2 }}
  {{- with merge (dict) ($more.labels | default dict) $.Values.monitoring.labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge (dict) ($more.annotations | default dict) $.Values.monitoring.annotations $.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* One endpoint to scrape, for (list $ monitor), with the labels that rules and dashboards select by: the same for both kinds of monitors. */}}
{{- define "binnacle.monitoring.endpoint" -}}
{{- $ := index . 0 -}}
- port: admin
  path: /metrics
  {{- with (index . 1).interval }}
  interval: {{ . | quote }}
  {{- end }}
  {{- with (index . 1).scrapeTimeout }}
  scrapeTimeout: {{ . | quote }}
  {{- end }}
  relabelings:
    - targetLabel: job
      replacement: binnacle
    - targetLabel: release
      replacement: {{ $.Release.Name | quote }}
    - sourceLabels: [__meta_kubernetes_pod_label_app_kubernetes_io_component]
      targetLabel: component
  {{- with (index . 1).metricRelabelings }}
  metricRelabelings:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* Where a monitor that lives elsewhere finds the pods. */}}
{{- define "binnacle.monitoring.namespaceSelector" -}}
{{- if .Values.monitoring.namespace -}}
namespaceSelector:
  matchNames:
    - {{ include "binnacle.namespace" . | quote }}
{{- end -}}
{{- end -}}
