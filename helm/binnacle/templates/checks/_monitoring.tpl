{{/* Values that the Prometheus Operator would ignore or apply twice. */}}
{{- define "binnacle.checks.monitoring" -}}
{{- if .Values.monitoring.enabled -}}
{{- range $monitor, $own := pick .Values.monitoring "podMonitor" "serviceMonitor" -}}
{{- if and $own.enabled $own.interval $own.scrapeTimeout (gt (include "binnacle.milliseconds" $own.scrapeTimeout | int64) (include "binnacle.milliseconds" $own.interval | int64)) -}}
{{- fail (printf "monitoring.%s.scrapeTimeout (%s) must not be above monitoring.%s.interval (%s), or the Prometheus Operator ignores the monitor" $monitor $own.scrapeTimeout $monitor $own.interval) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.monitoring.podMonitor.enabled .Values.monitoring.serviceMonitor.enabled -}}
{{- fail "monitoring.podMonitor.enabled and monitoring.serviceMonitor.enabled exclude each other, or each pod is scraped twice: set one of them to false" -}}
{{- end -}}
{{- if and .Values.monitoring.rules.enabled (not (.Files.Get "files/rules.yaml")) -}}
{{- fail "monitoring.rules.enabled needs files/rules.yaml, which this copy of the chart lacks: run `make generate`, or set it to false" -}}
{{- end -}}
{{- if and .Values.monitoring.dashboards.enabled (not (.Files.Glob "files/dashboards/*.json")) -}}
{{- fail "monitoring.dashboards.enabled needs files/dashboards/*.json, which this copy of the chart lacks: run `make generate`, or set it to false" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Duration of Prometheus, such as 1m30s, in milliseconds. */}}
{{- define "binnacle.milliseconds" -}}
{{- $units := dict "ms" 1 "s" 1000 "m" 60000 "h" 3600000 "d" 86400000 "w" 604800000 "y" 31536000000 -}}
{{- $sum := 0 -}}
{{- range regexFindAll "[0-9]+[a-z]+" . -1 }}{{ $sum = mul (regexFind "[0-9]+" .) (get $units (regexFind "[a-z]+" .)) | add $sum }}{{ end -}}
{{- $sum -}}
{{- end -}}
