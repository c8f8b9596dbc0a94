// The crash test: stories of one application, schedule or SparkConnect, told again and again, with the
// operator killed before and after every single write that it makes (of a schedule's story: that is about the
// schedule), and started again; then pairs of kills, drawn by a seed.
//
//   crash_test                               all of it
//   crash_test CASE                          one case, every line of it on stderr
//
// SIM_CRASH: that case. SIM_CRASH_STORY: this story only. SIM_CRASH_PAIRS: how many pairs (300).
// SIM_CRASH_ONE_OF: only each n-th case, of a seventh of the stories. SIM_JOBS: processes beside each other
// (one a core).
//
// Every run is held to the promises of invariants.h at each moment, and has to end as the same story ends
// when nobody is killed, with nothing left over, and with no write for an hour after that.

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <new>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "kube/base/random.h"
#include "test/sim/crash_world.h"

namespace {

using sim::CrashCase;
using sim::CrashWorld;
using sim::Kill;
using sim::StartedBy;

long number_from(const char* variable, long otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr || *text == '\0' ? otherwise : std::strtol(text, nullptr, 10);
}

CrashWorld::Outcome run(const CrashCase& what, sim::Trace::Print print = sim::Trace::Print::No) {
  try {
    return CrashWorld(what, print).run();
  } catch (const std::exception& exception) {
    CrashWorld::Outcome outcome;
    outcome.violation = std::string("the world does not come to its end: ") + exception.what();
    return outcome;
  }
}

constexpr std::uint64_t kOneOfLease = 8;
constexpr std::size_t kOneOfCalm = 7;  // prime to the variants of a story

CrashCase without_kills(CrashCase what) {
  what.kills.clear();
  return what;
}

// The lines of `now` that are not in `then`, and the reverse.
std::string difference(const std::string& then, const std::string& now) {
  return "without kills it ends as\n" + then + "and with them as\n" + now;
}

// Runs of stories without kills, by name; what the others are compared with.
using Calm = std::map<std::string, CrashWorld::Outcome>;

// "" or what is wrong.
std::string judge(const CrashCase& what, const Calm& calm, const CrashWorld::Outcome& outcome) {
  if (!outcome.violation.empty()) return outcome.violation;
  const CrashWorld::Outcome& expected = calm.at(without_kills(what).to_string());
  if (outcome.end != expected.end) return difference(expected.end, outcome.end);
  return "";
}

void say(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

bool report(const CrashCase& what, const Calm& calm, const CrashWorld::Outcome& outcome) {
  const std::string wrong = judge(what, calm, outcome);
  if (wrong.empty()) return true;
  const auto& writes = calm.at(without_kills(what).to_string()).writes;
  std::string killed;
  if (!what.kills.empty() && what.kills[0].write <= static_cast<int>(writes.size())) {
    killed = fmt::format("  first killed {} write {}: {}\n", what.kills[0].after ? "after" : "before",
                         what.kills[0].write, writes[static_cast<std::size_t>(what.kills[0].write) - 1]);
  }
  const std::string name = what.to_string();
  say(fmt::format("\n{}: {}\n{}{}replay: crash_test {}   (test/run.sh sim --crash {})\n", name, wrong, killed,
                  outcome.tail, name, name));
  return false;
}

int replay(const std::string& text) {
  const auto what = CrashCase::parse(text);
  if (!what || sim::find_story(what->story) == nullptr) {
    fmt::print(stderr, "no such case: {}\nas in edit/native/alone/7after+2before; stories:\n", text);
    for (const sim::StoryKind& story : sim::stories())
      fmt::print(stderr, "  {:22} {}\n", story.name, story.words);
    return 2;
  }
  Calm calm;
  calm[without_kills(*what).to_string()] = run(without_kills(*what));
  const CrashWorld::Outcome outcome = run(*what, sim::Trace::Print::Yes);
  const auto& writes = calm.begin()->second.writes;
  for (std::size_t i = 0; i < writes.size(); ++i) fmt::print("write {}: {}\n", i + 1, writes[i]);
  const std::string wrong = judge(*what, calm, outcome);
  fmt::print("{}: {}\n", what->to_string(), wrong.empty() ? "all well, ends as\n" + outcome.end : wrong);
  return wrong.empty() ? 0 : 1;
}

// What the processes of a run tell each other, in memory that they share.
struct Shared {
  std::atomic<std::size_t> next{0};  // case
  std::atomic<std::size_t> kills{0};
  std::atomic<int> failures{0};
};

// Cases are taken one by one, so that all cores work to the end, and an abort takes only one along.
int work(const std::vector<CrashCase>& cases, const Calm& calm, Shared& shared) {
  bool good = true;
  while (shared.failures < 5) {
    const std::size_t index = shared.next++;
    if (index >= cases.size()) break;
    const CrashWorld::Outcome outcome = run(cases[index]);
    shared.kills += outcome.kills;
    if (report(cases[index], calm, outcome)) continue;
    ++shared.failures;
    good = false;
  }
  return good ? 0 : 1;
}

bool run_all(const std::vector<CrashCase>& cases, const Calm& calm, std::size_t& kills) {
  void* memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  auto* shared = new (memory) Shared;
  std::vector<pid_t> children;
  std::fflush(stdout);
  for (long job = 0; job < std::max(1L, number_from("SIM_JOBS", sysconf(_SC_NPROCESSORS_ONLN))); ++job) {
    const pid_t child = fork();
    if (child == 0) std::exit(work(cases, calm, *shared));
    children.push_back(child);
  }
  bool good = true;
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) continue;
    good = false;
    if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) fmt::print("a process of the crash test was ended\n");
  }
  kills = shared->kills;
  return good;
}

bool only_one_story() {
  const char* only = std::getenv("SIM_CRASH_STORY");
  return only != nullptr && *only != '\0';
}

// Every story by every submitter it fits, with a lease and without, and nobody killed.
std::vector<CrashCase> calm_cases() {
  std::vector<CrashCase> cases;
  for (const sim::StoryKind& story : sim::stories()) {
    if (only_one_story() && std::getenv("SIM_CRASH_STORY") != std::string(story.name)) continue;
    for (const StartedBy by : {StartedBy::Native, StartedBy::SparkSubmit, StartedBy::Rest}) {
      if (by == StartedBy::Native ? !story.native : !story.spark_submit) continue;
      for (const bool lease : {false, true}) cases.push_back({story.name, by, lease, {}});
    }
  }
  return cases;
}

std::vector<CrashCase> draw_pairs(const std::vector<CrashCase>& calm_ones, const Calm& calm, long count) {
  std::vector<CrashCase> pairs;
  kube::Random random(20'260'101);
  for (long i = 0; i < count; ++i) {
    CrashCase pair = calm_ones[random.below(calm_ones.size())];
    const std::size_t writes = calm.at(pair.to_string()).writes.size();
    const std::size_t first = 1 + random.below(writes);
    // What is left to be written, about; the second falls into the recovery when it is small.
    const std::size_t left = std::max<std::size_t>(1, std::min<std::size_t>(4, writes - first));
    const std::size_t second = 1 + random.below(left);
    pair.kills = {Kill{static_cast<int>(first), random.chance(0.5)},
                  Kill{static_cast<int>(second), random.chance(0.5)}};
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

int run_test() {
  const auto one_of =
      static_cast<std::size_t>(std::max(1L, number_from("SIM_CRASH_ONE_OF", SIM_CRASH_ONE_OF)));
  std::vector<CrashCase> calm_ones = calm_cases();
  // Where a world is slow, the stories themselves would take minutes: some of each kind will do.
  if (one_of > 1) {
    std::size_t at = 0;
    std::erase_if(calm_ones, [&](const CrashCase&) { return at++ % kOneOfCalm != 0; });
  }
  Calm calm;
  bool good = true;
  std::size_t writes = 0;
  std::vector<CrashCase> cases;
  kube::Random random(20'260'102);
  for (const CrashCase& what : calm_ones) {
    const std::string name = what.to_string();
    const CrashWorld::Outcome outcome = calm[name] = run(what);
    good &= report(what, calm, outcome);
    writes += outcome.writes.size();
    // With a lease the next operator comes seconds later, to an older world: some of the same writes will do.
    const bool all = !what.lease || only_one_story();
    const sim::StoryKind* story = sim::find_story(what.story);
    for (int write = 1; write <= static_cast<int>(outcome.writes.size()); ++write) {
      if (!story->is_about(outcome.writes[static_cast<std::size_t>(write) - 1])) continue;
      for (const bool after : {false, true}) {
        if (!all && random.below(kOneOfLease) != 0) continue;
        cases.push_back(what);
        cases.back().kills = {{write, after}};
      }
    }
  }
  if (!good) return 1;
  const std::vector<CrashCase> pairs = draw_pairs(calm_ones, calm, number_from("SIM_CRASH_PAIRS", 300));
  cases.insert(cases.end(), pairs.begin(), pairs.end());
  std::vector<CrashCase> chosen;
  for (std::size_t i = 0; i < cases.size(); i += one_of) chosen.push_back(cases[i]);

  std::size_t kills = 0;
  good = run_all(chosen, calm, kills);
  fmt::print("crash test: {} stories, {} writes, {} cases of {}, {} kills: {}\n", calm_ones.size(), writes,
             chosen.size(), cases.size(), kills, good ? "all well" : "VIOLATED");
  return good ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) return replay(argv[1]);
  const char* one = std::getenv("SIM_CRASH");
  if (one != nullptr && *one != '\0') return replay(one);
  return run_test();
}
