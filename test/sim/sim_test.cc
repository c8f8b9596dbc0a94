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
#include <new>
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

// What one process of several has come to; lies in memory that they share.
struct Share {
  std::uint64_t seed = 0;
  sim::FailOvers::Measured planned, unplanned;
};

bool report(std::uint64_t seed, Share& share) {
  World::Outcome outcome;
  const std::string violation = run(seed, {}, &outcome);
  share.planned.add(outcome.planned);
  share.unplanned.add(outcome.unplanned);
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

// In a process of its own: what a spoilt world does to memory or time must not take the others along.
bool is_noticed(std::uint64_t seed, const char* words, WorldOptions options) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    const std::string violation = run(seed, options);
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
    bool (*fits)(const sim::Plan&) = [](const sim::Plan&) { return true; };
  };
  const auto leaders_go = [](const sim::Plan& plan) {
    return plan.lease && plan.calm && plan.fail_over_every != kube::Duration::zero();
  };
  const auto leads = [](const sim::Plan& plan) { return plan.lease; };
  const auto schedules = [](const sim::Plan& plan) { return plan.schedules > 0; };
  const Row rows[] = {
      {Sabotage::NoUidOnDelete, "deletes without UID", Invariants::Form::Checked, 20},
      {Sabotage::NoVersionOnStatus, "status patches without resourceVersion", Invariants::Form::Checked, 20},
      {Sabotage::NoOwnerOnChildren, "children without owner", Invariants::Form::Checked, 20},
      {Sabotage::LeaseNotReleased, "a lease that is not released", Invariants::Form::Checked, 30, leaders_go},
      {Sabotage::LeaseLooksFree, "a lease that looks free", Invariants::Form::Free, 150, leads},
      {Sabotage::NoRunsListed, "a list of runs that shows none", Invariants::Form::Free, 40, schedules},
      {Sabotage::StaleLiveRead, "a live read that is not live", Invariants::Form::Free, 150},
      {Sabotage::NoVersionOnStatus, "status patches without resourceVersion, by what comes of it",
       Invariants::Form::Free, 150},
  };
  bool all = true;
  for (const Row& row : rows) {
    bool noticed = false;
    std::uint64_t seed = 1;
    for (int worlds = 0; !noticed && worlds < row.worlds; ++seed) {
      if (!row.fits(sim::Plan(seed))) continue;
      ++worlds;
      noticed = is_noticed(seed, row.words, {.sabotage = row.sabotage, .form = row.form});
    }
    if (!noticed) fmt::print("{}: NOT NOTICED\n", row.words);
    all &= noticed;
  }
  return all;
}

// Seeds first, first + jobs, … in a process of their own, so that all cores work and an abort takes only one
// along.
int run_share(std::uint64_t first, std::uint64_t jobs, std::uint64_t last, Share& share) {
  int failures = 0;
  for (std::uint64_t seed = first; seed <= last && failures < 5; seed += jobs) {
    share.seed = seed;
    if (!report(seed, share)) ++failures;
  }
  return failures == 0 ? 0 : 1;
}

double seconds(kube::Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

int run_seeds(std::uint64_t seeds) {
  const auto jobs =
      static_cast<std::uint64_t>(std::max(1L, number_from("SIM_JOBS", sysconf(_SC_NPROCESSORS_ONLN))));
  void* memory =
      mmap(nullptr, jobs * sizeof(Share), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 2;
  auto* shares = new (memory) Share[jobs];
  std::vector<pid_t> children;
  std::fflush(stdout);
  for (std::uint64_t job = 0; job < jobs; ++job) {
    const pid_t child = fork();
    if (child == 0) std::exit(run_share(1 + job, jobs, seeds, shares[job]));
    children.push_back(child);
  }
  int result = 0;
  Share all;
  for (std::uint64_t job = 0; job < jobs; ++job) {
    int status = 0;
    waitpid(children[job], &status, 0);
    all.planned.add(shares[job].planned);
    all.unplanned.add(shares[job].unplanned);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) continue;
    result = 1;
    if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) {
      fmt::print("seed {} ended the process; replay: SIM_SEED={} sim_test\n", shares[job].seed,
                 shares[job].seed);
    }
  }
  fmt::print(
      "fail-overs in calm worlds: {} planned, the longest {:.2f} s; {} unplanned, the longest {:.2f} s\n",
      all.planned.count, seconds(all.planned.longest), all.unplanned.count, seconds(all.unplanned.longest));
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
