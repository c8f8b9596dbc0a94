// Suite times small operations, again and again, and prints one table.
//
//   Suite suite({.repetitions = 15});
//   suite.measure("parse", [&] { return parse(text); });              // one operation a call
//   suite.measure("queue", 1000, [&] { return a_thousand_keys(); });  // a call does a thousand
//   suite.print();
//
// An operation is repeated until a repetition has taken long enough for the clock to say something, and the
// repetition is repeated: the least time is what the code can do, the median and the spread are what it did
// on this machine just now. Times are processor time. What an operation returns is kept from being optimised
// away. Beside the time stand the heap allocations of one operation, which do not vary from machine to
// machine.
//
// Not for waiting, I/O or threads. Thread: the one that made it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "kube/base/clock.h"

namespace bench {

struct SuiteOptions {
  bool once = false;  // every operation one single time, no table of times: only that nothing has rotted
  std::string filter = {};  // only names that contain it
  int repetitions = 15;
  kube::Duration repetition = std::chrono::milliseconds(20);  // how long one lasts, about
};

struct Measurement {
  std::string name = {};
  std::vector<double> nanoseconds = {};  // of one operation; a repetition each, sorted
  double allocations = 0;                // of one operation
  double allocated_bytes = 0;
};

class Suite {
 public:
  explicit Suite(SuiteOptions options) : options_(std::move(options)) {}

  template <class Operation>
  void measure(std::string name, Operation operation) {
    measure(std::move(name), 1, std::move(operation));
  }
  template <class Operation>
  void measure(std::string name, int operations_a_call, Operation operation) {
    run(std::move(name), operations_a_call, [&operation](std::int64_t calls) {
      for (std::int64_t i = 0; i < calls; ++i) {
        auto result = operation();
        asm volatile("" : : "g"(&result) : "memory");  // somebody might look at it
      }
    });
  }

  const std::vector<Measurement>& measurements() const { return done_; }
  // "operation   min   median   max   allocations   bytes" as Markdown.
  void print() const;

 private:
  void run(std::string name, int operations_a_call, const std::function<void(std::int64_t calls)>& repeat);

  const SuiteOptions options_;
  std::vector<Measurement> done_;
};

// Heap allocations of this process so far.
struct Allocations {
  std::int64_t count = 0;
  std::int64_t bytes = 0;
};
Allocations allocations();

// Ends the process when the benchmark's own input cannot be used.
[[noreturn]] void broken(std::string_view what);
template <class R>
auto must(R result, std::string_view what) {
  if (!result) broken(std::string(what) + ": " + result.error().message());
  return std::move(*result);
}

// Times "812 ns", "14.2 µs", "3.1 ms": three digits.
std::string show_time(double nanoseconds);

}  // namespace bench
