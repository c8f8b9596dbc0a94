"""The job of executors_test.py: every row of a table moves to another partition twice, over files in the scratch space. Says
what came of it, and where executors had their shuffle files."""

import os

from pyspark.sql import SparkSession
from pyspark.sql import functions as f

ROWS, KEYS, PARTITIONS = 400_000, 1009, 8


def shuffle_files(_):
    # What Python is told are the block manager's own folders in the scratch space.
    for place in os.environ["SPARK_LOCAL_DIRS"].split(","):
        for _, _, names in os.walk(place):
            if any(name.startswith("shuffle_") and name.endswith(".data") for name in names):
                yield os.path.dirname(place)


if __name__ == "__main__":
    spark = SparkSession.builder.getOrCreate()
    # Digests, which do not compress away.
    table = spark.range(ROWS).select((f.col("id") % KEYS).alias("key"), f.sha2(f.col("id").cast("string"), 256).alias("value"))
    groups = table.repartition(PARTITIONS, "key").groupBy("key").agg(f.max("value")).count()
    values = table.repartition(PARTITIONS, "value").select("value").distinct().count()
    places = spark.sparkContext.parallelize(range(PARTITIONS), PARTITIONS).mapPartitions(shuffle_files).distinct().collect()
    print(f"shuffled {ROWS} rows: {groups} keys, {values} values, in {sorted(places)}")
    spark.stop()
