// bench_micro [--once] [--filter TEXT] [--repetitions N]: times the small operations, prints a table.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "bench/micro/benchmarks.h"

int main(int argc, char** argv) {
  bench::SuiteOptions options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--once") {
      options.once = true;
    } else if (word == "--filter" && i + 1 < argc) {
      options.filter = argv[++i];
    } else if (word == "--repetitions" && i + 1 < argc && std::atoi(argv[i + 1]) > 0) {
      options.repetitions = std::atoi(argv[++i]);
    } else {
      std::fprintf(stderr, "usage: bench_micro [--once] [--filter TEXT] [--repetitions N]\n");
      return 2;
    }
  }
  bench::Suite suite(options);
  bench::submission_benchmarks(suite);
  bench::controller_benchmarks(suite);
  bench::queue_benchmarks(suite);
  bench::decode_benchmarks(suite);
  bench::review_benchmarks(suite);
  bench::patch_benchmarks(suite);
  bench::schema_benchmarks(suite);
  suite.print();
  return suite.measurements().empty() ? 1 : 0;
}
