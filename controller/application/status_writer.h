// StatusWriter is the only way an application's status changes: one write, with the resourceVersion that was
// decided on, and then the events that tell people.
//
//   auto written = co_await writer.write(app, next_status, notes);
//   if (!written && written.error().is_conflict()) …      // somebody was faster: read again and decide again
//
// The whole status goes out (times as explicit nulls, as clients of the Go operator expect), so it can only
// be what was decided. No secret value of the application passes here (controller/submit/redaction.h),
// whoever it was that repeated it to us. Thread: the loop's only.
#pragma once

#include <functional>
#include <vector>

#include "controller/application/application_view.h"
#include "controller/application/decision.h"
#include "controller/submit/redaction.h"
#include "kube/base/log.h"
#include "kube/client/status_api.h"
#include "kube/runtime/event_recorder.h"

namespace controller {

class StatusWriter {
 public:
  // Told after each write: the version that it was decided on, and the version that it made.
  using Written =
      std::function<void(const kube::ObjectKey& app, const std::string& before, const std::string& after)>;

  // Told what was written over what; `sure` is false when no answer said whether it was.
  using Observer = std::function<void(const api::SparkApplication& before,
                                      const api::SparkApplicationStatus& next, bool sure)>;

  StatusWriter(kube::Client& client, kube::EventRecorder& events, Written written = {},
               Redaction redaction = {}, Observer observer = {})
      : client_(client),
        statuses_(client, kSparkApplications),
        events_(events),
        written_(std::move(written)),
        redaction_(std::move(redaction)),
        observer_(std::move(observer)) {}

  // Answers the resourceVersion that the application has now.
  kube::Task<kube::Result<std::string>> write(const api::SparkApplication& app,
                                              api::SparkApplicationStatus next, std::vector<Note> notes,
                                              kube::Log log);
  void tell(const api::SparkApplication& app, const std::vector<Note>& notes);
  // For the log: without the secrets of this application.
  kube::Error without_secrets(const api::SparkApplication& app, const kube::Error& error) const;

 private:
  kube::Client& client_;
  kube::StatusApi statuses_;
  kube::EventRecorder& events_;
  const Written written_;
  const Redaction redaction_;
  const Observer observer_;
};

}  // namespace controller
