{{/*
The controller's arguments as YAML. Those that the Go operator's chart renders come first, in its order; ours follow.
*/}}
{{- define "spark-operator.controller.arguments" -}}
{{- $controller := .Values.controller -}}
{{- $fullname := include "spark-operator.fullname" . -}}
{{- $args := list "controller" "start" -}}
{{- with $controller.logLevel }}{{ $args = append $args (printf "--zap-log-level=%s" (include "spark-operator.text" .)) }}{{ end -}}
{{- with $controller.logEncoder }}{{ $args = append $args (printf "--zap-encoder=%s" (include "spark-operator.text" .)) }}{{ end -}}
{{- with include "spark-operator.namespacesArgument" . }}{{ $args = append $args . }}{{ end -}}
{{- with .Values.spark.jobNamespaceSelector }}{{ $args = append $args (printf "--namespace-selector=%s" (include "spark-operator.text" .)) }}{{ end -}}
{{- $args = append $args (printf "--controller-threads=%s" (include "spark-operator.number" $controller.workers)) -}}
{{- $args = append $args (printf "--enable-ui-service=%v" ($controller.uiService.enable | default false)) -}}
{{- with $controller.uiIngress -}}
{{- if .enable -}}
{{- with .urlFormat }}{{ $args = append $args (printf "--ingress-url-format=%s" (include "spark-operator.text" .)) }}{{ end -}}
{{- with .ingressClassName }}{{ $args = append $args (printf "--ingress-class-name=%s" (include "spark-operator.text" .)) }}{{ end -}}
{{- with .tls }}{{ $args = append $args (printf "--ingress-tls=%s" (toJson .)) }}{{ end -}}
{{- with .annotations }}{{ $args = append $args (printf "--ingress-annotations=%s" (toJson .)) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- with $controller.batchScheduler -}}
{{- if .enable -}}
{{- $args = append $args "--enable-batch-scheduler=true" -}}
{{- with .kubeSchedulerNames }}{{ $args = append $args (printf "--kube-scheduler-names=%s" (join "," .)) }}{{ end -}}
{{- with .default }}{{ $args = append $args (printf "--default-batch-scheduler=%s" (include "spark-operator.text" .)) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- with .Values.prometheus.metrics -}}
{{- if .enable -}}
{{- $args = concat $args (list "--enable-metrics=true" (printf "--metrics-bind-address=:%s" (include "spark-operator.number" .port)) (printf "--metrics-endpoint=%s" (include "spark-operator.text" .endpoint)) (printf "--metrics-prefix=%s" (include "spark-operator.text" .prefix)) (printf "--metrics-labels=%s" (include "spark-operator.text" (.labels | default "app_type")))) -}}
{{- with .jobSubmitLatencyBuckets }}{{ $args = append $args (printf "--metrics-job-submit-latency-buckets=%s" (include "spark-operator.text" .)) }}{{ end -}}
{{- with .jobStartLatencyBuckets }}{{ $args = append $args (printf "--metrics-job-start-latency-buckets=%s" (include "spark-operator.text" .)) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- with $controller.leaderElection -}}
{{- if .enable -}}
{{- $args = concat $args (list "--leader-election=true" (printf "--leader-election-lock-name=%s-controller-lock" $fullname) (printf "--leader-election-lock-namespace=%s" $.Release.Namespace)) -}}
{{- with .leaseDuration }}{{ $args = append $args (printf "--leader-election-lease-duration=%s" (include "spark-operator.text" .)) }}{{ end -}}
{{- with .renewDeadline }}{{ $args = append $args (printf "--leader-election-renew-deadline=%s" (include "spark-operator.text" .)) }}{{ end -}}
{{- with .retryPeriod }}{{ $args = append $args (printf "--leader-election-retry-period=%s" (include "spark-operator.text" .)) }}{{ end -}}
{{- else -}}
{{- $args = append $args "--leader-election=false" -}}
{{- end -}}
{{- end -}}
{{- with $controller.pprof -}}
{{- if .enable }}{{ $args = append $args (printf "--pprof-bind-address=:%s" (include "spark-operator.number" .port)) }}{{ end -}}
{{- end -}}
{{- with $controller.workqueueRateLimiter -}}
{{- $args = append $args (printf "--workqueue-ratelimiter-bucket-qps=%s" (include "spark-operator.number" .bucketQPS)) -}}
{{- $args = append $args (printf "--workqueue-ratelimiter-bucket-size=%s" (include "spark-operator.number" .bucketSize)) -}}
{{- if .maxDelay.enable }}{{ $args = append $args (printf "--workqueue-ratelimiter-max-delay=%s" (include "spark-operator.text" .maxDelay.duration)) }}{{ end -}}
{{- end -}}
{{- with $controller.driverPodCreationGracePeriod }}{{ $args = append $args (printf "--driver-pod-creation-grace-period=%s" (include "spark-operator.text" .)) }}{{ end -}}
{{- with $controller.maxTrackedExecutorPerApp }}{{ $args = append $args (printf "--max-tracked-executor-per-app=%s" (include "spark-operator.number" .)) }}{{ end -}}
{{- if and (include "spark-operator.gate" (dict "root" . "gate" "DefaultTimeToLive")) (ge (float64 $controller.defaultTimeToLiveSeconds) 0.0) -}}
{{- $args = append $args (printf "--default-time-to-live-seconds=%s" (include "spark-operator.number" $controller.defaultTimeToLiveSeconds)) -}}
{{- end -}}
{{- if $controller.driverPodDisruptionBudget.enable }}{{ $args = append $args "--enable-driver-pdb=true" }}{{ end -}}
{{- with $controller.kubeAPIQPS }}{{ $args = append $args (printf "--kube-api-qps=%s" (include "spark-operator.number" .)) }}{{ end -}}
{{- with $controller.kubeAPIBurst }}{{ $args = append $args (printf "--kube-api-burst=%s" (include "spark-operator.number" .)) }}{{ end -}}
{{- with $controller.scheduledSparkApplicationTimestampPrecision }}{{ $args = append $args (printf "--scheduled-spark-application-timestamp-precision=%s" (include "spark-operator.text" .)) }}{{ end -}}
{{- with $controller.featureGates -}}
{{- $gates := list -}}
{{- range . }}{{ $gates = append $gates (printf "%s=%v" .name .enabled) }}{{ end -}}
{{- $args = append $args (printf "--feature-gates=%s" (join "," $gates)) -}}
{{- end -}}
{{- if include "spark-operator.gate" (dict "root" . "gate" "RestSubmitter") -}}
{{- with .Values.submitter -}}
{{- $args = concat $args (list (printf "--submitter-service-url=%s" (include "spark-operator.text" .serviceUrl)) (printf "--submitter-request-timeout=%s" (include "spark-operator.text" .requestTimeout)) (printf "--submitter-startup-timeout=%s" (include "spark-operator.text" .startupTimeout)) (printf "--submitter-max-retries=%s" (include "spark-operator.number" .maxRetries)) (printf "--submitter-initial-backoff=%s" (include "spark-operator.text" .initialBackoff))) -}}
{{- end -}}
{{- end -}}
{{- if .Values.webhook.enable }}{{ $args = append $args "--webhook-enabled=true" }}{{ end -}}
{{- if .Values.spark.enableServiceLinks }}{{ $args = append $args "--enable-service-links=true" }}{{ end -}}
{{- with $controller.submitter }}{{ $args = append $args (printf "--submitter=%s" (include "spark-operator.text" .)) }}{{ end -}}
{{- with $controller.sparkSubmit -}}
{{- with .path }}{{ $args = append $args (printf "--spark-submit-path=%s" (include "spark-operator.text" .)) }}{{ end -}}
{{- with .timeout }}{{ $args = append $args (printf "--spark-submit-timeout=%s" (include "spark-operator.text" .)) }}{{ end -}}
{{- with .concurrency }}{{ $args = append $args (printf "--spark-submit-concurrency=%s" (include "spark-operator.number" .)) }}{{ end -}}
{{- end -}}
{{- $args = concat $args ($controller.extraArgs | default list) -}}
{{- toYaml $args -}}
{{- end -}}
