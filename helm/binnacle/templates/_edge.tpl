{{/* Public path prefixes, as a JSON array. Paths for kubelets and operators (`/health`, `/readyz`, `/version`) stay internal. */}}
{{- define "binnacle.publicPaths" -}}
{{- $paths := list "/api" "/ws" -}}
{{- if eq .Values.environment "demo" }}{{ $paths = concat $paths (list "/docs" "/redoc" "/openapi.json") }}{{ end -}}
{{- concat $paths .Values.api.publicPaths | uniq | toJson -}}
{{- end -}}

{{/* Paths of the Ingress, as a JSON array: the public ones below its path, or, unless that is a prefix, the path itself. */}}
{{- define "binnacle.ingressPaths" -}}
{{- $below := trimSuffix "/" .Values.ingress.path -}}
{{- $paths := list -}}
{{- range include "binnacle.publicPaths" . | fromJsonArray }}{{ $paths = append $paths (print $below .) }}{{ end -}}
{{- eq .Values.ingress.pathType "Prefix" | ternary $paths (list .Values.ingress.path) | toJson -}}
{{- end -}}
