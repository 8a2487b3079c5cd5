{{/* Peers without which a policy would silently drop traffic. */}}
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
{{- fail (printf "%s missing, and the policies would silently be wrong: name each as a list such as [{cidr: 10.0.0.0/8}] or [{namespace: stores}], or set networkPolicy.enabled to false" (join ", " $missing)) -}}
{{- end -}}
{{- range .Values.networkPolicy.prometheus -}}
{{- if and (eq $.Values.environment "production") (eq (toString .namespace) "*") -}}
{{- fail "networkPolicy.prometheus must name the namespace of Prometheus when environment is production, since * admits pods with that label in any namespace: set it to a list such as [{namespace: monitoring, pods: {app.kubernetes.io/name: prometheus}}], or to [] for none" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
