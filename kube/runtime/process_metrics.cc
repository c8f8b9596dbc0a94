// Metrics of the process itself, read from /proc.

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "kube/runtime/metrics.h"

// jemalloc's, in the programs that link it (cmake/toolchain.cmake).
extern "C" __attribute__((weak)) int mallctl(const char* name, void* old, std::size_t* old_bytes,
                                             void* changed, std::size_t changed_bytes) noexcept;

namespace kube {

namespace {

std::string read_proc(const char* path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Fields of /proc/self/stat from the third on: the second is a name that may hold anything, in parentheses.
std::vector<std::string> stat_fields() {
  const std::string stat = read_proc("/proc/self/stat");
  const std::size_t name_end = stat.rfind(')');
  std::vector<std::string> fields;
  if (name_end == std::string::npos) return fields;
  std::istringstream rest(stat.substr(name_end + 1));
  for (std::string field; rest >> field;) fields.push_back(field);
  return fields;
}

double number(const std::string& text) {
  std::istringstream stream(text);
  double value = 0;
  stream >> value;
  return value;
}

double boot_time() {
  std::istringstream lines(read_proc("/proc/stat"));
  for (std::string word; lines >> word;) {
    if (word != "btime") continue;
    lines >> word;
    return number(word);
  }
  return 0;
}

struct HeapBytes {
  std::size_t in_use = 0;  // of whole pages
  std::size_t allocated = 0;
};
HeapBytes heap_bytes() {
  if (&mallctl == nullptr) {
    const struct mallinfo2 heap = ::mallinfo2();
    return {.in_use = heap.arena + heap.hblkhd, .allocated = heap.uordblks + heap.hblkhd};
  }
  // Its sums are those of the last epoch, and writing begins a new one.
  std::uint64_t epoch = 1;
  mallctl("epoch", nullptr, nullptr, &epoch, sizeof epoch);
  HeapBytes heap;
  std::size_t bytes = sizeof heap.in_use;
  mallctl("stats.active", &heap.in_use, &bytes, nullptr, 0);
  mallctl("stats.allocated", &heap.allocated, &bytes, nullptr, 0);
  return heap;
}

struct NetworkBytes {
  double received = 0;
  double sent = 0;
};
NetworkBytes network_bytes() {
  NetworkBytes sum;
  std::istringstream lines(read_proc("/proc/self/net/dev"));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    std::istringstream columns(line.substr(colon + 1));
    std::string column;
    for (int i = 0; i < 9 && columns >> column; ++i) {
      if (i == 0) sum.received += number(column);
      if (i == 8) sum.sent += number(column);
    }
  }
  return sum;
}

void set_counter(prometheus::Counter& counter, double value) {
  if (value > counter.Value()) counter.Increment(value - counter.Value());
}

}  // namespace

void MetricsRegistry::add_process_metrics() {
  auto& cpu = counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.");
  auto& open_fds = gauge("process_open_fds", "Number of open file descriptors.");
  auto& max_fds = gauge("process_max_fds", "Maximum number of open file descriptors.");
  auto& resident = gauge("process_resident_memory_bytes", "Resident memory size in bytes.");
  auto& virtual_memory = gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.");
  auto& max_virtual =
      gauge("process_virtual_memory_max_bytes", "Maximum amount of virtual memory available in bytes.");
  auto& start = gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.");
  auto& received = counter("process_network_receive_bytes_total",
                           "Number of bytes received by the process over the network.");
  auto& sent = counter("process_network_transmit_bytes_total",
                       "Number of bytes sent by the process over the network.");
  auto& go_threads =
      gauge("go_threads", "Number of threads of the process (name kept for dashboards of Go programs).");
  auto& go_routines =
      gauge("go_goroutines", "Number of threads of the process (name kept for dashboards of Go programs).");
  auto& heap_in_use = gauge("go_memstats_heap_inuse_bytes",
                            "Bytes of heap in use (name kept for dashboards of Go programs).");
  auto& allocated = gauge("go_memstats_alloc_bytes",
                          "Bytes allocated and in use (name kept for dashboards of Go programs).");
  gauge("go_info", "Environment of the program (name kept for dashboards of Go programs).",
        {{"version", "none"}})
      .Set(1);
  max_virtual.Set(-1);
  own_.push_back(on_collect([&, boot = boot_time()] {
    const double ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
    // Columns of proc(5), counted from the state.
    const auto fields = stat_fields();
    if (fields.size() > 21) {
      set_counter(cpu, (number(fields[11]) + number(fields[12])) / ticks);
      go_threads.Set(number(fields[17]));
      go_routines.Set(number(fields[17]));
      start.Set(boot + number(fields[19]) / ticks);
      virtual_memory.Set(number(fields[20]));
      resident.Set(number(fields[21]) * static_cast<double>(::sysconf(_SC_PAGESIZE)));
    }
    std::error_code ignored;
    double descriptors = 0;
    for (std::filesystem::directory_iterator entry("/proc/self/fd", ignored), end; entry != end;
         entry.increment(ignored))
      ++descriptors;
    open_fds.Set(descriptors - 1);  // one is the walk's own
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) max_fds.Set(static_cast<double>(limit.rlim_cur));
    const HeapBytes heap = heap_bytes();
    heap_in_use.Set(static_cast<double>(heap.in_use));
    allocated.Set(static_cast<double>(heap.allocated));
    const NetworkBytes bytes = network_bytes();
    set_counter(received, bytes.received);
    set_counter(sent, bytes.sent);
  }));
}

}  // namespace kube
