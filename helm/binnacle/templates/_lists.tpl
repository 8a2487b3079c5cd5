{{/*
A value as JSON, with the templates in its strings and keys rendered. A string stays a string, whatever it holds.
Usage: include "binnacle.rendered" (dict "root" $ "value" .Values.extraEnv)
*/}}
{{- define "binnacle.rendered" -}}
{{- $root := .root -}}
{{- $parts := list -}}
{{- if kindIs "map" .value -}}
{{- range $key, $each := .value }}{{ $parts = append $parts (printf "%s:%s" (tpl $key $root | toJson) (include "binnacle.rendered" (dict "root" $root "value" $each))) }}{{ end -}}
{ {{- join "," $parts -}} }
{{- else if kindIs "slice" .value -}}
{{- range .value }}{{ $parts = append $parts (include "binnacle.rendered" (dict "root" $root "value" .)) }}{{ end -}}
[ {{- join "," $parts -}} ]
{{- else if and (kindIs "string" .value) (contains "{{" .value) -}}
{{- tpl .value $root | toJson -}}
{{- else -}}
{{- toJson .value -}}
{{- end -}}
{{- end -}}

{{/*
Key by which an entry of a list is merged and must be unique.
Usage: include "binnacle.entryKey" (dict "list" "extraEnv" "entry" $entry)
*/}}
{{- define "binnacle.entryKey" -}}
{{- if eq .list "extraVolumeMounts" -}}
{{- .entry.mountPath -}}
{{- else if eq .list "extraEnvFrom" -}}
{{- range $kind := list "configMapRef" "secretRef" }}{{ with get $.entry $kind }}{{ $kind }} {{ .name }}{{ end }}{{ end }}{{ with .entry.prefix }} with the prefix {{ . }}{{ end -}}
{{- else -}}
{{- .entry.name -}}
{{- end -}}
{{- end -}}

{{/*
Entries of a list for all pods and for one component, as YAML; an entry of the component replaces the one with its key. Entries
that clash with those of the chart are refused by checks/_duplicates.tpl.
Usage: include "binnacle.extra" (dict "root" $ "component" "api" "list" "extraEnv")
*/}}
{{- define "binnacle.extra" -}}
{{- $given := concat (index .root.Values .list) (index .root.Values .component .list) -}}
{{- $order := list -}}
{{- $entries := dict -}}
{{- range include "binnacle.rendered" (dict "root" .root "value" $given) | fromJsonArray -}}
{{- $key := include "binnacle.entryKey" (dict "list" $.list "entry" .) -}}
{{- if not (hasKey $entries $key) }}{{ $order = append $order $key }}{{ end -}}
{{- $_ := set $entries $key . -}}
{{- end -}}
{{- $merged := list -}}
{{- range $order }}{{ $merged = append $merged (get $entries .) }}{{ end -}}
{{- with $merged }}{{ toYaml . }}{{ end -}}
{{- end -}}

{{/*
Sidecars and init containers of the values; one without a security context gets that of the chart's containers. Sidecars come
first and end last: migrations may need them, and the process drains through them.
Usage: include "binnacle.extraContainers" (dict "root" $ "component" "api")
*/}}
{{- define "binnacle.extraContainers" -}}
{{- $security := dict "securityContext" .root.Values.securityContext -}}
{{- $containers := list -}}
{{- range include "binnacle.extra" (dict "root" .root "component" .component "list" "sidecars") | fromYamlArray -}}
{{- $containers = append $containers (mergeOverwrite (deepCopy $security) (dict "restartPolicy" "Always") .) -}}
{{- end -}}
{{- range include "binnacle.extra" (dict "root" .root "component" .component "list" "initContainers") | fromYamlArray -}}
{{- $containers = append $containers (mergeOverwrite (deepCopy $security) .) -}}
{{- end -}}
{{- with $containers }}{{ toYaml . }}{{ end -}}
{{- end -}}
