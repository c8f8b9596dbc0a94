#include "controller/submit/remarks.h"

#include "controller/application/event_texts.h"
#include "spark/monitoring.h"
#include "spark/pod_mutation.h"

namespace controller {

std::string listed(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i)
    text.append(i == 0 ? "" : i + 1 == words.size() ? " and " : ", ").append(words[i]);
  return text;
}

std::vector<Note> webhook_remarks(const api::SparkApplication& app, const spark::SubmitOptions& options) {
  if (options.webhook_runs) return {};
  const std::vector<std::string> fields = spark::fields_needing_webhook(app);
  if (fields.empty()) return {};
  return {event(EventReason::SparkPodWebhookNeeded,
                {"only a pod webhook can give executors what these say: " + listed(fields)})};
}

std::vector<Note> idle_field_remarks(const api::SparkApplication& app, const spark::SubmitOptions& options) {
  std::vector<std::string> fields;
  if (app.spec.failure_retries) fields.emplace_back("failureRetries (restartPolicy has what it once said)");
  if (app.spec.retry_interval) fields.emplace_back("retryInterval (restartPolicy has what it once said)");
  if (spark::monitoring_says_nothing(app.spec))
    fields.emplace_back("monitoring (neither prometheus nor metricsProperties is there)");
  if (app.spec.batch_scheduler_options && !options.batch.enabled)
    fields.emplace_back("batchSchedulerOptions (the operator has no --enable-batch-scheduler)");
  if (fields.empty()) return {};
  return {event(EventReason::SparkApplicationFieldsIgnored, {listed(fields)})};
}

}  // namespace controller
