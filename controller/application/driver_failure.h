// Why a driver has failed, and why one does not start, from its pod.
//
//   status.error_message = driver_failure(pod);          // the Go operator's words, [reason], sentence
//   if (auto obstacle = start_obstacle(pod)) …           // pending, and it will not start by itself
//
// The last words of the driver's log, where somebody has read them (driver_log.h), are added behind:
//   with_last_words(message, "Caused by: java.io.FileNotFoundException: s3a://…")
// Thread: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "controller/application/failure_reason.h"
#include "controller/application/pod_view.h"

namespace controller {

// Of a driver whose state is FAILED.
Failure failure_of(const PodView& driver);

// What holds up a driver that is pending; nullopt: nothing out of the ordinary.
std::optional<Failure> start_obstacle(const PodView& driver);

// What goes into errorMessage: "driver container failed with ExitCode: 1, Reason: Error [ExitCode] …", or,
// where no container tells how it ended, "driver container status missing [Evicted] …".
std::string driver_failure(const PodView& driver);
// While it is pending: "driver pod is pending [ImagePull] …".
std::string driver_pending(const Failure& obstacle);
// A message of that form, to be cleared when the driver runs.
bool is_driver_pending(std::string_view message);
// "driver pod not found [DriverNotFound] …"
std::string driver_gone(std::string_view pod);

// Whether the log may tell more than the pod does: the application itself ended with an error, and left no
// termination message.
bool log_is_worth_reading(const PodView& driver);
std::string with_last_words(std::string message, std::string_view last_words);

}  // namespace controller
