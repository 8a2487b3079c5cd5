{{/*
Path prefixes that clients outside may ask for, as a JSON array. What kubelets, load balancers and operators ask (`/health`, `/readyz`,
`/version` and so on) stays inside.
*/}}
{{- define "binnacle.publicPaths" -}}
{{- $paths := list "/api" "/ws" -}}
{{- if eq .Values.environment "demo" }}{{ $paths = concat $paths (list "/docs" "/redoc" "/openapi.json") }}{{ end -}}
{{- concat $paths .Values.api.publicPaths | uniq | toJson -}}
{{- end -}}

{{/* Those of the Ingress, below its path. One that is no prefix is a pattern of the operator's own. */}}
{{- define "binnacle.ingressPaths" -}}
{{- $below := trimSuffix "/" .Values.ingress.path -}}
{{- $paths := list -}}
{{- range include "binnacle.publicPaths" . | fromJsonArray }}{{ $paths = append $paths (print $below .) }}{{ end -}}
{{- eq .Values.ingress.pathType "Prefix" | ternary $paths (list .Values.ingress.path) | toJson -}}
{{- end -}}
