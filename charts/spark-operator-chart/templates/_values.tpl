{{/*
What values mean, where more than one template asks.
*/}}

{{/*
Every template begins with it: sections that values lack altogether get their defaults. Those of a release of another chart do, which
`helm upgrade --reuse-values` brings along, defaults of that chart included and ours not. What a section that is there lacks
stays so, as null takes a value away.
*/}}
{{- define "spark-operator.init" -}}
{{- include "spark-operator.fill" (dict "into" .Values "from" (include "spark-operator.defaults" . | fromJson) "all" false) -}}
{{- end -}}

{{/* {into, from, all}: from as in _defaults.tpl; all: values as well, not only sections. */}}
{{- define "spark-operator.fill" -}}
{{- range $name, $default := .from -}}
{{- if kindIs "map" $default -}}
{{- $missing := not (kindIs "map" (index $.into $name)) -}}
{{- if $missing }}{{ $_ := set $.into $name (dict) }}{{ end -}}
{{- include "spark-operator.fill" (dict "into" (index $.into $name) "from" $default "all" $missing) -}}
{{- else if $.all -}}
{{- $_ := set $.into $name (first $default) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
A number as its digits. Helm reads the integers of a values file as floating point numbers and prints those of a million
and more as 1e+06, which is no integer to whoever parses a flag.
*/}}
{{- define "spark-operator.number" -}}
{{- $value := . -}}
{{- if and (kindIs "string" $value) (regexMatch "^[0-9.]+[eE][+]?[0-9]+$" $value) -}}
{{- $value = float64 $value -}}
{{- end -}}
{{- if and (kindIs "float64" $value) (eq (floor $value) $value) -}}
{{- printf "%.0f" $value -}}
{{- else -}}
{{- $value -}}
{{- end -}}
{{- end -}}

{{/* A value as text: a number as its digits, nothing for null. A text stays what it is, 12e4567 too. */}}
{{- define "spark-operator.text" -}}
{{- if kindIs "string" . -}}
{{- . -}}
{{- else if not (kindIs "invalid" .) -}}
{{- include "spark-operator.number" . -}}
{{- end -}}
{{- end -}}

{{/* The job namespaces as JSON {"names": [...], "listed": [...]}, each once; in names without "". */}}
{{- define "spark-operator.jobNamespaces" -}}
{{- $listed := list -}}
{{- range .Values.spark.jobNamespaces | default list -}}
{{- if not (kindIs "invalid" .) }}{{ $listed = append $listed (include "spark-operator.text" .) }}{{ end -}}
{{- end -}}
{{- dict "names" (without (uniq $listed) "") "listed" (uniq $listed) | toJson -}}
{{- end -}}

{{/* "true" if no list narrows down what the operator manages: there is none, or "" is among its names. */}}
{{- define "spark-operator.allNamespaces" -}}
{{- $list := (include "spark-operator.jobNamespaces" . | fromJson).listed -}}
{{- if or (not $list) (has "" $list) }}true{{ end -}}
{{- end -}}

{{/* "true" if a selector alone says what it manages. */}}
{{- define "spark-operator.selectedNamespaces" -}}
{{- if and .Values.spark.jobNamespaceSelector (not (include "spark-operator.jobNamespaces" . | fromJson).listed) }}true{{ end -}}
{{- end -}}

{{/* "true" if the rules about applications belong into a ClusterRole. */}}
{{- define "spark-operator.clusterWide" -}}
{{- if or (include "spark-operator.allNamespaces" .) .Values.spark.jobNamespaceSelector }}true{{ end -}}
{{- end -}}

{{/* --namespaces=…, or nothing where the list is empty. The quotes in --namespaces="" are part of the argument. */}}
{{- define "spark-operator.namespacesArgument" -}}
{{- $list := (include "spark-operator.jobNamespaces" . | fromJson).listed -}}
{{- if has "" $list -}}
--namespaces=""
{{- else if $list -}}
--namespaces={{ $list | join "," }}
{{- end -}}
{{- end -}}

{{/* Whether a feature gate is on: {root, gate}. */}}
{{- define "spark-operator.gate" -}}
{{- $gate := .gate -}}
{{- range .root.Values.controller.featureGates -}}
{{- if and (eq .name $gate) .enabled }}true{{ end -}}
{{- end -}}
{{- end -}}

{{/*
spark.jobNamespaceSelector as JSON {"matchExpressions": [...]}: a webhook configuration takes no selector in its written
form.
*/}}
{{- define "spark-operator.namespaceSelectorExpressions" -}}
{{- $expressions := list -}}
{{- range regexFindAll "[^,(]+(\\([^)]*\\))?" .Values.spark.jobNamespaceSelector -1 -}}
{{- $term := trim . -}}
{{- if regexMatch "^\\S+\\s+(in|notin)\\s*\\(.*\\)$" $term -}}
{{- $values := list -}}
{{- range splitList "," (regexReplaceAll "^[^(]*\\((.*)\\)$" $term "${1}") -}}{{- $values = append $values (trim .) -}}{{- end -}}
{{- $operator := ternary "NotIn" "In" (regexMatch "^\\S+\\s+notin" $term) -}}
{{- $expressions = append $expressions (dict "key" (regexFind "^\\S+" $term) "operator" $operator "values" $values) -}}
{{- else if regexMatch "^[^=!<>\\s]+\\s*!=" $term -}}
{{- $pair := regexSplit "\\s*!=\\s*" $term 2 -}}
{{- $expressions = append $expressions (dict "key" (index $pair 0) "operator" "NotIn" "values" (list (index $pair 1))) -}}
{{- else if regexMatch "^[^=!<>\\s]+\\s*==?" $term -}}
{{- $pair := regexSplit "\\s*==?\\s*" $term 2 -}}
{{- $expressions = append $expressions (dict "key" (index $pair 0) "operator" "In" "values" (list (index $pair 1))) -}}
{{- else if regexMatch "^!\\s*[^=!<>\\s]+$" $term -}}
{{- $expressions = append $expressions (dict "key" (trimPrefix "!" $term | trim) "operator" "DoesNotExist") -}}
{{- else if regexMatch "^[^=!<>\\s]+$" $term -}}
{{- $expressions = append $expressions (dict "key" $term "operator" "Exists") -}}
{{- else -}}
{{- fail (printf "spark.jobNamespaceSelector: %q is no requirement that a webhook configuration knows: key=value, key!=value, key in (a,b), key notin (a,b), key, !key" $term) -}}
{{- end -}}
{{- end -}}
{{- dict "matchExpressions" $expressions | toJson -}}
{{- end -}}

{{/* Values that contradict each other; every component's first template asks. */}}
{{- define "spark-operator.check" -}}
{{- $service := printf "%s-webhook-svc" (include "spark-operator.fullname" .) -}}
{{- if and .Values.webhook.enable (gt (len $service) 63) -}}
{{- fail (printf "the webhook's Service would be called %s: %d characters, and 63 is the most; set fullnameOverride" $service (len $service)) -}}
{{- end -}}
{{- if not .Values.clusterResources.create -}}
{{- if include "spark-operator.clusterWide" . -}}
{{- fail "clusterResources.create=false: spark.jobNamespaces must name the namespaces, without \"\" and without spark.jobNamespaceSelector" -}}
{{- end -}}
{{- if and .Values.webhook.enable (not .Values.certManager.enable) -}}
{{- fail "clusterResources.create=false: nobody may then write the webhook's certificate authority into the webhook configurations; set webhook.enable=false, or certManager.enable=true and create the two configurations yourself" -}}
{{- end -}}
{{- if .Values.hook.upgradeCrd -}}
{{- fail "clusterResources.create=false: hook.upgradeCrd would need a ClusterRole" -}}
{{- end -}}
{{- end -}}
{{- end -}}
