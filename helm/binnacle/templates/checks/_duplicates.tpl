{{/* Helm 4 refuses an object with one key twice, but only after it changed others: such lists are refused before. */}}
{{- define "binnacle.checks.lists" -}}
{{- range $component := list "api" "worker" "reconciler" -}}
{{- $deployment := include (printf "%s/%s/deployment.yaml" $.Template.BasePath $component) $ | fromYaml -}}
{{- $pod := dig "spec" "template" "spec" dict $deployment -}}
{{- $process := dig "containers" list $pod | first | default dict -}}
{{- $containers := concat (dig "initContainers" list $pod) (dig "containers" list $pod) -}}
{{- $rendered := dict "extraEnv" $process.env "extraVolumes" $pod.volumes "extraVolumeMounts" $process.volumeMounts "initContainers" $containers "sidecars" $containers -}}
{{- range $list := list "extraEnv" "extraEnvFrom" "extraVolumes" "extraVolumeMounts" "initContainers" "sidecars" -}}
{{- $keys := list -}}
{{- range get $rendered $list | default list }}{{ $keys = append $keys (include "binnacle.entryKey" (dict "list" $list "entry" .)) }}{{ end -}}
{{- $own := printf "%s.%s" $component $list -}}
{{- $given := dict $list (index $.Values $list) $own (index $.Values $component $list) -}}
{{- range $path := list $list $own -}}
{{- include "binnacle.checks.list" (dict "root" $ "component" $component "list" $list "path" $path "entries" (get $given $path) "keys" $keys) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* One list of the values: "path" is its name there, "entries" what it holds, and "keys" those of the rendered list. */}}
{{- define "binnacle.checks.list" -}}
{{- $seen := list -}}
{{- range include "binnacle.rendered" (dict "root" .root "value" .entries) | fromJsonArray -}}
{{- $key := include "binnacle.entryKey" (dict "list" $.list "entry" .) -}}
{{- if has $key $seen -}}
{{- fail (printf "%s has two entries %s: leave one of them out" $.path $key) -}}
{{- end -}}
{{- $seen = append $seen $key -}}
{{- if gt (sub (len $.keys) (without $.keys $key | len) | int) 1 -}}
{{- fail (printf "%s has an entry %s, which the pods of %s have already: set the value of the chart that makes it, or give yours another name" $.path $key $.component) -}}
{{- end -}}
{{- end -}}
{{- end -}}
