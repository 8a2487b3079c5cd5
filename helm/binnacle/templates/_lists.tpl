{{/* Lists of the operator whose entries have a key: Helm 4 refuses an object with one key twice, after it changed others. */}}

{{/* A value as JSON, for (list $ value), with the templates in its strings and keys rendered. A string stays one, whatever it holds. */}}
{{- define "binnacle.rendered" -}}
{{- $ := index . 0 -}}
{{- $value := index . 1 -}}
{{- $parts := list -}}
{{- if kindIs "map" $value -}}
{{- range $key, $each := $value }}{{ $parts = append $parts (printf "%s:%s" (tpl $key $ | toJson) (include "binnacle.rendered" (list $ $each))) }}{{ end -}}
{ {{- join "," $parts -}} }
{{- else if kindIs "slice" $value -}}
{{- range $value }}{{ $parts = append $parts (include "binnacle.rendered" (list $ .)) }}{{ end -}}
[ {{- join "," $parts -}} ]
{{- else if and (kindIs "string" $value) (contains "{{" $value) -}}
{{- tpl $value $ | toJson -}}
{{- else -}}
{{- toJson $value -}}
{{- end -}}
{{- end -}}

{{/* Key of an entry, for (list key entry): what no two entries of the list may share. */}}
{{- define "binnacle.entryKey" -}}
{{- $entry := index . 1 -}}
{{- if eq (first .) "extraVolumeMounts" -}}
{{- $entry.mountPath -}}
{{- else if eq (first .) "extraEnvFrom" -}}
{{- range $kind := list "configMapRef" "secretRef" }}{{ with get $entry $kind }}{{ $kind }} {{ .name }}{{ end }}{{ end }}{{ with $entry.prefix }} with the prefix {{ . }}{{ end -}}
{{- else -}}
{{- $entry.name -}}
{{- end -}}
{{- end -}}

{{/*
What the operator adds to a list, for (list $ component key taken): for all processes, then for this one, whose entry stands in the
place of one with its key. `taken` are the keys that the pod has already.
*/}}
{{- define "binnacle.extra" -}}
{{- $ := index . 0 -}}
{{- $component := index . 1 -}}
{{- $list := index . 2 -}}
{{- $taken := index . 3 -}}
{{- $own := printf "%s.%s" $component $list -}}
{{- $given := dict $list (index $.Values $list) $own (index $.Values $component $list) -}}
{{- $order := list -}}
{{- $entries := dict -}}
{{- range $path := list $list $own -}}
{{- $seen := list -}}
{{- range include "binnacle.rendered" (list $ (get $given $path)) | fromJsonArray -}}
{{- $key := include "binnacle.entryKey" (list $list .) -}}
{{- if has $key $taken -}}
{{- fail (printf "%s has an entry %s, which the pods of %s have already: set the value of the chart that makes it, or give yours another name" $path $key $component) -}}
{{- end -}}
{{- if has $key $seen -}}
{{- fail (printf "%s has two entries %s: leave one of them out" $path $key) -}}
{{- end -}}
{{- $seen = append $seen $key -}}
{{- if not (hasKey $entries $key) }}{{ $order = append $order $key }}{{ end -}}
{{- $_ := set $entries $key . -}}
{{- end -}}
{{- end -}}
{{- $merged := list -}}
{{- range $order }}{{ $merged = append $merged (get $entries .) }}{{ end -}}
{{- with $merged }}{{ toYaml . }}{{ end -}}
{{- end -}}

{{/* The names in a list as YAML, as a JSON array. */}}
{{- define "binnacle.namesIn" -}}
{{- $names := list -}}
{{- range . | fromYamlArray }}{{ $names = append $names .name }}{{ end -}}
{{- toJson $names -}}
{{- end -}}

{{/*
The operator's containers, for (list $ component key taken). Where one says nothing of security, what holds for ours holds for it. A
sidecar starts before everything else, since migrations may need it, and ends last: the process still drains through it.
*/}}
{{- define "binnacle.ownContainers" -}}
{{- $ := index . 0 -}}
{{- $ours := dict "securityContext" $.Values.securityContext -}}
{{- if eq (index . 2) "sidecars" }}{{ $_ := set $ours "restartPolicy" "Always" }}{{ end -}}
{{- $containers := list -}}
{{- range include "binnacle.extra" . | fromYamlArray }}{{ $containers = append $containers (mergeOverwrite (deepCopy $ours) .) }}{{ end -}}
{{- with $containers }}{{ toYaml . }}{{ end -}}
{{- end -}}

{{/* Secrets for private registries, of the parent chart and of this one: by name, or as Kubernetes has them. */}}
{{- define "binnacle.pullSecrets" -}}
{{- $secrets := list -}}
{{- range concat .Values.global.imagePullSecrets .Values.imagePullSecrets -}}
{{- $secrets = append $secrets (kindIs "string" . | ternary (dict "name" .) .) -}}
{{- end -}}
{{- with uniq $secrets }}{{ toYaml . }}{{ end -}}
{{- end -}}
