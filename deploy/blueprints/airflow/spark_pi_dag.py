"""One application as a task: the DAG's run succeeds when it is COMPLETED and fails when it is FAILED."""

from datetime import datetime

from airflow import DAG
from airflow.providers.cncf.kubernetes.operators.spark_kubernetes import SparkKubernetesOperator

with DAG(dag_id="spark_pi", schedule=None, start_date=datetime(2026, 1, 1), catchup=False) as dag:
    SparkKubernetesOperator(
        task_id="pi",
        namespace="default",
        application_file="app.yaml",                   # beside this file
        kubernetes_conn_id="kubernetes_default",
        get_logs=True,
        delete_on_termination=True,
    )
