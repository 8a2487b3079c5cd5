{{/* Values that a Service, an Ingress or a route can't have together. */}}
{{- define "binnacle.checks.edge" -}}
{{- $service := .Values.api.service -}}
{{- $balanced := dict "loadBalancerClass" $service.loadBalancerClass "loadBalancerSourceRanges" $service.loadBalancerSourceRanges -}}
{{- range $key, $value := $balanced -}}
{{- if and $value (ne $service.type "LoadBalancer") -}}
{{- fail (printf "api.service.%s has no effect on a Service of type %s: set api.service.type to LoadBalancer, or leave it out" $key $service.type) -}}
{{- end -}}
{{- end -}}
{{- range $key, $value := dict "externalTrafficPolicy" $service.externalTrafficPolicy "nodePort" $service.nodePort -}}
{{- if and $value (eq $service.type "ClusterIP") -}}
{{- fail (printf "api.service.%s is refused on a Service of type ClusterIP: set api.service.type to NodePort or LoadBalancer, or leave it out" $key) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) -}}
{{- fail "ingress.hosts is missing: name the hosts under which clients reach the API, since it rejects all others" -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.hostnames) -}}
{{- fail "httpRoute.hostnames is missing: name the hosts under which clients reach the API, since it rejects all others" -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) -}}
{{- fail "httpRoute.parentRefs is missing: name the Gateway of the route, such as [{name: gateway, namespace: infra}]" -}}
{{- end -}}
{{- range .Values.httpRoute.filters -}}
{{- if and $.Values.httpRoute.enabled (eq (toString .type) "RequestRedirect") -}}
{{- fail "httpRoute.filters can't hold a RequestRedirect, since a rule that redirects leads to no backend: add a separate HTTPRoute to extraObjects (docs/load-balancers.md has one)" -}}
{{- end -}}
{{- end -}}
{{- if and .Values.httpRoute.requestTimeout (not .Values.httpRoute.timeouts) -}}
{{- fail "httpRoute.requestTimeout and httpRoute.timeouts=false exclude each other: leave it out, and set the timeout in the gateway's own configuration (docs/load-balancers.md)" -}}
{{- end -}}
{{- if and (eq .Values.environment "production") (or .Values.ingress.enabled .Values.httpRoute.enabled) (not .Values.api.trustedProxies) -}}
{{- fail "api.trustedProxies is missing: name the networks of the ingress controller's or gateway's pods, or all clients share one rate limit" -}}
{{- end -}}
{{- end -}}
