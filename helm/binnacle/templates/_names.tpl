{{- define "binnacle.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* 40 characters: with "-postgresql" and the hash that a StatefulSet appends, a label's limit of 63 is kept. */}}
{{- define "binnacle.fullname" -}}
{{- $name := include "binnacle.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "binnacle.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "binnacle.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{/* Name of the Secret that the chart generates. */}}
{{- define "binnacle.generatedSecret" -}}
{{- include "binnacle.fullname" . -}}
{{- end -}}

{{/* What a selector holds on to, for (list $ component): never changes over the life of a release. */}}
{{- define "binnacle.selectorLabels" -}}
{{- $ := index . 0 -}}
app.kubernetes.io/name: {{ include "binnacle.name" $ }}
app.kubernetes.io/instance: {{ $.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* Labels of a pod, for (list $ component): no chart version, which would restart every pod at each release of the chart. */}}
{{- define "binnacle.podLabels" -}}
{{- $ := index . 0 -}}
{{ include "binnacle.selectorLabels" . }}
app.kubernetes.io/part-of: binnacle
{{- with $.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Labels of an object, for (list $ component). */}}
{{- define "binnacle.labels" -}}
{{- $ := index . 0 -}}
{{ include "binnacle.podLabels" . }}
app.kubernetes.io/version: {{ $.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $.Chart.Name $.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Reference of an image, for (list $ image): by digest when there is one. */}}
{{- define "binnacle.image" -}}
{{- $ := index . 0 -}}
{{- $image := index . 1 -}}
{{- with $.Values.global.imageRegistry }}{{ trimSuffix "/" . }}/{{ end -}}
{{- $image.repository -}}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $image.tag | default $.Chart.AppVersion }}{{ end -}}
{{- end -}}
