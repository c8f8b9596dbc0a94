{{/*
Names and labels. Upgrades in place from the Go operator's chart depend on them: a Deployment's selector cannot change,
a lease under another name would let two operators act at once.
*/}}

{{- define "spark-operator.name" -}}
{{- include "spark-operator.text" .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "spark-operator.fullname" -}}
{{- $name := include "spark-operator.text" .Values.nameOverride | default .Chart.Name -}}
{{- if .Values.fullnameOverride -}}
{{- include "spark-operator.text" .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{- define "spark-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "spark-operator.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "spark-operator.labels" -}}
{{- include "spark-operator.labelsAnd" (dict "root" . "more" dict) }}
{{- end -}}

{{/* {root, more}: each label once; those of values win over ours. */}}
{{- define "spark-operator.labelsAnd" -}}
{{- $root := .root -}}
{{- $ours := include "spark-operator.selectorLabels" $root | fromYaml -}}
{{- $_ := set $ours "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") -}}
{{- $_ := set $ours "app.kubernetes.io/version" $root.Chart.AppVersion -}}
{{- $_ := set $ours "app.kubernetes.io/managed-by" $root.Release.Service -}}
{{- toYaml (merge (deepCopy (.more | default dict)) (deepCopy ($root.Values.commonLabels | default dict)) $ours) -}}
{{- end -}}

{{/* A component's: {root, component}, component is controller, webhook, hook or test. */}}
{{- define "spark-operator.component.selectorLabels" -}}
{{ include "spark-operator.selectorLabels" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "spark-operator.component.labels" -}}
{{ include "spark-operator.labels" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* <fullname>-controller, <fullname>-webhook, … */}}
{{- define "spark-operator.component.name" -}}
{{ include "spark-operator.fullname" .root }}-{{ .component }}
{{- end -}}

{{- define "spark-operator.component.serviceAccountName" -}}
{{- $account := (index .root.Values .component).serviceAccount -}}
{{- if $account.create -}}
{{- $account.name | default (include "spark-operator.component.name" .) }}
{{- else -}}
{{- $account.name | default "default" }}
{{- end -}}
{{- end -}}

{{- define "spark-operator.spark.serviceAccountName" -}}
{{- $account := .Values.spark.serviceAccount -}}
{{- if $account.create -}}
{{- $account.name | default (printf "%s-spark" (include "spark-operator.fullname" .)) }}
{{- else -}}
{{- $account.name | default "default" }}
{{- end -}}
{{- end -}}

{{/* {root, image}: [registry/]repository:tag. */}}
{{- define "spark-operator.imageReference" -}}
{{- $tag := include "spark-operator.text" (.image.tag | default .root.Chart.AppVersion) -}}
{{- with .image.registry }}{{ . }}/{{ end }}{{ .image.repository }}:{{ $tag }}
{{- end -}}

{{/* "true" for the tag of one of the Go operator's releases. */}}
{{- define "spark-operator.isGoTag" -}}
{{- if regexMatch "^(v?2\\.[0-5]\\.[0-9]+|v1beta2-)" (include "spark-operator.text" .) }}true{{ end -}}
{{- end -}}

{{/*
"true" if the values name an image of the Go operator, as a values file for its chart may: by its repository, a mirror's too,
or by nothing but the tag of one of its releases.
*/}}
{{- define "spark-operator.namesGoImage" -}}
{{- if regexMatch "(^|/)kubeflow/spark-operator(/controller)?$" .Values.image.repository }}true
{{- else if and (eq .Values.image.repository "spark-operator") (include "spark-operator.isGoTag" .Values.image.tag) }}true
{{- end -}}
{{- end -}}

{{/*
values.image as JSON. Of one of the Go operator only a registry that is not its own is taken: another one is where somebody
has put this operator's image.
*/}}
{{- define "spark-operator.imageValues" -}}
{{- $image := .Values.image -}}
{{- if include "spark-operator.namesGoImage" . -}}
{{- $registry := ternary "" $image.registry (has $image.registry (list "ghcr.io" "docker.io")) -}}
{{- $image = dict "registry" $registry "repository" "spark-operator" "tag" "" -}}
{{- end -}}
{{- pick $image "registry" "repository" "tag" | toJson -}}
{{- end -}}

{{- define "spark-operator.image" -}}
{{ include "spark-operator.imageReference" (dict "root" . "image" (include "spark-operator.imageValues" . | fromJson)) }}
{{- end -}}
