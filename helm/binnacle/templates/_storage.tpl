{{/* Spec of a claim, from a component's `persistence`; the class `-` is none, for volumes that somebody made by hand. */}}
{{- define "binnacle.claim" -}}
accessModes:
  - ReadWriteOnce
{{- with .storageClass }}
storageClassName: {{ eq . "-" | ternary "" . | quote }}
{{- end }}
resources:
  requests:
    storage: {{ .size | quote }}
{{- end -}}

{{/* The claim `data` of a StatefulSet, from its `persistence`; no labels of ours, since a claim template can't be changed. */}}
{{- define "binnacle.claimTemplate" -}}
{{- if .enabled -}}
volumeClaimTemplates:
  - apiVersion: v1
    kind: PersistentVolumeClaim
    metadata:
      name: data
    spec:
      {{- include "binnacle.claim" . | nindent 6 }}
{{- end -}}
{{- end -}}
