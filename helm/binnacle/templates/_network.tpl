{{/* Head of the policy of (list $ component): it closes both directions, and what the file lists below it opens them again. */}}
{{- define "binnacle.network.policy" -}}
{{- $ := index . 0 -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "binnacle.metadata" (append . (printf "-%s" (index . 1))) | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "binnacle.selectorLabels" . | nindent 6 }}
  policyTypes:
    - Ingress
    - Egress
{{- end -}}

{{/* Pods of this release, as one peer, for (list $ component...). */}}
{{- define "binnacle.network.own" -}}
- podSelector:
    matchLabels:
      app.kubernetes.io/name: {{ include "binnacle.name" (index . 0) | quote }}
      app.kubernetes.io/instance: {{ (index . 0).Release.Name | quote }}
    matchExpressions:
      - key: app.kubernetes.io/component
        operator: In
        values:
          {{- toYaml (rest .) | nindent 10 }}
{{- end -}}

{{/* Peers from the plain form of the values: `cidr`, or `namespace` (`*` is any) and `pods`. */}}
{{- define "binnacle.network.peers" -}}
{{- range . }}
{{- if .cidr }}
- ipBlock:
    {{- pick . "cidr" "except" | toYaml | nindent 4 }}
{{- else }}
- podSelector:
    {{- .pods | empty | ternary dict (dict "matchLabels" .pods) | toYaml | nindent 4 }}
  {{- with .namespace }}
  namespaceSelector:
    {{- eq . "*" | ternary dict (dict "matchLabels" (dict "kubernetes.io/metadata.name" .)) | toYaml | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{/* One rule, for (list direction peers ports protocols): `from` or `to`, peers as text, anybody when that is empty. */}}
{{- define "binnacle.network.rule" -}}
- ports:
    {{- range $port := index . 2 }}
    {{- range index $ 3 }}
    - protocol: {{ . }}
      port: {{ int $port }}
    {{- end }}
    {{- end }}
  {{- with index . 1 | trim }}
  {{ index $ 0 }}:
    {{- . | nindent 4 }}
  {{- end }}
{{ end -}}

{{/* Lets Prometheus read the metrics. */}}
{{- define "binnacle.network.fromPrometheus" -}}
{{- with .Values.networkPolicy.prometheus -}}
{{- include "binnacle.network.rule" (list "from" (include "binnacle.network.peers" .) (list 9000) (list "TCP")) -}}
{{- end -}}
{{- end -}}

{{/* Rules for DNS and the targets in (list $ target...): the bundled one, else what networkPolicy.egress names. */}}
{{- define "binnacle.network.egress" -}}
{{- $ := index . 0 -}}
{{- $bundled := dict -}}
{{- if $.Values.postgresql.enabled }}{{ $_ := set $bundled "database" "postgresql" }}{{ end -}}
{{- if $.Values.valkey.enabled }}{{ $_ := set $bundled "redis" "valkey" }}{{ end -}}
{{- if $.Values.sandbox.enabled }}{{ $_ := set $bundled "provider" "sandbox" }}{{ end -}}
{{- include "binnacle.network.names" $ -}}
{{- range $target := rest . -}}
{{- $port := include "binnacle.network.port" (list $ $target) -}}
{{- with get $bundled $target -}}
{{- include "binnacle.network.rule" (list "to" (include "binnacle.network.own" (list $ .)) (list $port) (list "TCP")) -}}
{{- else -}}
{{- range index $.Values.networkPolicy.egress $target -}}
{{- include "binnacle.network.rule" (list "to" (include "binnacle.network.peers" (list .)) (.ports | default (list $port)) (list "TCP")) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* DNS. Anywhere unless told: the name server is a pod, an address of the node or one of the cloud; OpenShift's pods listen on 5353. */}}
{{- define "binnacle.network.names" -}}
{{- $protocols := list "UDP" "TCP" -}}
{{- range .Values.networkPolicy.egress.dns -}}
{{- include "binnacle.network.rule" (list "to" (include "binnacle.network.peers" (list .)) (.ports | default (list 53 5353)) $protocols) -}}
{{- else -}}
{{- include "binnacle.network.rule" (list "to" "" (list 53 5353) $protocols) -}}
{{- end -}}
{{- end -}}

{{/* Policy of (list $ component), which calls the API and nothing else. */}}
{{- define "binnacle.network.client" -}}
{{- $ := index . 0 -}}
{{- include "binnacle.network.policy" . }}
  ingress: []
  egress:
    {{- include "binnacle.network.names" $ | trim | nindent 4 }}
    {{- include "binnacle.network.rule" (list "to" (include "binnacle.network.own" (list $ "api")) (list 8000) (list "TCP")) | trim | nindent 4 }}
{{- end -}}

{{/* Port of a target where none is named, for (list $ target). */}}
{{- define "binnacle.network.port" -}}
{{- $ := index . 0 -}}
{{- $urls := dict "provider" (include "binnacle.providerUrl" $) "otlp" $.Values.settings.otlpEndpoint "mail" $.Values.settings.mailUrl -}}
{{- $url := urlParse (get $urls (index . 1) | default "") -}}
{{- $known := dict "database" 5432 "redis" 6379 -}}
{{- regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (get $known (index . 1)) | default (get (dict "http" 80 "smtp" 587 "smtps" 465) $url.scheme) | default 443 -}}
{{- end -}}

{{/* What a policy would drop in silence is asked for by name. */}}
{{- define "binnacle.checks.network" -}}
{{- if .Values.networkPolicy.enabled -}}
{{- $egress := .Values.networkPolicy.egress -}}
{{- $missing := list -}}
{{- if not (or .Values.postgresql.enabled $egress.database) }}{{ $missing = append $missing "networkPolicy.egress.database" }}{{ end -}}
{{- if not (or .Values.valkey.enabled $egress.redis) }}{{ $missing = append $missing "networkPolicy.egress.redis" }}{{ end -}}
{{- if not (or .Values.sandbox.enabled $egress.provider) }}{{ $missing = append $missing "networkPolicy.egress.provider" }}{{ end -}}
{{- if and .Values.settings.mailUrl (not $egress.mail) }}{{ $missing = append $missing "networkPolicy.egress.mail" }}{{ end -}}
{{- if and .Values.settings.otlpEndpoint (not $egress.otlp) }}{{ $missing = append $missing "networkPolicy.egress.otlp" }}{{ end -}}
{{- if and .Values.sentry.existingSecret (not $egress.sentry) }}{{ $missing = append $missing "networkPolicy.egress.sentry" }}{{ end -}}
{{- if and .Values.monitoring.enabled (or .Values.monitoring.podMonitor.enabled .Values.monitoring.serviceMonitor.enabled) (not .Values.networkPolicy.prometheus) }}{{ $missing = append $missing "networkPolicy.prometheus" }}{{ end -}}
{{- if and (eq .Values.environment "production") (not .Values.networkPolicy.ingressControllers) }}{{ $missing = append $missing "networkPolicy.ingressControllers" }}{{ end -}}
{{- if $missing -}}
{{- fail (printf "%s missing, and the policies would be wrong in silence: name each as a list such as [{cidr: 10.0.0.0/8}] or [{namespace: stores}], or set networkPolicy.enabled to false" (join ", " $missing)) -}}
{{- end -}}
{{- range .Values.networkPolicy.prometheus -}}
{{- if and (eq $.Values.environment "production") (eq (toString .namespace) "*") -}}
{{- fail "networkPolicy.prometheus must name the namespace of Prometheus when environment is production, since * lets in pods of any namespace that carry the label: set it to a list such as [{namespace: monitoring, pods: {app.kubernetes.io/name: prometheus}}], or to [] for none" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
