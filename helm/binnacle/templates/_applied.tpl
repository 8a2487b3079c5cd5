{{/*
Value of a spec field that an earlier revision applied to an existing object, which has to be kept: to leave the field out would
remove it. A value that the cluster filled in isn't returned: a rollback to a revision without the field would remove it.
Usage: include "binnacle.appliedField" (dict "object" $service "field" "loadBalancerClass")
*/}}
{{- define "binnacle.appliedField" -}}
{{- $value := "" -}}
{{- range dig "metadata" "managedFields" list .object -}}
{{- if and (eq .operation "Apply") (hasKey (dig "fieldsV1" "f:spec" dict .) (printf "f:%s" $.field)) -}}
{{- $value = get $.object.spec $.field | default "-" -}}
{{- end -}}
{{- end -}}
{{- $value -}}
{{- end -}}
