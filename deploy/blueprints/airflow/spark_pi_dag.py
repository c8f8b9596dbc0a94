"""One application as a task: the DAG's run succeeds when it is COMPLETED and fails when it is FAILED."""

import os
from datetime import datetime

from airflow import DAG
from airflow.providers.cncf.kubernetes.operators.spark_kubernetes import SparkKubernetesOperator

with DAG(dag_id="spark_pi", schedule=None, start_date=datetime(2026, 1, 1), catchup=False) as dag:
    SparkKubernetesOperator(
        task_id="pi",
        namespace="default",
        application_file=os.environ.get("SPARK_PI_FILE", os.path.join(os.path.dirname(__file__), "app.yaml")),
        kubernetes_conn_id="kubernetes_default",
        get_logs=os.environ.get("SPARK_PI_LOGS", "yes") == "yes",
        delete_on_termination=True,
    )
