{{/*
The head of every pod's spec, for (list $ uid): what the restricted profile of pod security asks for, no token of the
Kubernetes API, and no variables of neighbouring Services. A numeric user, since runAsNonRoot can't be verified for a name.
*/}}
{{- define "binnacle.podSpec" -}}
{{- $ := index . 0 -}}
serviceAccountName: {{ include "binnacle.serviceAccountName" $ }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ index . 1 }}
  runAsGroup: {{ index . 1 }}
  fsGroup: {{ index . 1 }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- with $.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "binnacle.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop:
      - ALL
{{- end -}}

{{/* One process of the service, for (list $ command...). */}}
{{- define "binnacle.process" -}}
{{- $ := index . 0 -}}
image: {{ include "binnacle.image" (list $ $.Values.image) }}
imagePullPolicy: {{ $.Values.image.pullPolicy }}
args:
  {{- toYaml (rest .) | nindent 2 }}
{{ include "binnacle.containerSecurity" $ }}
{{- end -}}

{{- define "binnacle.volumeMounts" -}}
volumeMounts:
  - name: tmp
    mountPath: /tmp
  - name: secrets
    mountPath: /run/secrets/binnacle
    readOnly: true
{{- end -}}

{{/* In memory: gunicorn's heartbeat and the metrics' counters must not wait for the node's disk. */}}
{{- define "binnacle.tmpVolume" -}}
- name: tmp
  emptyDir:
    medium: Memory
    sizeLimit: 64Mi
{{- end -}}

{{/* One secret as a file named after the setting it holds, for (list $ file values): the operator's Secret, else the generated one. */}}
{{- define "binnacle.secretFile" -}}
{{- $source := index . 2 -}}
- secret:
    name: {{ $source.existingSecret | default (include "binnacle.generatedSecret" (index . 0)) }}
    items:
      - key: {{ if $source.existingSecret }}{{ $source.key }}{{ else }}{{ index . 1 }}{{ end }}
        path: {{ index . 1 }}
{{- end -}}

{{- define "binnacle.volumes" -}}
volumes:
  {{- include "binnacle.tmpVolume" . | nindent 2 }}
  - name: secrets
    projected:
      defaultMode: 0440
      sources:
        {{- include "binnacle.secretFile" (list . "secret_key" .Values.secretKey) | nindent 8 }}
        {{- include "binnacle.secretFile" (list . "database_url" .Values.database) | nindent 8 }}
        {{- include "binnacle.secretFile" (list . "redis_url" .Values.redis) | nindent 8 }}
        {{- if .Values.sentry.existingSecret }}
        {{- include "binnacle.secretFile" (list . "sentry_dsn" .Values.sentry) | nindent 8 }}
        {{- end }}
{{- end -}}

{{/* Waits, within its own bound, until the schema is the one that this image needs. For (list $ component). */}}
{{- define "binnacle.waitForSchema" -}}
{{- $ := index . 0 -}}
- name: wait-for-schema
  {{- include "binnacle.process" (list $ "migrate" "--wait") | nindent 2 }}
  env:
    {{- include "binnacle.env" . | nindent 4 }}
  resources:
    {{- toYaml (index $.Values (index . 1)).resources | nindent 4 }}
  {{- include "binnacle.volumeMounts" $ | nindent 2 }}
{{- end -}}

{{/* Probes of a process without a public port: started and alive when its loop turns, ready when what it needs answers. */}}
{{- define "binnacle.adminProbes" -}}
startupProbe:
  httpGet:
    path: /livez
    port: admin
  periodSeconds: 1
  failureThreshold: 60
livenessProbe:
  httpGet:
    path: /livez
    port: admin
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  httpGet:
    path: /readyz
    port: admin
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 2
{{- end -}}
