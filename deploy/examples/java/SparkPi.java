package org.apache.spark.examples;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;

/**
 * Estimates Pi by throwing darts. It stands where Spark's own examples jar has its SparkPi, so that manifests written
 * for Spark's images run unchanged on the tree that deploy/lib/fetch_spark.sh makes.
 *
 * <p>Arguments: [slices, default 2] [fail]. With "fail" it ends in an exception after the computation.
 */
public final class SparkPi {
  private static final int DARTS_PER_SLICE = 100_000;

  public static void main(String[] args) {
    int slices = args.length > 0 ? Integer.parseInt(args[0]) : 2;
    SparkSession session = SparkSession.builder().appName("Spark Pi").getOrCreate();
    JavaSparkContext context = JavaSparkContext.fromSparkContext(session.sparkContext());

    List<Integer> seeds = new ArrayList<>();
    for (int i = 0; i < slices; i++) {
      seeds.add(i);
    }
    long hits = context.parallelize(seeds, slices).map(SparkPi::hitsOfOneSlice).reduce(Long::sum);
    System.out.println("Pi is roughly " + 4.0 * hits / ((double) slices * DARTS_PER_SLICE));

    if (args.length > 1 && args[1].equals("fail")) {
      throw new IllegalStateException("failing as the arguments ask for");
    }
    session.stop();
  }

  private static long hitsOfOneSlice(int seed) {
    Random random = new Random(seed);
    long hits = 0;
    for (int i = 0; i < DARTS_PER_SLICE; i++) {
      double x = random.nextDouble() * 2 - 1;
      double y = random.nextDouble() * 2 - 1;
      if (x * x + y * y <= 1) {
        hits++;
      }
    }
    return hits;
  }
}
