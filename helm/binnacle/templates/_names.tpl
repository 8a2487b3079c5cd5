{{- define "binnacle.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 40 | trimAll "-" -}}
{{- end -}}

{{/* Prefix of all names. 40 characters: with "-postgresql" and the hash that a StatefulSet appends, a label stays below its limit of 63. */}}
{{- define "binnacle.fullname" -}}
{{- $name := include "binnacle.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimAll "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimAll "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimAll "-" -}}
{{- end -}}
{{- end -}}

{{- define "binnacle.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace -}}
{{- end -}}

{{- define "binnacle.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "binnacle.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{/* Name of the Secret with the generated keys and passwords. */}}
{{- define "binnacle.generatedSecret" -}}
{{- include "binnacle.fullname" . -}}
{{- end -}}

{{/* Application version for labels and image tags, which don't allow the "+" of a build such as 0.2.0+1a2b3c. */}}
{{- define "binnacle.version" -}}
{{- .Chart.AppVersion | replace "+" "_" | trunc 63 | trimAll "-_." -}}
{{- end -}}

{{/*
Image reference, by digest if there is one.
Usage: include "binnacle.image" (dict "root" $ "image" .Values.image)
*/}}
{{- define "binnacle.image" -}}
{{- with .root.Values.global.imageRegistry }}{{ trimSuffix "/" . }}/{{ end -}}
{{- .image.repository -}}
{{- if .image.digest }}@{{ .image.digest }}{{ else }}:{{ .image.tag | default (include "binnacle.version" .root) }}{{ end -}}
{{- end -}}
