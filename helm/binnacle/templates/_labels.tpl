{{/*
Labels of a selector, which Kubernetes never changes in an existing object.
Usage: include "binnacle.selectorLabels" (dict "root" $ "component" "api")
*/}}
{{- define "binnacle.selectorLabels" -}}
app.kubernetes.io/name: {{ include "binnacle.name" .root | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/*
Labels of an object. The chart's own override commonLabels, since selectors rely on them.
Usage: include "binnacle.labels" (dict "root" $ "component" "api")
*/}}
{{- define "binnacle.labels" -}}
{{- $own := include "binnacle.selectorLabels" . | fromYaml -}}
{{- $_ := set $own "app.kubernetes.io/part-of" "binnacle" -}}
{{- $_ := set $own "app.kubernetes.io/version" (include "binnacle.version" .root) -}}
{{- $_ := set $own "app.kubernetes.io/managed-by" .root.Release.Service -}}
{{- $_ := set $own "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimAll "-_.") -}}
{{- merge $own .root.Values.commonLabels | toYaml -}}
{{- end -}}

{{/*
Namespace, labels and annotations of an object; "labels" and "annotations" of its own are optional.
Usage: include "binnacle.metadata" (dict "root" $ "component" "api" "annotations" .Values.ingress.annotations)
*/}}
{{- define "binnacle.metadata" -}}
{{- with .root.Values.namespaceOverride -}}
namespace: {{ . | quote }}
{{ end -}}
labels:
  {{- merge (include "binnacle.labels" . | fromYaml) (.labels | default dict) | toYaml | nindent 2 }}
{{- with merge (deepCopy (.annotations | default dict)) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/*
Labels and annotations of a pod template. No chart version among the labels: it would restart every pod at each release of
the chart. The "annotations" given here are optional; they roll the pods, so they override those of the values.
Usage: include "binnacle.podMetadata" (dict "root" $ "component" "api" "annotations" $checksum)
*/}}
{{- define "binnacle.podMetadata" -}}
{{- $values := index .root.Values .component | default dict -}}
{{- $own := include "binnacle.selectorLabels" . | fromYaml -}}
{{- $_ := set $own "app.kubernetes.io/part-of" "binnacle" -}}
labels:
  {{- merge $own ($values.podLabels | default dict) .root.Values.podLabels .root.Values.commonLabels | toYaml | nindent 2 }}
{{- with mergeOverwrite (deepCopy .root.Values.podAnnotations) ($values.podAnnotations | default dict) (.annotations | default dict) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
