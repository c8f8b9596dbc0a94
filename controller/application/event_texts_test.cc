#include "controller/application/event_texts.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <set>
#include <sstream>

using namespace controller;

namespace {

std::string document() {
  std::stringstream text;
  text << std::ifstream(SOURCE_DIR "/docs/events.md").rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE(
    "events have the Go operator's reasons and types, and the sentence is the note (fault 1 of the Go "
    "operator)",
    "[events]") {
  struct Row {
    const char* reason;
    bool warning;
    Note note;
    const char* message;
  };
  PodView failed;
  failed.key = {"ns", "pi-exec-1"};
  failed.spark_container = ContainerEnd{137, "OOMKilled"};
  failed.message = "low on memory";
  PodView executor;
  executor.key = {"ns", "pi-exec-1"};
  using enum EventReason;
  const Row rows[] = {
      {"SparkApplicationAdded", false, event(SparkApplicationAdded, {"pi"}),
       "SparkApplication pi was added, enqueuing it for submission"},
      {"SparkApplicationSubmitted", false, event(SparkApplicationSubmitted, {"pi"}),
       "SparkApplication pi was submitted successfully"},
      {"SparkApplicationSubmissionFailed", true, event(SparkApplicationSubmissionFailed, {"pi", "boom"}),
       "failed to submit SparkApplication pi: boom"},
      {"SparkApplicationCompleted", false, event(SparkApplicationCompleted, {"pi"}),
       "SparkApplication pi completed"},
      {"SparkApplicationFailed", true, event(SparkApplicationFailed, {"pi", "boom"}),
       "SparkApplication pi failed: boom"},
      {"SparkApplicationPendingRerun", true, event(SparkApplicationPendingRerun, {"pi"}),
       "SparkApplication pi is pending rerun"},
      {"SparkApplicationSuspending", true, event(SparkApplicationSuspending, {"pi"}),
       "SparkApplication pi is suspending"},
      {"SparkApplicationSuspended", true, event(SparkApplicationSuspended, {"pi"}),
       "SparkApplication pi is suspended"},
      {"SparkApplicationResuming", true, event(SparkApplicationResuming, {"pi"}),
       "SparkApplication pi is resuming"},
      {"SparkApplicationWebhookFieldsUpdated", false, event(SparkApplicationWebhookFieldsUpdated, {"pi"}),
       "SparkApplication pi webhook-patched fields updated, new pods will use updated values"},
      {"SparkDriverPending", false, driver_note("pi-driver", State::Submitted),
       "Driver pi-driver is pending"},
      {"SparkDriverRunning", false, driver_note("pi-driver", State::Running), "Driver pi-driver is running"},
      {"SparkDriverCompleted", false, driver_note("pi-driver", State::Succeeding),
       "Driver pi-driver completed"},
      {"SparkDriverFailed", true, driver_note("pi-driver", State::Failing), "Driver pi-driver failed"},
      {"SparkDriverUnknown", true, driver_note("pi-driver", State::Unknown),
       "Driver pi-driver in unknown state"},
      {"SparkDriverNotFound", true, event(SparkDriverNotFound, {"pi-driver"}),
       "Driver pod pi-driver not found, marking application as Failing"},
      {"SparkExecutorPending", false, executor_note(executor, api::PodState::Pending),
       "Executor pi-exec-1 is pending"},
      {"SparkExecutorRunning", false, executor_note(executor, api::PodState::Running),
       "Executor pi-exec-1 is running"},
      {"SparkExecutorCompleted", false, executor_note(executor, api::PodState::Completed),
       "Executor pi-exec-1 completed"},
      {"SparkExecutorFailed", true, executor_note(failed, api::PodState::Failed),
       "Executor pi-exec-1 failed with ExitCode: 137, Reason: OOMKilled, Pod Message: low on memory"},
      {"SparkExecutorFailed", true, executor_note(executor, api::PodState::Failed),
       "Executor pi-exec-1 failed with ExitCode: -1, Reason: Unknown (Container not Found), Pod Message: "},
      {"SparkExecutorUnknown", true, executor_note(executor, api::PodState::Unknown),
       "Executor pi-exec-1 in unknown state"},
      {"SparkSubmitStarted", false, event(SparkSubmitStarted, {": it said so"}),
       "spark-submit starts the driver: it said so"},
      {"SparkSubmissionRequested", false, event(SparkSubmissionRequested, {": it said so"}),
       "the submission service starts the driver: it said so"},
      {"SparkPodWebhookNeeded", true, event(SparkPodWebhookNeeded, {"spec.x"}), "spec.x"},
      {"SparkApplicationFieldsIgnored", true, event(SparkApplicationFieldsIgnored, {"spec.x"}),
       "without effect: spec.x"},
      {"SparkApplicationChildNotMade", true, event(SparkApplicationChildNotMade, {"forbidden"}), "forbidden"},
  };
  std::set<std::string> covered;
  for (const Row& row : rows) {
    INFO(row.reason);
    CHECK(row.note == Note{row.warning, row.reason, row.message});
    CHECK(action_of(row.reason) != "Reconcile");
    CHECK(action_of(row.reason).size() <= 128);
    covered.insert(row.reason);
  }
  CHECK(covered.size() == kEventTexts.size());
}

TEST_CASE("a sentence is bounded, and says so (fault 5 of the Go operator)", "[events]") {
  const Note note =
      event(EventReason::SparkApplicationSubmissionFailed, {"pi", "begin" + std::string(64 << 10, '.')});
  CHECK(note.message.size() <= 1024);
  CHECK(note.message.starts_with("failed to submit SparkApplication pi: begin"));
  CHECK(note.message.ends_with(" \xE2\x80\xA6"));
  const Note why =
      event(EventReason::SparkDriverPending, {"pi-driver"}, {FailureReason::ImagePull, "no image"});
  CHECK(why.message == "Driver pi-driver is pending [ImagePull] no image");
}

TEST_CASE("docs/events.md tells of the events and reasons that there are", "[events]") {
  const std::string text = document();
  CHECK(text.find(events_table()) != std::string::npos);
  CHECK(text.find(reasons_table()) != std::string::npos);
}
