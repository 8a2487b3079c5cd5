{{/*
Pods of this release as a peer of a policy.
Usage: include "binnacle.network.pods" (dict "root" $ "components" (list "api" "worker"))
*/}}
{{- define "binnacle.network.pods" -}}
- podSelector:
    matchLabels:
      app.kubernetes.io/name: {{ include "binnacle.name" .root | quote }}
      app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
    matchExpressions:
      - key: app.kubernetes.io/component
        operator: In
        values:
          {{- toYaml .components | nindent 10 }}
{{- end -}}

{{/* Peer of a policy from its form in the values: `cidr` and `except`, or `namespace` (`*` is any) and `pods`. */}}
{{- define "binnacle.network.peer" -}}
{{- if .cidr -}}
- ipBlock:
    {{- pick . "cidr" "except" | toYaml | nindent 4 }}
{{- else -}}
- podSelector:
    {{- .pods | empty | ternary dict (dict "matchLabels" .pods) | toYaml | nindent 4 }}
  {{- with .namespace }}
  namespaceSelector:
    {{- eq . "*" | ternary dict (dict "matchLabels" (dict "kubernetes.io/metadata.name" .)) | toYaml | nindent 4 }}
  {{- end }}
{{- end -}}
{{- end -}}

{{/* Ingress rule for Prometheus, which scrapes the admin port. */}}
{{- define "binnacle.network.fromPrometheus" -}}
{{- with .Values.networkPolicy.prometheus -}}
- ports:
    - protocol: TCP
      port: 9000
  from:
    {{- range . }}
    {{- include "binnacle.network.peer" . | nindent 4 }}
    {{- end }}
{{- end -}}
{{- end -}}

{{/*
Egress rules for DNS. By default to any address, since a name server can be a pod, the node or the cloud's; also to the port 5353,
on which the name servers of OpenShift listen.
*/}}
{{- define "binnacle.network.toDNS" -}}
{{- range .Values.networkPolicy.egress.dns | default (list dict) }}
- ports:
    {{- range .ports | default (list 53 5353) }}
    - protocol: UDP
      port: {{ int . }}
    - protocol: TCP
      port: {{ int . }}
    {{- end }}
  {{- with . }}
  to:
    {{- include "binnacle.network.peer" . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end -}}

{{/*
Egress rules for DNS and for dependencies: to the bundled pods, or to the destinations of networkPolicy.egress.
Usage: include "binnacle.network.egress" (dict "root" $ "targets" (list "database" "redis"))
*/}}
{{- define "binnacle.network.egress" -}}
{{- $bundled := dict -}}
{{- if .root.Values.postgresql.enabled }}{{ $_ := set $bundled "database" "postgresql" }}{{ end -}}
{{- if .root.Values.valkey.enabled }}{{ $_ := set $bundled "redis" "valkey" }}{{ end -}}
{{- if .root.Values.sandbox.enabled }}{{ $_ := set $bundled "provider" "sandbox" }}{{ end -}}
{{- include "binnacle.network.toDNS" .root }}
{{- range $target := .targets }}
{{- $port := include "binnacle.network.port" (dict "root" $.root "target" $target) }}
{{- with get $bundled $target }}
- ports:
    - protocol: TCP
      port: {{ $port }}
  to:
    {{- include "binnacle.network.pods" (dict "root" $.root "components" (list .)) | nindent 4 }}
{{- else }}
{{- range index $.root.Values.networkPolicy.egress $target }}
- ports:
    {{- range .ports | default (list $port) }}
    - protocol: TCP
      port: {{ int . }}
    {{- end }}
  to:
    {{- include "binnacle.network.peer" . | nindent 4 }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/*
Default port of a target: that of its URL, else that of its protocol.
Usage: include "binnacle.network.port" (dict "root" $ "target" "database")
*/}}
{{- define "binnacle.network.port" -}}
{{- $settings := .root.Values.settings -}}
{{- $urls := dict "provider" (include "binnacle.providerUrl" .root) "otlp" $settings.otlpEndpoint "mail" $settings.mailUrl -}}
{{- $url := urlParse (get $urls .target | default "") -}}
{{- $ports := dict "database" 5432 "redis" 6379 -}}
{{- $schemes := dict "http" 80 "smtp" 587 "smtps" 465 -}}
{{- regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (get $ports .target) | default (get $schemes $url.scheme) | default 443 -}}
{{- end -}}
