{{/*
What the chart generates, as JSON: made once, and what the cluster already holds wins, so that an upgrade changes no key. It is
kept among the values while the chart is rendered, or each use would make its own.
*/}}
{{- define "binnacle.generated" -}}
{{- if not (hasKey .Values "_generated") -}}
{{- $kept := (lookup "v1" "Secret" (include "binnacle.namespace" .) (include "binnacle.generatedSecret" .)).data | default dict -}}
{{- $data := dict -}}
{{- if not .Values.secretKey.existingSecret -}}
{{- $_ := set $data "secret_key" (dig "secret_key" "" $kept | b64dec | default (randAlphaNum 64)) -}}
{{- end -}}
{{- if and .Values.postgresql.enabled (not .Values.postgresql.existingSecret) -}}
{{- $password := dig "postgres_password" "" $kept | b64dec | default (randAlphaNum 32) -}}
{{- $_ := set $data "postgres_password" $password -}}
{{- $_ := set $data "database_url" (printf "postgresql://binnacle:%s@%s-postgresql:5432/binnacle" $password (include "binnacle.fullname" .)) -}}
{{- $application := dig "application_password" "" $kept | b64dec | default (randAlphaNum 32) -}}
{{- $_ := set $data "application_password" $application -}}
{{- $_ := set $data "database_application_url" (printf "postgresql://binnacle_app:%s@%s-postgresql:5432/binnacle" $application (include "binnacle.fullname" .)) -}}
{{- end -}}
{{- if and .Values.valkey.enabled (not .Values.valkey.existingSecret) -}}
{{- $password := dig "valkey_password" "" $kept | b64dec | default (randAlphaNum 32) -}}
{{- $_ := set $data "valkey_password" $password -}}
{{- $_ := set $data "redis_url" (printf "redis://:%s@%s-valkey:6379/0" $password (include "binnacle.fullname" .)) -}}
{{- end -}}
{{- /* Used or not: who names a Secret of their own and goes back must find the key that signed the tokens. */ -}}
{{- range list "secret_key" "postgres_password" "application_password" "valkey_password" -}}
{{- if and (hasKey $kept .) (not (hasKey $data .)) -}}
{{- $_ := set $data . (get $kept . | b64dec) -}}
{{- end -}}
{{- end -}}
{{- $_ := set .Values "_generated" $data -}}
{{- end -}}
{{- .Values._generated | toJson -}}
{{- end -}}

{{/* Annotation that rolls pods when a generated key that they read changes, for (list $ key...); processes read them once. */}}
{{- define "binnacle.secretChecksum" -}}
{{- $read := include "binnacle.generated" (index . 0) | fromJson -}}
{{- range $key := keys $read }}{{ if not (has $key (rest $)) }}{{ $_ := unset $read $key }}{{ end }}{{ end -}}
{{- with $read -}}
checksum/secret: {{ toJson . | sha256sum | quote }}
{{- end -}}
{{- end -}}

{{/* One secret as a file named after the setting it holds, for (list $ file values): the operator's Secret, else the generated one. */}}
{{- define "binnacle.secretFile" -}}
{{- $source := index . 2 -}}
- secret:
    name: {{ $source.existingSecret | default (include "binnacle.generatedSecret" (index . 0)) | quote }}
    items:
      - key: {{ $source.existingSecret | empty | ternary ($source.generated | default (index . 1)) $source.key | quote }}
        path: {{ index . 1 }}
{{- end -}}

{{/*
Secrets as files, for (list $ volume setting...). The bundled PostgreSQL has a role for the application and one, its superuser, for
migrations; a user of yours is both unless migrations have another. `owner_url` is the URL of whoever migrates.
*/}}
{{- define "binnacle.secretsVolume" -}}
{{- $ := index . 0 -}}
{{- $application := merge (dict "generated" "database_application_url") $.Values.database -}}
{{- $owner := $.Values.migrations.existingSecret | empty | ternary $.Values.database $.Values.migrations -}}
{{- $sources := dict "secret_key" $.Values.secretKey "database_url" $application "owner_url" $owner "redis_url" $.Values.redis -}}
{{- if and $.Values.postgresql.enabled (or (not $.Values.database.existingSecret) $.Values.migrations.existingSecret) }}{{ $_ := set $sources "database_application_url" $application }}{{ end -}}
{{- $optional := dict "admin_token" $.Values.adminToken "sentry_dsn" $.Values.sentry "provider_api_key" $.Values.provider.apiKey -}}
{{- $optional = merge $optional (dict "mail_api_key" $.Values.mail.apiKey "mail_password" $.Values.mail.password "https_proxy" $.Values.proxy) -}}
{{- range $file, $source := $optional }}{{ if $source.existingSecret }}{{ $_ := set $sources $file $source }}{{ end }}{{ end -}}
- name: {{ index . 1 }}
  projected:
    defaultMode: 0440
    sources:
      {{- range $file := slice . 2 }}
      {{- with get $sources $file }}
      {{- include "binnacle.secretFile" (list $ ($file | replace "owner" "database") .) | nindent 6 }}
      {{- end }}
      {{- end }}
{{- end -}}

{{/* The secret settings that a component reads, as a JSON array: app/settings/secret_readers.py has the same. */}}
{{- define "binnacle.secretsRead" -}}
{{- $read := list "database_url" "redis_url" "admin_token" "sentry_dsn" -}}
{{- if eq . "api" }}{{ $read = prepend $read "secret_key" }}{{ end -}}
{{- if ne . "reconciler" }}{{ $read = concat $read (list "provider_api_key" "https_proxy") }}{{ end -}}
{{- if eq . "worker" }}{{ $read = concat $read (list "mail_api_key" "mail_password") }}{{ end -}}
{{- $read | toJson -}}
{{- end -}}

{{/* A rendering that can't read the cluster would generate other secrets each time, and leave the data without its password. */}}
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
