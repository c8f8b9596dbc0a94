{{/* Made from values.yaml by test/chart/values_file.py --write. */}}
{{- define "spark-operator.defaults" -}}
{
 "nameOverride": [
  ""
 ],
 "fullnameOverride": [
  ""
 ],
 "commonLabels": [
  {}
 ],
 "image": {
  "registry": [
   ""
  ],
  "repository": [
   "spark-operator"
  ],
  "tag": [
   ""
  ],
  "pullPolicy": [
   "IfNotPresent"
  ],
  "pullSecrets": [
   []
  ]
 },
 "clusterResources": {
  "create": [
   true
  ]
 },
 "hook": {
  "upgradeCrd": [
   false
  ],
  "image": {
   "registry": [
    ""
   ],
   "repository": [
    ""
   ],
   "tag": [
    ""
   ]
  },
  "resources": [
   {
    "requests": {
     "cpu": "100m",
     "memory": "64Mi"
    },
    "limits": {
     "cpu": "100m",
     "memory": "64Mi"
    }
   }
  ],
  "nodeSelector": [
   {}
  ],
  "affinity": [
   {}
  ],
  "tolerations": [
   []
  ],
  "labels": [
   {}
  ],
  "annotations": [
   {}
  ]
 },
 "controller": {
  "replicas": [
   1
  ],
  "featureGates": [
   [
    {
     "name": "PartialRestart",
     "enabled": false
    },
    {
     "name": "LoadSparkDefaults",
     "enabled": false
    },
    {
     "name": "RestSubmitter",
     "enabled": false
    },
    {
     "name": "DefaultTimeToLive",
     "enabled": false
    }
   ]
  ],
  "revisionHistoryLimit": [
   10
  ],
  "leaderElection": {
   "enable": [
    true
   ],
   "leaseDuration": [
    "15s"
   ],
   "renewDeadline": [
    "10s"
   ],
   "retryPeriod": [
    "2s"
   ]
  },
  "workers": [
   10
  ],
  "submitter": [
   ""
  ],
  "sparkSubmit": {
   "path": [
    ""
   ],
   "timeout": [
    ""
   ],
   "concurrency": [
    0
   ]
  },
  "logLevel": [
   "info"
  ],
  "logEncoder": [
   "console"
  ],
  "driverPodCreationGracePeriod": [
   "10s"
  ],
  "maxTrackedExecutorPerApp": [
   1000
  ],
  "defaultTimeToLiveSeconds": [
   0
  ],
  "driverPodDisruptionBudget": {
   "enable": [
    false
   ]
  },
  "kubeAPIQPS": [
   0
  ],
  "kubeAPIBurst": [
   0
  ],
  "scheduledSparkApplicationTimestampPrecision": [
   "nanos"
  ],
  "uiService": {
   "enable": [
    true
   ]
  },
  "uiIngress": {
   "enable": [
    false
   ],
   "urlFormat": [
    ""
   ],
   "ingressClassName": [
    ""
   ],
   "tls": [
    []
   ],
   "annotations": [
    {}
   ]
  },
  "batchScheduler": {
   "enable": [
    false
   ],
   "kubeSchedulerNames": [
    []
   ],
   "default": [
    ""
   ]
  },
  "serviceAccount": {
   "create": [
    true
   ],
   "name": [
    ""
   ],
   "annotations": [
    {}
   ],
   "automountServiceAccountToken": [
    true
   ]
  },
  "rbac": {
   "create": [
    true
   ],
   "annotations": [
    {}
   ],
   "secrets": [
    false
   ]
  },
  "labels": [
   {}
  ],
  "annotations": [
   {}
  ],
  "deploymentAnnotations": [
   {}
  ],
  "volumes": [
   [
    {
     "name": "tmp",
     "emptyDir": {
      "sizeLimit": "1Gi"
     }
    }
   ]
  ],
  "nodeSelector": [
   {}
  ],
  "affinity": [
   {}
  ],
  "tolerations": [
   []
  ],
  "priorityClassName": [
   ""
  ],
  "podSecurityContext": [
   {
    "fsGroup": 185
   }
  ],
  "topologySpreadConstraints": [
   []
  ],
  "hostUsers": [
   null
  ],
  "env": [
   []
  ],
  "envFrom": [
   []
  ],
  "volumeMounts": [
   [
    {
     "name": "tmp",
     "mountPath": "/tmp",
     "readOnly": false
    }
   ]
  ],
  "resources": [
   {}
  ],
  "securityContext": [
   {
    "readOnlyRootFilesystem": true,
    "privileged": false,
    "allowPrivilegeEscalation": false,
    "runAsNonRoot": true,
    "capabilities": {
     "drop": [
      "ALL"
     ]
    },
    "seccompProfile": {
     "type": "RuntimeDefault"
    }
   }
  ],
  "sidecars": [
   []
  ],
  "extraArgs": [
   []
  ],
  "podDisruptionBudget": {
   "enable": [
    false
   ],
   "minAvailable": [
    1
   ]
  },
  "pprof": {
   "enable": [
    false
   ],
   "port": [
    6060
   ],
   "portName": [
    "pprof"
   ]
  },
  "workqueueRateLimiter": {
   "bucketQPS": [
    50
   ],
   "bucketSize": [
    500
   ],
   "maxDelay": {
    "enable": [
     true
    ],
    "duration": [
     "6h"
    ]
   }
  }
 },
 "submitter": {
  "serviceUrl": [
   "http://spark-operator-submitter-svc:8080/api/v1/spark-submit"
  ],
  "requestTimeout": [
   "2m"
  ],
  "startupTimeout": [
   "5m"
  ],
  "maxRetries": [
   3
  ],
  "initialBackoff": [
   "2s"
  ],
  "startupProbe": {
   "periodSeconds": [
    5
   ],
   "failureThreshold": [
    60
   ]
  }
 },
 "webhook": {
  "enable": [
   true
  ],
  "replicas": [
   1
  ],
  "revisionHistoryLimit": [
   10
  ],
  "leaderElection": {
   "enable": [
    true
   ]
  },
  "logLevel": [
   "info"
  ],
  "logEncoder": [
   "console"
  ],
  "port": [
   9443
  ],
  "portName": [
   "webhook"
  ],
  "failurePolicy": [
   "Fail"
  ],
  "timeoutSeconds": [
   10
  ],
  "threads": [
   0
  ],
  "kubeAPIQPS": [
   0
  ],
  "kubeAPIBurst": [
   0
  ],
  "resourceQuotaEnforcement": {
   "enable": [
    false
   ]
  },
  "serviceAccount": {
   "create": [
    true
   ],
   "name": [
    ""
   ],
   "annotations": [
    {}
   ],
   "automountServiceAccountToken": [
    true
   ]
  },
  "rbac": {
   "create": [
    true
   ],
   "annotations": [
    {}
   ]
  },
  "labels": [
   {}
  ],
  "annotations": [
   {}
  ],
  "deploymentAnnotations": [
   {}
  ],
  "sidecars": [
   []
  ],
  "extraArgs": [
   []
  ],
  "volumes": [
   [
    {
     "name": "serving-certs",
     "emptyDir": {
      "sizeLimit": "500Mi"
     }
    }
   ]
  ],
  "nodeSelector": [
   {}
  ],
  "affinity": [
   {}
  ],
  "tolerations": [
   []
  ],
  "priorityClassName": [
   ""
  ],
  "podSecurityContext": [
   {
    "fsGroup": 185
   }
  ],
  "topologySpreadConstraints": [
   []
  ],
  "hostUsers": [
   null
  ],
  "env": [
   []
  ],
  "envFrom": [
   []
  ],
  "volumeMounts": [
   [
    {
     "name": "serving-certs",
     "mountPath": "/etc/k8s-webhook-server/serving-certs",
     "subPath": "serving-certs",
     "readOnly": false
    }
   ]
  ],
  "resources": [
   {}
  ],
  "securityContext": [
   {
    "readOnlyRootFilesystem": true,
    "privileged": false,
    "allowPrivilegeEscalation": false,
    "runAsNonRoot": true,
    "capabilities": {
     "drop": [
      "ALL"
     ]
    },
    "seccompProfile": {
     "type": "RuntimeDefault"
    }
   }
  ],
  "podDisruptionBudget": {
   "enable": [
    false
   ],
   "minAvailable": [
    1
   ]
  }
 },
 "spark": {
  "jobNamespaces": [
   [
    "default"
   ]
  ],
  "jobNamespaceSelector": [
   ""
  ],
  "enableServiceLinks": [
   false
  ],
  "serviceAccount": {
   "create": [
    true
   ],
   "name": [
    ""
   ],
   "annotations": [
    {}
   ],
   "automountServiceAccountToken": [
    true
   ]
  },
  "rbac": {
   "create": [
    true
   ],
   "annotations": [
    {}
   ]
  }
 },
 "prometheus": {
  "metrics": {
   "enable": [
    true
   ],
   "port": [
    8080
   ],
   "portName": [
    "metrics"
   ],
   "endpoint": [
    "/metrics"
   ],
   "prefix": [
    ""
   ],
   "labels": [
    ""
   ],
   "jobSubmitLatencyBuckets": [
    "0.5,1,2,4,8,16,32,64,128,256"
   ],
   "jobStartLatencyBuckets": [
    "30,60,90,120,150,180,210,240,270,300"
   ]
  },
  "podMonitor": {
   "create": [
    false
   ],
   "labels": [
    {}
   ],
   "jobLabel": [
    "spark-operator-podmonitor"
   ],
   "podMetricsEndpoint": {
    "scheme": [
     "http"
    ],
    "interval": [
     "5s"
    ]
   }
  },
  "sparkPodMonitor": {
   "create": [
    false
   ],
   "labels": [
    {}
   ],
   "jobLabel": [
    ""
   ],
   "podTargetLabels": [
    [
     "spark-role",
     "sparkoperator.k8s.io/app-name"
    ]
   ],
   "executors": [
    false
   ],
   "onlyAnnotated": [
    false
   ],
   "scheme": [
    "http"
   ],
   "interval": [
    "30s"
   ],
   "servlet": {
    "portName": [
     "spark-ui"
    ],
    "paths": [
     [
      "/metrics/driver/prometheus/",
      "/metrics/executors/prometheus/"
     ]
    ]
   },
   "jmxExporter": {
    "portName": [
     "jmx-exporter"
    ],
    "path": [
     "/metrics"
    ]
   }
  },
  "serviceMonitor": {
   "create": [
    false
   ],
   "labels": [
    {}
   ],
   "jobLabel": [
    "app.kubernetes.io/name"
   ],
   "scheme": [
    "http"
   ],
   "interval": [
    "30s"
   ]
  },
  "rules": {
   "create": [
    false
   ],
   "labels": [
    {}
   ]
  },
  "dashboards": {
   "create": [
    false
   ],
   "labels": [
    {
     "grafana_dashboard": "1"
    }
   ],
   "annotations": [
    {}
   ]
  }
 },
 "certManager": {
  "enable": [
   false
  ],
  "issuerRef": [
   {}
  ],
  "duration": [
   ""
  ],
  "renewBefore": [
   ""
  ]
 },
 "networkPolicy": {
  "create": [
   false
  ],
  "metricsFrom": [
   []
  ],
  "egress": [
   []
  ]
 },
 "test": {
  "namespace": [
   ""
  ],
  "serviceAccount": [
   ""
  ],
  "image": [
   "spark:3.5.7"
  ],
  "sparkVersion": [
   "3.5.7"
  ],
  "mainApplicationFile": [
   "local:///opt/spark/examples/src/main/python/pi.py"
  ],
  "timeoutSeconds": [
   600
  ]
 }
}
{{- end -}}
