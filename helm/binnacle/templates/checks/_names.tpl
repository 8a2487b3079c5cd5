{{/* Names that Kubernetes refuses for a Service. */}}
{{- define "binnacle.checks.names" -}}
{{- $name := include "binnacle.fullname" . -}}
{{- if not (regexMatch "^[a-z][-a-z0-9]*$" $name) -}}
{{- fail (printf "the release name %s makes the name %s, but the name of a Service may contain only lower-case letters, digits and dashes, and must begin with a letter: choose another release name, or set fullnameOverride" .Release.Name $name) -}}
{{- end -}}
{{- end -}}
