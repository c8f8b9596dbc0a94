#include "bench/micro/suite.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <new>

namespace {

// One thread counts, so plain integers do.
bench::Allocations counted;

void* counted_allocation(std::size_t bytes) {
  counted.count += 1;
  counted.bytes += static_cast<std::int64_t>(bytes);
  void* memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

// The program's own allocation, so that operations can be compared by it. Aligned forms stay the library's;
// the others are replaced together, as a sanitizer holds each delete against the new that it belongs to.
void* operator new(std::size_t bytes) {
  return counted_allocation(bytes);
}
void* operator new[](std::size_t bytes) {
  return counted_allocation(bytes);
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return counted_allocation(bytes);
}
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
  return counted_allocation(bytes);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace bench {

Allocations allocations() {
  return counted;
}

void broken(std::string_view what) {
  std::fprintf(stderr, "benchmark is broken: %.*s\n", static_cast<int>(what.size()), what.data());
  std::exit(1);
}

void Suite::run(std::string name, int operations_a_call,
                const std::function<void(std::int64_t calls)>& repeat) {
  if (name.find(options_.filter) == std::string::npos) return;
  // Processor time: whoever else takes the core meanwhile does not count.
  const auto timed = [&](std::int64_t calls) {
    const std::clock_t start = std::clock();
    repeat(calls);
    return static_cast<double>(std::clock() - start) * (1e9 / CLOCKS_PER_SEC);
  };

  Measurement result{.name = std::move(name)};
  if (options_.once) {
    result.nanoseconds = {timed(1)};
    done_.push_back(std::move(result));
    return;
  }
  // The first call warms caches and lazily made tables, and does not count.
  timed(1);
  std::int64_t calls = 1;
  const auto wanted = static_cast<double>(options_.repetition.count());
  for (double took = timed(calls); took < wanted / 2; took = timed(calls)) calls *= 2;

  const Allocations before = counted;
  timed(1);
  const Allocations after = counted;
  result.allocations = static_cast<double>(after.count - before.count) / operations_a_call;
  result.allocated_bytes = static_cast<double>(after.bytes - before.bytes) / operations_a_call;
  for (int i = 0; i < options_.repetitions; ++i)
    result.nanoseconds.push_back(timed(calls) / static_cast<double>(calls * operations_a_call));
  std::ranges::sort(result.nanoseconds);
  done_.push_back(std::move(result));
}

std::string show_time(double nanoseconds) {
  const char* unit = "ns";
  for (const char* larger : {"µs", "ms", "s"}) {
    if (nanoseconds < 1000) break;
    nanoseconds /= 1000;
    unit = larger;
  }
  char text[32];
  std::snprintf(text, sizeof text,
                nanoseconds < 10    ? "%.2f %s"
                : nanoseconds < 100 ? "%.1f %s"
                                    : "%.0f %s",
                nanoseconds, unit);
  return text;
}

void Suite::print() const {
  if (options_.once) {
    std::printf("%zu benchmarks ran once\n", done_.size());
    return;
  }
  std::printf("| operation | min | median | max | allocations | bytes |\n|---|---:|---:|---:|---:|---:|\n");
  for (const Measurement& m : done_) {
    std::printf("| %s | %s | %s | %s | %.0f | %.0f |\n", m.name.c_str(),
                show_time(m.nanoseconds.front()).c_str(),
                show_time(m.nanoseconds[m.nanoseconds.size() / 2]).c_str(),
                show_time(m.nanoseconds.back()).c_str(), m.allocations, m.allocated_bytes);
  }
}

}  // namespace bench
