{{/* An autoscaler, for (list $ component metrics): `metrics` as text, beside CPU and what the operator lists. */}}
{{- define "binnacle.autoscaler" -}}
{{- $ := index . 0 -}}
{{- $component := index . 1 -}}
{{- $own := index $.Values $component -}}
{{- $scaling := $own.autoscaling -}}
{{- if $scaling.enabled -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  {{- include "binnacle.metadata" (list $ $component (printf "-%s" $component)) | nindent 2 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ include "binnacle.fullname" $ }}-{{ $component }}
  minReplicas: {{ int $scaling.minReplicas }}
  maxReplicas: {{ int $scaling.maxReplicas }}
  metrics:
    {{- with $scaling.targetCPU }}
    - type: Resource
      resource:
        name: cpu
        target:
          type: AverageValue
          averageValue: {{ . | quote }}
    {{- end }}
    {{- with index . 2 }}
    {{- . | nindent 4 }}
    {{- end }}
    {{- with $scaling.metrics }}
    {{- include "binnacle.rendered" (list $ .) | fromJsonArray | toYaml | nindent 4 }}
    {{- end }}
  {{- with $scaling.behavior }}
  behavior:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
{{- end -}}

{{/* How many pods may be away at once for the sake of a node, for (list $ component). A pod that isn't ready never stands in the way. */}}
{{- define "binnacle.disruptionBudget" -}}
{{- $ := index . 0 -}}
{{- $own := index $.Values (index . 1) -}}
{{- $budget := $own.podDisruptionBudget -}}
{{- if $budget.enabled -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "binnacle.metadata" (append . (printf "-%s" (index . 1))) | nindent 2 }}
spec:
  {{- if ne (toString $budget.minAvailable) "" }}
  minAvailable: {{ $budget.minAvailable }}
  {{- else }}
  maxUnavailable: {{ $budget.maxUnavailable }}
  {{- end }}
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "binnacle.selectorLabels" . | nindent 6 }}
{{- end -}}
{{- end -}}

{{/* Most pods of (list $ component) that run at once: all replicas and those of the next version beside them. */}}
{{- define "binnacle.mostPods" -}}
{{- $own := index (first .).Values (index . 1) -}}
{{- $replicas := $own.replicas | int -}}
{{- with $own.autoscaling }}{{ if .enabled }}{{ $replicas = int .maxReplicas }}{{ end }}{{ end -}}
{{- $surge := toString $own.maxSurge -}}
{{- if hasSuffix "%" $surge }}{{ $surge = divf (mul $replicas (trimSuffix "%" $surge | int)) 100.0 | ceil }}{{ end -}}
{{- if $replicas }}{{ add $replicas (int $surge) }}{{ else }}0{{ end -}}
{{- end -}}
