// Runs simulated worlds. SIM_SEEDS: how many (500), SIM_SEED: this one alone, every line printed. SIM_JOBS:
// processes beside each other (one a core).
//
// First it proves that the worlds can fail (spoilt requests must be noticed) and that a seed is one world
// (two runs, one trace); then it runs the seeds. A violation prints what was broken, the last lines, and how
// to replay it.

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "test/sim/world.h"

namespace {

using sim::Invariants;
using sim::Sabotage;
using sim::World;
using sim::WorldOptions;

long number_from(const char* variable, long otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr || *text == '\0' ? otherwise : std::strtol(text, nullptr, 10);
}

std::string run(std::uint64_t seed, WorldOptions options, World::Outcome* outcome = nullptr) {
  try {
    World world(seed, options);
    World::Outcome came = world.run();
    if (outcome != nullptr) *outcome = came;
    return came.violation;
  } catch (const std::exception& exception) {
    fmt::print(stderr, "seed {}: {}\n", seed, exception.what());
    return std::string("the world does not come to its end: ") + exception.what();
  }
}

bool report(std::uint64_t seed) {
  World::Outcome outcome;
  const std::string violation = run(seed, {}, &outcome);
  if (violation.empty()) return true;
  std::string text =
      fmt::format("\nseed {}: {}\n  {}\n{}replay: SIM_SEED={} sim_test   (test/run.sh sim --seed {})\n", seed,
                  violation, outcome.plan, outcome.tail, seed, seed);
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
  return false;
}

int replay(std::uint64_t seed) {
  World::Outcome outcome;
  const std::string violation = run(seed, {.print = sim::Trace::Print::Yes}, &outcome);
  fmt::print("seed {}: {} ({} lines, hash {:016x})\n", seed, violation.empty() ? "all well" : violation,
             outcome.lines, outcome.hash);
  return violation.empty() ? 0 : 1;
}

bool same_seed_same_trace() {
  bool same = true;
  for (std::uint64_t seed : {1, 2, 3, 4, 5}) {
    World::Outcome first, second;
    (void)run(seed, {}, &first);
    (void)run(seed, {}, &second);
    if (first.hash == second.hash && first.lines == second.lines && first.lines > 10) continue;
    fmt::print("seed {}: two runs differ ({} lines {:016x}, {} lines {:016x})\n", seed, first.lines,
               first.hash, second.lines, second.hash);
    same = false;
  }
  return same;
}

// In a process of its own, which ends with the world: a spoilt one need not come to an orderly end.
bool is_noticed(std::uint64_t seed, const char* words, WorldOptions options) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    auto* world = new World(seed, options);
    const std::string violation = world->run().violation;
    // Only an invariant counts, not a world that broke down by itself.
    if (violation.starts_with("the world")) _exit(4);
    if (!violation.empty()) fmt::print("{}: seed {}: {}\n", words, seed, violation);
    std::fflush(stdout);
    _exit(violation.empty() ? 0 : 3);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 3;
}

// Each spoilt request has to break an invariant in some world, and be seen as such on its way in the others.
bool sabotage_is_noticed() {
  struct Row {
    Sabotage sabotage;
    const char* words;
    Invariants::Form form;
    int worlds;
  };
  const Row rows[] = {
      {Sabotage::NoUidOnDelete, "deletes without UID", Invariants::Form::Checked, 20},
      {Sabotage::NoVersionOnStatus, "status patches without resourceVersion", Invariants::Form::Checked, 20},
      {Sabotage::NoOwnerOnChildren, "children without owner", Invariants::Form::Checked, 20},
      {Sabotage::StaleLiveRead, "a live read that is not live", Invariants::Form::Free, 150},
      {Sabotage::NoVersionOnStatus, "status patches without resourceVersion, by what comes of it",
       Invariants::Form::Free, 150},
  };
  bool all = true;
  for (const Row& row : rows) {
    bool noticed = false;
    for (int seed = 1; !noticed && seed <= row.worlds; ++seed) {
      noticed = is_noticed(static_cast<std::uint64_t>(seed), row.words,
                           {.sabotage = row.sabotage, .form = row.form, .tear_down = false});
    }
    if (!noticed) fmt::print("{}: NOT NOTICED\n", row.words);
    all &= noticed;
  }
  return all;
}

// Seeds first, first + jobs, … in a process of their own, so that all cores work and an abort takes only one
// along.
int run_share(std::uint64_t first, std::uint64_t jobs, std::uint64_t last, volatile std::uint64_t* current) {
  int failures = 0;
  for (std::uint64_t seed = first; seed <= last && failures < 5; seed += jobs) {
    *current = seed;
    if (!report(seed)) ++failures;
  }
  return failures == 0 ? 0 : 1;
}

int run_seeds(std::uint64_t seeds) {
  const auto jobs =
      static_cast<std::uint64_t>(std::max(1L, number_from("SIM_JOBS", sysconf(_SC_NPROCESSORS_ONLN))));
  void* shared =
      mmap(nullptr, jobs * sizeof(std::uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return 2;
  auto* current = static_cast<volatile std::uint64_t*>(shared);
  std::vector<pid_t> children;
  std::fflush(stdout);
  for (std::uint64_t job = 0; job < jobs; ++job) {
    const pid_t child = fork();
    if (child == 0) std::exit(run_share(1 + job, jobs, seeds, current + job));
    children.push_back(child);
  }
  int result = 0;
  for (std::uint64_t job = 0; job < jobs; ++job) {
    int status = 0;
    waitpid(children[job], &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) continue;
    result = 1;
    if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) {
      fmt::print("seed {} ended the process; replay: SIM_SEED={} sim_test\n", current[job], current[job]);
    }
  }
  fmt::print("{} seeds: {}\n", seeds, result == 0 ? "all well" : "VIOLATED");
  return result;
}

}  // namespace

int main() {
  if (const long seed = number_from("SIM_SEED", -1); seed >= 0)
    return replay(static_cast<std::uint64_t>(seed));
  bool good = true;
  if (number_from("SIM_SELF_CHECK", SIM_DEFAULT_SELF_CHECK) != 0)
    good = same_seed_same_trace() && sabotage_is_noticed();
  const int seeds = run_seeds(static_cast<std::uint64_t>(number_from("SIM_SEEDS", SIM_DEFAULT_SEEDS)));
  return good && seeds == 0 ? 0 : 1;
}
