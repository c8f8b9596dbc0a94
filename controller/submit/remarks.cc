#include "controller/submit/remarks.h"

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
  return {{false, kWebhookNeeded, "only a pod webhook can give executors what these say: " + listed(fields)}};
}

}  // namespace controller
