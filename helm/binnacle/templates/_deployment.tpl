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
        {{- with include "binnacle.ownContainers" (append $id "sidecars") }}
        {{- . | nindent 8 }}
        {{- end }}
        {{- with include "binnacle.ownContainers" (append $id "initContainers") }}
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
        {{- include "binnacle.tmpVolume" $ | nindent 8 }}
        {{- include "binnacle.secretsVolume" (concat (list $ "secrets") $read) | nindent 8 }}
        {{- $migrating := and (eq $component "api") $.Values.migrations.enabled | ternary (list "owner_url" "database_application_url") (list "database_url") }}
        {{- include "binnacle.secretsVolume" (concat (list $ "migration-secrets") $migrating) | nindent 8 }}
        {{- range .steps }}{{ if has "seed" . }}
        {{- include "binnacle.secretsVolume" (list $ "seed-secrets" "database_url") | nindent 8 }}
        {{- end }}{{ end }}
        {{- with include "binnacle.extra" (append $id "extraVolumes") }}
        {{- . | nindent 8 }}
        {{- end }}
{{- end -}}

{{/* A process of the service with its settings and secrets, for (list $ component word...). */}}
{{- define "binnacle.container" -}}
{{- $ := index . 0 -}}
{{- $own := index $.Values (index . 1) -}}
{{- $id := slice . 0 2 -}}
{{ include "binnacle.process" (concat (list $) (slice . 2)) }}
env:
  {{- include "binnacle.env" $id | nindent 2 }}
  {{- with include "binnacle.extra" (append $id "extraEnv") }}
  {{- . | nindent 2 }}
  {{- end }}
{{- with include "binnacle.extra" (append $id "extraEnvFrom") }}
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
  {{- with include "binnacle.extra" (append $id "extraVolumeMounts") }}
  {{- . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* What the operator adds to a list, for (list $ component key): for all processes, then for this one. Templates in it are rendered. */}}
{{- define "binnacle.extra" -}}
{{- $ := index . 0 -}}
{{- with concat (index $.Values (index . 2)) (index $.Values (index . 1) (index . 2)) -}}
{{- tpl (toYaml .) $ -}}
{{- end -}}
{{- end -}}

{{/*
The operator's containers, for (list $ component key). Where one says nothing of security, what holds for ours holds for it. A
sidecar starts before everything else, since migrations may need it, and ends last: the process still drains through it.
*/}}
{{- define "binnacle.ownContainers" -}}
{{- $ := index . 0 -}}
{{- $ours := dict "securityContext" $.Values.securityContext -}}
{{- if eq (index . 2) "sidecars" }}{{ $_ := set $ours "restartPolicy" "Always" }}{{ end -}}
{{- $containers := list -}}
{{- range include "binnacle.extra" . | fromYamlArray }}{{ $containers = append $containers (mergeOverwrite (deepCopy $ours) .) }}{{ end -}}
{{- with $containers }}{{ toYaml . }}{{ end -}}
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
