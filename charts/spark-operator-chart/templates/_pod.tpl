{{/*
What the pods of controller and webhook have in common.
*/}}

{{/* {root, component}: constraints that count this component's pods, whatever else the user's selectors say. */}}
{{- define "spark-operator.topologySpreadConstraints" -}}
{{- $values := index .root.Values .component -}}
{{- if le (int $values.replicas) 1 -}}
{{- fail (printf "%s.topologySpreadConstraints need %s.replicas greater than 1" .component .component) -}}
{{- end -}}
{{- $ours := dict "labelSelector" (dict "matchLabels" (include "spark-operator.component.selectorLabels" . | fromYaml)) -}}
{{- $all := list -}}
{{- range $values.topologySpreadConstraints -}}
{{- $all = append $all (mergeOverwrite (deepCopy .) (deepCopy $ours)) -}}
{{- end -}}
{{- toYaml $all -}}
{{- end -}}

{{/* {root, component}: the fields of a pod that follow from values of the same name. */}}
{{- define "spark-operator.podFields" -}}
{{- $values := index .root.Values .component -}}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.volumes }}
volumes:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
serviceAccountName: {{ include "spark-operator.component.serviceAccountName" . }}
automountServiceAccountToken: {{ $values.serviceAccount.automountServiceAccountToken }}
enableServiceLinks: false
{{- if and (kindIs "bool" $values.hostUsers) (semverCompare ">=1.30-0" .root.Capabilities.KubeVersion.Version) }}
hostUsers: {{ $values.hostUsers }}
{{- end }}
{{- with $values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if $values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- include "spark-operator.topologySpreadConstraints" . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* {root, component}: the fields of its container that follow from values of the same name. */}}
{{- define "spark-operator.containerFields" -}}
{{- $values := index .root.Values .component -}}
{{- with $values.env }}
env:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.envFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.volumeMounts }}
volumeMounts:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
livenessProbe:
  httpGet:
    port: 8081
    scheme: HTTP
    path: /healthz
readinessProbe:
  httpGet:
    port: 8081
    scheme: HTTP
    path: /readyz
{{- with $values.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* {root, component}: a PodDisruptionBudget. */}}
{{- define "spark-operator.podDisruptionBudget" -}}
{{- $values := index .root.Values .component -}}
{{- if le (int $values.replicas) 1 -}}
{{- fail (printf "%s.podDisruptionBudget.enable needs %s.replicas greater than 1" .component .component) -}}
{{- end -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "spark-operator.component.name" . }}-pdb
  labels:
    {{- include "spark-operator.component.labels" . | nindent 4 }}
spec:
  selector:
    matchLabels:
      {{- include "spark-operator.component.selectorLabels" . | nindent 6 }}
  {{- with $values.podDisruptionBudget.minAvailable }}
  minAvailable: {{ include "spark-operator.number" . }}
  {{- end }}
{{- end -}}

{{/* {root, component}: its ServiceAccount. */}}
{{- define "spark-operator.serviceAccount" -}}
{{- $account := (index .root.Values .component).serviceAccount -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "spark-operator.component.serviceAccountName" . }}
  namespace: {{ .root.Release.Namespace | quote }}
  labels:
    {{- include "spark-operator.component.labels" . | nindent 4 }}
  {{- with $account.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: {{ $account.automountServiceAccountToken }}
{{- end -}}

{{/*
{root, component, kind, namespace, rules}: a Role or ClusterRole with its binding to the component's account. No namespace: a
ClusterRole.
*/}}
{{- define "spark-operator.role" -}}
{{- $role := ternary "Role" "ClusterRole" (not (empty .namespace)) -}}
{{- $annotations := (index .root.Values .component).rbac.annotations -}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $role }}
metadata:
  name: {{ include "spark-operator.component.name" . }}
  {{- with .namespace }}
  namespace: {{ . | quote }}
  {{- end }}
  labels:
    {{- include "spark-operator.component.labels" . | nindent 4 }}
  {{- with $annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
rules:
  {{- trim .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $role }}Binding
metadata:
  name: {{ include "spark-operator.component.name" . }}
  {{- with .namespace }}
  namespace: {{ . | quote }}
  {{- end }}
  labels:
    {{- include "spark-operator.component.labels" . | nindent 4 }}
  {{- with $annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
subjects:
  - kind: ServiceAccount
    name: {{ include "spark-operator.component.serviceAccountName" . }}
    namespace: {{ .root.Release.Namespace | quote }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $role }}
  name: {{ include "spark-operator.component.name" . }}
{{- end -}}

{{/* {root, component}: the rules about its lease. Creating cannot be tied to a name. */}}
{{- define "spark-operator.leaseRules" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [{{ include "spark-operator.component.name" . }}-lock]
  verbs: [get, watch, update]
{{- end -}}
