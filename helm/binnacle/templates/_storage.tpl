{{/* Spec of a claim, from a component's `persistence`; the class `-` disables provisioning, for volumes created by hand. */}}
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
