{{/* A rendering without the cluster would generate other secrets each time, and the data would lose its password. */}}
{{- define "binnacle.checks.secrets" -}}
{{- if not (or (eq .Values.generateSecrets "always") (eq .Values.generateSecrets .Values.environment)) -}}
{{- $missing := list -}}
{{- if not .Values.secretKey.existingSecret }}{{ $missing = append $missing "secretKey.existingSecret" }}{{ end -}}
{{- if and .Values.postgresql.enabled (not .Values.postgresql.existingSecret) }}{{ $missing = append $missing "postgresql.existingSecret" }}{{ end -}}
{{- if and .Values.valkey.enabled (not .Values.valkey.existingSecret) }}{{ $missing = append $missing "valkey.existingSecret" }}{{ end -}}
{{- if $missing -}}
{{- fail (printf "%s must name an existing Secret, since generateSecrets is %s and environment is %s: create one and name it, or set generateSecrets to always if Helm itself installs the chart" (join " and " $missing) .Values.generateSecrets .Values.environment) -}}
{{- end -}}
{{- end -}}
{{- end -}}
