{{/* Values that production refuses. */}}
{{- define "binnacle.checks.production" -}}
{{- if eq .Values.environment "production" -}}
{{- if .Values.sandbox.enabled -}}
{{- fail "sandbox.enabled must be false when environment is production, since the sandbox pays every order with no money: set it to false and set provider.url" -}}
{{- end -}}
{{- if .Values.postgresql.enabled -}}
{{- fail "postgresql.enabled must be false when environment is production, since the bundled PostgreSQL is one pod without backups: set it to false and set database.existingSecret" -}}
{{- end -}}
{{- if .Values.valkey.enabled -}}
{{- fail "valkey.enabled must be false when environment is production, since the bundled Valkey is one pod: set it to false and set redis.existingSecret" -}}
{{- end -}}
{{- if and (eq .Values.image.tag "latest") (not .Values.image.digest) -}}
{{- fail "image.tag must not be latest when environment is production, since replicas would run whatever was pushed last: name a version, or set image.digest" -}}
{{- end -}}
{{- if .Values.loadTest.enabled -}}
{{- fail "loadTest.enabled must be false when environment is production, since every order of the load test is charged: load a staging release" -}}
{{- end -}}
{{- if eq (toString .Values.settings.logFormat) "console" -}}
{{- fail "settings.logFormat must be json when environment is production, since console doesn't redact secrets" -}}
{{- end -}}
{{- if has "*" .Values.api.allowedHosts -}}
{{- fail "api.allowedHosts must name the hosts of the service when environment is production, since * accepts any: list them" -}}
{{- end -}}
{{- if has "*" .Values.settings.corsOrigins -}}
{{- fail "settings.corsOrigins must name the pages that may call the API when environment is production, since * accepts any: list them" -}}
{{- end -}}
{{- end -}}
{{- end -}}
