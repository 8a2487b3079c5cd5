{{/*
A Deployment of the service, for (dict "root" $ "component" name "steps" lists "command" word "process" text): each of `steps` is
the name and the command of a container that runs before the process, and `process` what that has beyond its settings.
*/}}
{{- define "binnacle.deployment" -}}
{{- $ := .root -}}
{{- $component := .component -}}
{{- $id := list $ $component -}}
{{- $own := index $.Values $component -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "binnacle.metadata" (append $id (printf "-%s" $component)) | nindent 2 }}
spec:
  {{- /* An autoscaler sets the replicas, and an upgrade must not set them back. */}}
  {{- if not ($own.autoscaling | default dict).enabled }}
  replicas: {{ int $own.replicas }}
  {{- end }}
  revisionHistoryLimit: {{ int $.Values.revisionHistoryLimit }}
  strategy:
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: {{ $own.maxSurge }}
  selector:
    matchLabels:
      {{- include "binnacle.selectorLabels" $id | nindent 6 }}
  template:
    metadata:
      {{- $read := include "binnacle.secretsRead" $component | fromJsonArray }}
      {{- $checksum := include "binnacle.secretChecksum" (concat (list $ "database_application_url") (without $read "database_url")) | fromYaml }}
      {{- include "binnacle.podMetadata" (append $id $checksum) | nindent 6 }}
    spec:
      {{- include "binnacle.podSpec" $id | nindent 6 }}
      {{- with include "binnacle.topologySpread" $id }}
      {{- . | nindent 6 }}
      {{- end }}
      terminationGracePeriodSeconds: {{ int $own.terminationGracePeriodSeconds }}
      initContainers:
        {{- $taken := list $component }}
        {{- range .steps }}{{ $taken = append $taken (first .) }}{{ end }}
        {{- with include "binnacle.ownContainers" (list $ $component "sidecars" $taken) }}
        {{- $taken = include "binnacle.namesIn" . | fromJsonArray | concat $taken }}
        {{- . | nindent 8 }}
        {{- end }}
        {{- with include "binnacle.ownContainers" (list $ $component "initContainers" $taken) }}
        {{- . | nindent 8 }}
        {{- end }}
        {{- range .steps }}
        - name: {{ first . }}
          {{- include "binnacle.container" (concat $id (rest .)) | nindent 10 }}
        {{- end }}
      containers:
        - name: {{ $component }}
          {{- include "binnacle.container" (append $id .command) | nindent 10 }}
          {{- .process | nindent 10 }}
      volumes:
        {{- $volumes := include "binnacle.volumes" (list $ $component $read .steps) | trim }}
        {{- $volumes | nindent 8 }}
        {{- with include "binnacle.extra" (list $ $component "extraVolumes" (include "binnacle.namesIn" $volumes | fromJsonArray)) }}
        {{- . | nindent 8 }}
        {{- end }}
{{- end -}}

{{/* Volumes of the chart's own, for (list $ component secrets steps). */}}
{{- define "binnacle.volumes" -}}
{{- $ := index . 0 -}}
{{ include "binnacle.tmpVolume" $ }}
{{ include "binnacle.secretsVolume" (concat (list $ "secrets") (index . 2)) }}
{{- $migrating := and (eq (index . 1) "api") $.Values.migrations.enabled | ternary (list "owner_url" "database_application_url") (list "database_url") }}
{{ include "binnacle.secretsVolume" (concat (list $ "migration-secrets") $migrating) }}
{{- range last . }}{{ if has "seed" . }}
{{ include "binnacle.secretsVolume" (list $ "seed-secrets" "database_url") }}
{{- end }}{{ end }}
{{- end -}}

{{/* A process of the service with its settings and secrets, for (list $ component word...). */}}
{{- define "binnacle.container" -}}
{{- $ := index . 0 -}}
{{- $component := index . 1 -}}
{{- $own := index $.Values $component -}}
{{- $env := include "binnacle.env" (list $ $component) -}}
{{ include "binnacle.process" (concat (list $) (slice . 2)) }}
env:
  {{- $env | nindent 2 }}
  {{- with include "binnacle.extra" (list $ $component "extraEnv" (include "binnacle.namesIn" $env | fromJsonArray)) }}
  {{- . | nindent 2 }}
  {{- end }}
{{- with include "binnacle.extra" (list $ $component "extraEnvFrom" list) }}
envFrom:
  {{- . | nindent 2 }}
{{- end }}
resources:
  {{- toYaml $own.resources | nindent 2 }}
volumeMounts:
  - name: tmp
    mountPath: /tmp
  - name: {{ get (dict "migrate" "migration-secrets" "seed" "seed-secrets") (index . 2) | default "secrets" }}
    mountPath: /run/secrets/binnacle
    readOnly: true
  {{- with include "binnacle.extra" (list $ $component "extraVolumeMounts" (list "/tmp" "/run/secrets/binnacle")) }}
  {{- . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* Probes over HTTP, for (list $ component port started ready): the paths that tell when it has started and when it may serve. `null` leaves one out. */}}
{{- define "binnacle.probes" -}}
{{- $own := index (first .).Values (index . 1) -}}
{{- $port := index . 2 -}}
{{- $path := dict "startupProbe" (index . 3) "livenessProbe" "/livez" "readinessProbe" (last .) -}}
{{- range $probe := list "startupProbe" "livenessProbe" "readinessProbe" }}
{{- with index $own $probe }}
{{ $probe }}:
  httpGet:
    path: {{ get $path $probe }}
    port: {{ $port }}
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}
