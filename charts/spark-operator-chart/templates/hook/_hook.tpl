{{/*
The definitions are brought up to date by the operator's own binary, which carries them. A values file of the Go
operator's chart may name that chart's kubectl image, or just the tag of one of its releases: it holds other definitions, so only
its registry is taken, and that only where it is not the Go operator's own.
*/}}
{{- define "spark-operator.hook.image" -}}
{{- $hook := .Values.hook.image -}}
{{- $image := include "spark-operator.imageValues" . | fromJson -}}
{{- if and $hook.repository (ne (base $hook.repository) "kubectl") -}}
{{- $image = dict "registry" ($hook.registry | default $image.registry) "repository" $hook.repository "tag" ($hook.tag | default $image.tag) -}}
{{- else -}}
{{- $registry := ternary "" $hook.registry (and (not (empty $hook.repository)) (eq $hook.registry "ghcr.io")) -}}
{{- $tag := ternary "" $hook.tag (or (not (empty $hook.repository)) (eq (include "spark-operator.isGoTag" $hook.tag) "true")) -}}
{{- $image = dict "registry" ($registry | default $image.registry) "repository" $image.repository "tag" ($tag | default $image.tag) -}}
{{- end -}}
{{ include "spark-operator.imageReference" (dict "root" . "image" $image) }}
{{- end -}}

{{/* {root, weight, policy}: the annotations of one of its objects. */}}
{{- define "spark-operator.hook.annotations" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: {{ .weight | quote }}
helm.sh/hook-delete-policy: {{ .policy }}
{{- end -}}
