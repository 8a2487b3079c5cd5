{{/*
Identity, security and scheduling of a pod, from the values for all pods and those of its component. No token of the Kubernetes
API, and no variables for neighbouring Services.
Usage: include "binnacle.podSpec" (dict "root" $ "component" "api")
*/}}
{{- define "binnacle.podSpec" -}}
{{- $own := index .root.Values .component | default dict -}}
serviceAccountName: {{ include "binnacle.serviceAccountName" .root | quote }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- mergeOverwrite (deepCopy .root.Values.podSecurityContext) ($own.podSecurityContext | default dict) | toYaml | nindent 2 }}
{{- with include "binnacle.pullSecrets" .root }}
imagePullSecrets:
  {{- . | nindent 2 }}
{{- end }}
{{- with $own.priorityClassName | default .root.Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with mergeOverwrite (deepCopy .root.Values.nodeSelector) ($own.nodeSelector | default dict) }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.affinity | default .root.Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with concat .root.Values.tolerations ($own.tolerations | default list) }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/*
Spread of replicas over nodes and zones. A constraint without a labelSelector counts the pods of its component and version.
Usage: include "binnacle.topologySpread" (dict "root" $ "component" "api")
*/}}
{{- define "binnacle.topologySpread" -}}
{{- $own := index .root.Values .component -}}
{{- $pods := dict "matchLabels" (include "binnacle.selectorLabels" . | fromYaml) -}}
{{- $counted := dict "labelSelector" $pods "matchLabelKeys" (list "pod-template-hash") -}}
{{- with $own.topologySpreadConstraints | default .root.Values.topologySpreadConstraints -}}
topologySpreadConstraints:
{{- range . }}
  - {{ hasKey . "labelSelector" | ternary . (merge (deepCopy .) $counted) | toYaml | nindent 4 | trim }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* Secrets for private registries, of the parent chart and of this one; an entry is a name, or a map with `name`. */}}
{{- define "binnacle.pullSecrets" -}}
{{- $secrets := list -}}
{{- range concat .Values.global.imagePullSecrets .Values.imagePullSecrets -}}
{{- $secrets = append $secrets (kindIs "string" . | ternary (dict "name" .) .) -}}
{{- end -}}
{{- with uniq $secrets }}{{ toYaml . }}{{ end -}}
{{- end -}}

{{/* Volume for /tmp, in memory: gunicorn's heartbeat and the counters of metrics must not wait for the node's disk. */}}
{{- define "binnacle.tmpVolume" -}}
- name: tmp
  emptyDir:
    medium: Memory
    sizeLimit: 64Mi
{{- end -}}
