#include "controller/application/driver_failure.h"

#include "controller/application/driver_log.h"

namespace controller {

namespace {

constexpr std::string_view kPending = "driver pod is pending";

// Codes of a container that was told to end, or did not heed it in time.
bool ended_from_outside(std::int64_t code) {
  return code == 143 || code == 137;
}

std::string with_text(std::string words, std::string_view text) {
  if (!text.empty()) words.append(": ").append(text);
  return words;
}

std::string meaning(FailureReason reason) {
  return std::string(kFailureReasons[static_cast<std::size_t>(reason)].meaning);
}

}  // namespace

Failure failure_of(const PodView& driver) {
  const auto& ended = driver.spark_container;
  const auto& trouble = driver.trouble;
  if (ended && ended->exit_code != 0) {
    if (ended->reason == "OOMKilled") {
      return {FailureReason::OomKilled,
              "the driver's container used more memory than its limit; spec.driver.memory and "
              "memoryOverhead set it"};
    }
    // Who was told to go by the cluster ends by a signal; one that fails by itself meanwhile has its own
    // reason.
    if (trouble.reason && ended_from_outside(ended->exit_code))
      return {*trouble.reason, with_text(meaning(*trouble.reason), trouble.text)};
    if (driver.terminating && ended_from_outside(ended->exit_code))
      return {FailureReason::DriverDeleted, meaning(FailureReason::DriverDeleted)};
    return {FailureReason::ExitCode,
            with_text(exit_code_words(ended->exit_code), last_words(ended->message))};
  }
  if (trouble.reason) return {*trouble.reason, with_text(meaning(*trouble.reason), trouble.text)};
  if (driver.terminating) return {FailureReason::DriverDeleted, meaning(FailureReason::DriverDeleted)};
  return {FailureReason::Unknown, with_text(meaning(FailureReason::Unknown), driver.message)};
}

std::optional<Failure> start_obstacle(const PodView& driver) {
  if (driver.phase != PodPhase::Pending || !driver.trouble.reason) return std::nullopt;
  const FailureReason reason = *driver.trouble.reason;
  return Failure{reason, with_text(meaning(reason), driver.trouble.text)};
}

std::string driver_failure(const PodView& driver) {
  const auto& ended = driver.spark_container;
  std::string words = "driver container status missing";
  if (ended && ended->exit_code != 0) {
    words = "driver container failed with ExitCode: " + std::to_string(ended->exit_code) +
            ", Reason: " + ended->reason;
  }
  return with_reason(words, failure_of(driver));
}

std::string driver_pending(const Failure& obstacle) {
  return with_reason(kPending, obstacle);
}

bool is_driver_pending(std::string_view message) {
  return message.starts_with(kPending);
}

std::string driver_gone(std::string_view pod) {
  return with_reason("driver pod not found",
                     {FailureReason::DriverNotFound,
                      "pod " + std::string(pod) + " is gone: somebody deleted it, or its node was lost"});
}

bool log_is_worth_reading(const PodView& driver) {
  return driver.spark_container && driver.spark_container->exit_code != 0 &&
         driver.spark_container->message.empty() && failure_of(driver).reason == FailureReason::ExitCode;
}

std::string with_last_words(std::string message, std::string_view last_words) {
  if (last_words.empty()) return message;
  message.append(": ").append(last_words);
  return shortened(std::move(message), kErrorMessageLimit);
}

}  // namespace controller
