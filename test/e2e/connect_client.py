#!/usr/bin/env python3
"""Runs in a pod: asks a Spark Connect server for rows, again and again, and says on each line what it got.

    connect_client.py sc://sql-server:15002
    {"version": "4.1.4", "partitions": "3", "rows": [[0, 143], …]}

Whenever an answer fails it makes a session anew, once the server takes connections.
"""

import json
import socket
import sys
import time
import traceback
from urllib.parse import urlparse

from pyspark.sql import SparkSession


def wait_for_port(url):
    where = urlparse(url)
    while True:
        try:
            socket.create_connection((where.hostname, where.port), timeout=5).close()
            return
        except OSError:
            time.sleep(1)


def session(url):
    spark = SparkSession.builder.remote(url).create()
    # Of its own retries the last would wait for a minute.
    try:
        from pyspark.sql.connect.client.retries import DefaultPolicy
        spark.client.set_retry_policies([DefaultPolicy(max_backoff=2000)])
    except ImportError:
        spark.client._retry_policy["max_backoff"] = 2000
    return spark


def answer(spark):
    # Shuffled, so that tasks of two stages have run on executors.
    rows = spark.range(1000).selectExpr("id % 7 AS k").groupBy("k").count().orderBy("k").collect()
    return {"version": spark.version, "partitions": spark.conf.get("spark.sql.shuffle.partitions"),
            "rows": [[row["k"], row["count"]] for row in rows]}


def main():
    url = sys.argv[1]
    while True:
        wait_for_port(url)
        try:
            spark = session(url)
            while True:
                print(json.dumps(answer(spark)), flush=True)
                time.sleep(2)
        except Exception:
            traceback.print_exc()
            time.sleep(1)


main()
