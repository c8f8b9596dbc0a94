{{/*
The webhook's arguments as YAML, those of the Go operator's chart first, in its order.

With spark.jobNamespaceSelector the configurations alone say whose objects come here: the webhook itself knows namespaces
by name only, so it gets no list.
*/}}
{{- define "spark-operator.webhook.arguments" -}}
{{- $webhook := .Values.webhook -}}
{{- $fullname := include "spark-operator.fullname" . -}}
{{- $args := list "webhook" "start" -}}
{{- with $webhook.logLevel }}{{ $args = append $args (printf "--zap-log-level=%s" (include "spark-operator.text" .)) }}{{ end -}}
{{- with $webhook.logEncoder }}{{ $args = append $args (printf "--zap-encoder=%s" (include "spark-operator.text" .)) }}{{ end -}}
{{- if not .Values.spark.jobNamespaceSelector -}}
{{- with include "spark-operator.namespacesArgument" . }}{{ $args = append $args . }}{{ end -}}
{{- end -}}
{{- $args = concat $args (list (printf "--webhook-secret-name=%s-webhook-certs" $fullname) (printf "--webhook-secret-namespace=%s" .Release.Namespace) (printf "--webhook-svc-name=%s-webhook-svc" $fullname) (printf "--webhook-svc-namespace=%s" .Release.Namespace) (printf "--webhook-port=%s" (include "spark-operator.number" $webhook.port)) (printf "--mutating-webhook-name=%s-webhook" $fullname) (printf "--validating-webhook-name=%s-webhook" $fullname)) -}}
{{- if $webhook.resourceQuotaEnforcement.enable }}{{ $args = append $args "--enable-resource-quota-enforcement=true" }}{{ end -}}
{{- if .Values.certManager.enable }}{{ $args = append $args "--enable-cert-manager=true" }}{{ end -}}
{{- with .Values.prometheus.metrics -}}
{{- if .enable -}}
{{- $args = concat $args (list "--enable-metrics=true" (printf "--metrics-bind-address=:%s" (include "spark-operator.number" .port)) (printf "--metrics-endpoint=%s" (include "spark-operator.text" .endpoint)) (printf "--metrics-prefix=%s" (include "spark-operator.text" .prefix)) "--metrics-labels=app_type") -}}
{{- end -}}
{{- end -}}
{{- with $webhook.kubeAPIQPS }}{{ $args = append $args (printf "--kube-api-qps=%s" (include "spark-operator.number" .)) }}{{ end -}}
{{- with $webhook.kubeAPIBurst }}{{ $args = append $args (printf "--kube-api-burst=%s" (include "spark-operator.number" .)) }}{{ end -}}
{{- if $webhook.leaderElection.enable -}}
{{- $args = concat $args (list "--leader-election=true" (printf "--leader-election-lock-name=%s-webhook-lock" $fullname) (printf "--leader-election-lock-namespace=%s" .Release.Namespace)) -}}
{{- else -}}
{{- $args = append $args "--leader-election=false" -}}
{{- end -}}
{{- if .Values.spark.enableServiceLinks }}{{ $args = append $args "--enable-service-links=true" }}{{ end -}}
{{- with $webhook.threads }}{{ $args = append $args (printf "--webhook-threads=%s" (include "spark-operator.number" .)) }}{{ end -}}
{{- $args = concat $args ($webhook.extraArgs | default list) -}}
{{- toYaml $args -}}
{{- end -}}
