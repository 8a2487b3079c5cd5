{{/*
The head of every pod's spec, for (list $ component): what the restricted profile of pod security asks for, no token of the
Kubernetes API, no variables of neighbouring Services, and where it may run. A numeric user, since runAsNonRoot can't be
verified for a name.
*/}}
{{- define "binnacle.podSpec" -}}
{{- $ := index . 0 -}}
{{- $own := index $.Values (toString (index . 1)) | default dict -}}
serviceAccountName: {{ include "binnacle.serviceAccountName" $ | quote }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- mergeOverwrite (deepCopy $.Values.podSecurityContext) ($own.podSecurityContext | default dict) | toYaml | nindent 2 }}
{{- with include "binnacle.pullSecrets" $ }}
imagePullSecrets:
  {{- . | nindent 2 }}
{{- end }}
{{- with $own.priorityClassName | default $.Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with mergeOverwrite (deepCopy $.Values.nodeSelector) ($own.nodeSelector | default dict) }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.affinity | default $.Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with concat $.Values.tolerations ($own.tolerations | default list) }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Metadata of a pod's template, for (list $ component annotations): those that roll the pods come last, and win. */}}
{{- define "binnacle.podMetadata" -}}
{{- $ := index . 0 -}}
{{- $own := index $.Values (toString (index . 1)) | default dict -}}
labels:
  {{- include "binnacle.podLabels" . | nindent 2 }}
{{- with mergeOverwrite (deepCopy $.Values.podAnnotations) ($own.podAnnotations | default dict) (index . 2) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* How replicas spread over nodes and zones, for (list $ component): those of one version, unless a constraint names others. */}}
{{- define "binnacle.topologySpread" -}}
{{- $ := index . 0 -}}
{{- $own := index $.Values (index . 1) -}}
{{- $pods := dict "matchLabels" (include "binnacle.selectorLabels" . | fromYaml) -}}
{{- $ours := dict "labelSelector" $pods "matchLabelKeys" (list "pod-template-hash") -}}
{{- with $own.topologySpreadConstraints | default $.Values.topologySpreadConstraints -}}
topologySpreadConstraints:
{{- range . }}
  - {{ hasKey . "labelSelector" | ternary . (merge (deepCopy .) $ours) | toYaml | nindent 4 | trim }}
{{- end }}
{{- end -}}
{{- end -}}

{{- define "binnacle.containerSecurity" -}}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
{{- end -}}

{{/* One process of the image, for (list $ word...), without settings. */}}
{{- define "binnacle.process" -}}
{{- $ := index . 0 -}}
image: {{ include "binnacle.image" (list $ $.Values.image) | quote }}
imagePullPolicy: {{ $.Values.image.pullPolicy }}
args:
  {{- toYaml (rest .) | nindent 2 }}
{{ include "binnacle.containerSecurity" $ }}
{{- end -}}

{{/* In memory: gunicorn's heartbeat and the metrics' counters must not wait for the node's disk. */}}
{{- define "binnacle.tmpVolume" -}}
- name: tmp
  emptyDir:
    medium: Memory
    sizeLimit: 64Mi
{{- end -}}
