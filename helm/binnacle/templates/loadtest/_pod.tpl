{{- define "binnacle.loadtest.host" -}}
http://{{ include "binnacle.fullname" . }}-api:{{ .Values.api.service.port }}
{{- end -}}

{{/* A container of the load test's image. */}}
{{- define "binnacle.loadtest.container" -}}
image: {{ include "binnacle.image" (list . .Values.loadTest.image) | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{ include "binnacle.containerSecurity" . }}
resources:
  {{- toYaml .Values.loadTest.resources | nindent 2 }}
volumeMounts:
  - name: tmp
    mountPath: /tmp
{{- end -}}

{{/* Template of the load test's pod: it waits until a replica of the API is ready, and loads once. */}}
{{- define "binnacle.loadtest.pod" -}}
{{- $load := .Values.loadTest -}}
metadata:
  {{- include "binnacle.podMetadata" (list . "loadtest" dict) | nindent 2 }}
spec:
  {{- include "binnacle.podSpec" (list . "loadtest") | nindent 2 }}
  restartPolicy: Never
  initContainers:
    - name: wait
      {{- include "binnacle.loadtest.container" . | nindent 6 }}
      command:
        - python
        - -c
        - |
          import sys, time, urllib.request
          while True:
              try:
                  urllib.request.urlopen(sys.argv[1], timeout=2)
                  break
              except OSError as error:
                  print(f"{sys.argv[1]}: {error}", flush=True)
                  time.sleep(2)
      args:
        - {{ include "binnacle.loadtest.host" . }}/readyz
  containers:
    - name: loadtest
      {{- include "binnacle.loadtest.container" . | nindent 6 }}
      args:
        - --host={{ include "binnacle.loadtest.host" . }}
        - --rate={{ $load.rate }}
        - --order-rate={{ $load.orderRate }}
        - --run-time={{ int $load.seconds }}
        - --order-timeout={{ int $load.orderTimeoutSeconds }}
        - --fresh-share={{ $load.freshShare }}
        - --clients={{ int $load.clients }}
        - --json=-
  volumes:
    {{- include "binnacle.tmpVolume" . | nindent 4 }}
{{- end -}}
