{{- define "binnacle.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 40 | trimAll "-" -}}
{{- end -}}

{{/* 40 characters: with "-postgresql" and the hash that a StatefulSet appends, a label's limit of 63 is kept. */}}
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

{{- define "binnacle.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "binnacle.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "binnacle.checks.names" -}}
{{- $name := include "binnacle.fullname" . -}}
{{- if not (regexMatch "^[a-z][-a-z0-9]*$" $name) -}}
{{- fail (printf "the release name %s makes the name %s, but the name of a Service holds lower-case letters, digits and dashes alone and begins with a letter: choose another release name, or set fullnameOverride" .Release.Name $name) -}}
{{- end -}}
{{- end -}}

{{/* Name of the Secret that the chart generates. */}}
{{- define "binnacle.generatedSecret" -}}
{{- include "binnacle.fullname" . -}}
{{- end -}}

{{- define "binnacle.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace -}}
{{- end -}}

{{/* What a selector holds on to, for (list $ component): never changes over the life of a release. */}}
{{- define "binnacle.selectorLabels" -}}
{{- $ := index . 0 -}}
app.kubernetes.io/name: {{ include "binnacle.name" $ | quote }}
app.kubernetes.io/instance: {{ $.Release.Name | quote }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* Labels of a pod, for (list $ component): no chart version, which would restart every pod at each release of the chart. */}}
{{- define "binnacle.podLabels" -}}
{{- $ := index . 0 -}}
{{- $own := index $.Values (toString (index . 1)) | default dict -}}
{{- $ours := include "binnacle.selectorLabels" . | fromYaml -}}
{{- $_ := set $ours "app.kubernetes.io/part-of" "binnacle" -}}
{{- merge $ours ($own.podLabels | default dict) $.Values.podLabels $.Values.commonLabels | toYaml -}}
{{- end -}}

{{/* Version of the application, as labels and tags of images take it: a build such as 0.2.0+1a2b3c has a sign that neither may have. */}}
{{- define "binnacle.version" -}}
{{- .Chart.AppVersion | replace "+" "_" | trunc 63 | trimAll "-_." -}}
{{- end -}}

{{/* Labels of an object, for (list $ component). Ours win: a selector relies on them. */}}
{{- define "binnacle.labels" -}}
{{- $ := index . 0 -}}
{{- $ours := include "binnacle.selectorLabels" . | fromYaml -}}
{{- $_ := set $ours "app.kubernetes.io/part-of" "binnacle" -}}
{{- $_ := set $ours "app.kubernetes.io/version" (include "binnacle.version" $) -}}
{{- $_ := set $ours "app.kubernetes.io/managed-by" $.Release.Service -}}
{{- $_ := set $ours "helm.sh/chart" (printf "%s-%s" $.Chart.Name $.Chart.Version | replace "+" "_" | trunc 63 | trimAll "-_.") -}}
{{- merge $ours $.Values.commonLabels | toYaml -}}
{{- end -}}

{{/*
Metadata of an object, for (list $ component suffix labels annotations): its name is the full one with the suffix; labels and
annotations of its own may be left out.
*/}}
{{- define "binnacle.metadata" -}}
name: {{ printf "%s%s" (include "binnacle.fullname" (index . 0)) (index . 2) | quote }}
{{ include "binnacle.nameless" . }}
{{- end -}}

{{/* The same without a name. */}}
{{- define "binnacle.nameless" -}}
{{- $ := index . 0 -}}
{{- $labels := dict -}}
{{- $annotations := dict -}}
{{- if gt (len .) 3 }}{{ $labels = index . 3 }}{{ end -}}
{{- if gt (len .) 4 }}{{ $annotations = index . 4 }}{{ end -}}
{{- with $.Values.namespaceOverride -}}
namespace: {{ . | quote }}
{{ end -}}
labels:
  {{- merge (include "binnacle.labels" . | fromYaml) $labels | toYaml | nindent 2 }}
{{- with merge (deepCopy $annotations) $.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Reference of an image, for (list $ image): by digest when there is one. */}}
{{- define "binnacle.image" -}}
{{- $ := index . 0 -}}
{{- $image := index . 1 -}}
{{- with $.Values.global.imageRegistry }}{{ trimSuffix "/" . }}/{{ end -}}
{{- $image.repository -}}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $image.tag | default (include "binnacle.version" $) }}{{ end -}}
{{- end -}}
