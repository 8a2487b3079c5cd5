{{/*
Generated keys and passwords, as JSON. Those that the cluster holds are reused, so that an upgrade changes none. They are kept
among the values during a rendering; otherwise each include would generate others.
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
{{- /* Unused keys stay too: a release that returns from an existing Secret must find the key that signed its tokens. */ -}}
{{- range list "secret_key" "postgres_password" "application_password" "valkey_password" -}}
{{- if and (hasKey $kept .) (not (hasKey $data .)) -}}
{{- $_ := set $data . (get $kept . | b64dec) -}}
{{- end -}}
{{- end -}}
{{- $_ := set .Values "_generated" $data -}}
{{- end -}}
{{- .Values._generated | toJson -}}
{{- end -}}

{{/*
Annotation that restarts pods when a generated key that they read changes, since processes read secrets once.
Usage: include "binnacle.secretChecksum" (dict "root" $ "settings" (list "secret_key" "database_url"))
*/}}
{{- define "binnacle.secretChecksum" -}}
{{- $keys := .settings -}}
{{- if has "database_url" $keys }}{{ $keys = append (without $keys "database_url") "database_application_url" }}{{ end -}}
{{- $read := dict -}}
{{- range $key, $value := include "binnacle.generated" .root | fromJson }}{{ if has $key $keys }}{{ $_ := set $read $key $value }}{{ end }}{{ end -}}
{{- with $read -}}
checksum/secret: {{ toJson . | sha256sum | quote }}
{{- end -}}
{{- end -}}

{{/*
Sources of a projected volume with one file a secret setting, from existing Secrets or the generated one. Optional settings
without a Secret are left out. `owner_url` is the URL of the database user that migrates, in the file `database_url`. The bundled
PostgreSQL has one role for the application and a superuser for migrations; an existing database has one user for both unless
migrations.existingSecret names another.
Usage: include "binnacle.secretSources" (dict "root" $ "settings" (list "secret_key" "database_url"))
*/}}
{{- define "binnacle.secretSources" -}}
{{- $application := merge (dict "generated" "database_application_url") .root.Values.database -}}
{{- $owner := .root.Values.migrations.existingSecret | empty | ternary .root.Values.database .root.Values.migrations -}}
{{- $sources := dict "secret_key" .root.Values.secretKey "database_url" $application "owner_url" $owner "redis_url" .root.Values.redis -}}
{{- if and .root.Values.postgresql.enabled (or (not .root.Values.database.existingSecret) .root.Values.migrations.existingSecret) }}{{ $_ := set $sources "database_application_url" $application }}{{ end -}}
{{- $optional := dict "admin_token" .root.Values.adminToken "sentry_dsn" .root.Values.sentry "provider_api_key" .root.Values.provider.apiKey -}}
{{- $optional = merge $optional (dict "mail_api_key" .root.Values.mail.apiKey "mail_password" .root.Values.mail.password "https_proxy" .root.Values.proxy) -}}
{{- range $setting, $source := $optional }}{{ if $source.existingSecret }}{{ $_ := set $sources $setting $source }}{{ end }}{{ end -}}
{{- range $setting := .settings }}
{{- $file := $setting | replace "owner" "database" }}
{{- with get $sources $setting }}
- secret:
    name: {{ .existingSecret | default (include "binnacle.generatedSecret" $.root) | quote }}
    items:
      - key: {{ .existingSecret | empty | ternary (.generated | default $file) .key | quote }}
        path: {{ $file }}
{{- end }}
{{- end }}
{{- end -}}
