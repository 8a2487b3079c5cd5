{{/* Stores and the provider: bundled or existing, one of each. */}}
{{- define "binnacle.checks.dependencies" -}}
{{- if and .Values.postgresql.enabled .Values.database.existingSecret (not .Values.postgresql.existingSecret) -}}
{{- fail "database.existingSecret and postgresql.enabled exclude each other: set postgresql.enabled to false to use your own database, or postgresql.existingSecret to use your own password" -}}
{{- end -}}
{{- if and .Values.postgresql.existingSecret (not .Values.database.existingSecret) -}}
{{- fail "database.existingSecret is missing beside postgresql.existingSecret: name the Secret with the URL that holds this password" -}}
{{- end -}}
{{- if not (or .Values.postgresql.enabled .Values.database.existingSecret) -}}
{{- fail "database.existingSecret is missing: name the Secret with the database's URL, or set postgresql.enabled to true" -}}
{{- end -}}
{{- if and .Values.valkey.enabled .Values.redis.existingSecret (not .Values.valkey.existingSecret) -}}
{{- fail "redis.existingSecret and valkey.enabled exclude each other: set valkey.enabled to false to use your own Redis, or valkey.existingSecret to use your own password" -}}
{{- end -}}
{{- if and .Values.valkey.existingSecret (not .Values.redis.existingSecret) -}}
{{- fail "redis.existingSecret is missing beside valkey.existingSecret: name the Secret with the URL that holds this password" -}}
{{- end -}}
{{- if not (or .Values.valkey.enabled .Values.redis.existingSecret) -}}
{{- fail "redis.existingSecret is missing: name the Secret with the URL of Redis, or set valkey.enabled to true" -}}
{{- end -}}
{{- if and .Values.sandbox.enabled .Values.provider.url -}}
{{- fail "provider.url and sandbox.enabled exclude each other: set sandbox.enabled to false to use that provider" -}}
{{- end -}}
{{- if not (or .Values.sandbox.enabled .Values.provider.url) -}}
{{- fail "provider.url is missing: set it to the payment provider's URL, or set sandbox.enabled to true" -}}
{{- end -}}
{{- end -}}
