{{/*
{root, kinds}: the entries of a webhook configuration; a kind is {path, group, version,
resource, operations, labels}.

No caBundle is rendered: the webhook, or cert-manager, writes it. spark.jobNamespaces and spark.jobNamespaceSelector are
alternatives, which one selector cannot say: the second gets entries of its own, for namespaces that are not on the list.
*/}}
{{- define "spark-operator.webhook.entries" -}}
{{- $webhook := .root.Values.webhook -}}
{{- $service := printf "%s-webhook-svc" (include "spark-operator.fullname" .root) -}}
{{- $names := (include "spark-operator.jobNamespaces" .root | fromJson).names -}}
{{- $selectors := list (dict) -}}
{{- $listed := list -}}
{{- if not (include "spark-operator.allNamespaces" .root) -}}
{{- $listed = list (dict "key" "kubernetes.io/metadata.name" "operator" "In" "values" $names) -}}
{{- $selectors = list (dict "suffix" "" "expressions" $listed) -}}
{{- if .root.Values.spark.jobNamespaceSelector -}}
{{- $expressions := (include "spark-operator.namespaceSelectorExpressions" .root | fromJson).matchExpressions -}}
{{- $others := append $expressions (dict "key" "kubernetes.io/metadata.name" "operator" "NotIn" "values" $names) -}}
{{- $selectors = append $selectors (dict "suffix" "-selected" "expressions" $others) -}}
{{- end -}}
{{- else if include "spark-operator.selectedNamespaces" .root -}}
{{- $expressions := (include "spark-operator.namespaceSelectorExpressions" .root | fromJson).matchExpressions -}}
{{- $selectors = list (dict "suffix" "" "expressions" $expressions) -}}
{{- end -}}
{{- $entries := list -}}
{{- range $selector := $selectors -}}
{{- range $kind := $.kinds -}}
{{- $path := $kind.path -}}
{{- $entry := dict "name" (printf "%s%s.sparkoperator.k8s.io" $path ($selector.suffix | default "")) "admissionReviewVersions" (list "v1") "sideEffects" "None" -}}
{{- $_ := set $entry "clientConfig" (dict "service" (dict "name" $service "namespace" $.root.Release.Namespace "port" (int $webhook.port) "path" (print "/" $path))) -}}
{{- with $webhook.failurePolicy }}{{ $_ := set $entry "failurePolicy" . }}{{ end -}}
{{- with $webhook.timeoutSeconds }}{{ $_ := set $entry "timeoutSeconds" (int .) }}{{ end -}}
{{- with $selector.expressions }}{{ $_ := set $entry "namespaceSelector" (dict "matchExpressions" .) }}{{ end -}}
{{- with $kind.labels }}{{ $_ := set $entry "objectSelector" (dict "matchLabels" .) }}{{ end -}}
{{- $_ := set $entry "rules" (list (dict "apiGroups" (list $kind.group) "apiVersions" (list $kind.version) "resources" (list $kind.resource) "operations" $kind.operations)) -}}
{{- $entries = append $entries $entry -}}
{{- end -}}
{{- end -}}
{{- toYaml $entries -}}
{{- end -}}

{{/* The three kinds for a verb, as JSON {"kinds": [...]}. */}}
{{- define "spark-operator.webhook.kinds" -}}
{{- $kinds := list -}}
{{- range list (list "v1beta2" "sparkapplication") (list "v1beta2" "scheduledsparkapplication") (list "v1alpha1" "sparkconnect") -}}
{{- $kinds = append $kinds (dict "path" (printf "%s-sparkoperator-k8s-io-%s-%s" $ (index . 0) (index . 1)) "group" "sparkoperator.k8s.io" "version" (index . 0) "resource" (printf "%ss" (index . 1)) "operations" (list "CREATE" "UPDATE")) -}}
{{- end -}}
{{- dict "kinds" $kinds | toJson -}}
{{- end -}}

{{/* {root, kind, kinds}: the whole object. */}}
{{- define "spark-operator.webhook.configuration" -}}
{{- $component := dict "root" .root "component" "webhook" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: {{ .kind }}
metadata:
  name: {{ include "spark-operator.component.name" $component }}
  labels:
    {{- include "spark-operator.component.labels" $component | nindent 4 }}
  {{- if .root.Values.certManager.enable }}
  annotations:
    cert-manager.io/inject-ca-from: {{ .root.Release.Namespace }}/{{ include "spark-operator.name" .root }}-certificate
  {{- end }}
webhooks:
  {{- include "spark-operator.webhook.entries" . | nindent 2 }}
{{- end -}}
