#include "controller/application/status_writer.h"

#include "controller/application/event_texts.h"
#include "controller/application/final_status.h"
#include "kube/core/fields.h"

namespace controller {

using kube::Json;

kube::Task<kube::Result<std::string>> StatusWriter::write(const api::SparkApplication& app,
                                                          api::SparkApplicationStatus next,
                                                          std::vector<Note> notes, kube::Log log) {
  std::string& message = next.application_state.error_message;
  if (message != app.status.application_state.error_message)
    message = redaction_.text(std::move(message), redaction_.values_of(app));
  next = finalized(app, std::move(next), client_.loop().now());
  const kube::ObjectKey key = app.metadata.key();
  auto answer = co_await statuses_.write(key, app.metadata.resource_version, kube::encode(next));
  if (observer_ && (answer || answer.error().is_ambiguous())) observer_(app, next, answer.has_value());
  if (!answer)
    co_return kube::fail(std::move(answer).error().while_doing("write status of " + key.to_string()));
  const api::State before = app.status.application_state.state;
  const api::State after = next.application_state.state;
  if (before != after) {
    log.info("state changed", {{"from", api::to_string(before)},
                               {"to", api::to_string(after)},
                               {"submissionID", next.submission_id},
                               {"attempt", next.execution_attempts}});
  }
  tell(app, notes);
  std::string version = (*answer)["metadata"].value("resourceVersion", "");
  if (written_) written_(key, app.metadata.resource_version, version);
  co_return version;
}

void StatusWriter::tell(const api::SparkApplication& app, const std::vector<Note>& notes) {
  const kube::ObjectReference about{app.api_version,         api::SparkApplication::kKind,
                                    app.metadata.namespace_, app.metadata.name,
                                    app.metadata.uid,        app.metadata.resource_version};
  if (notes.empty()) return;
  const std::vector<std::string> secrets = redaction_.values_of(app);
  for (const Note& note : notes) {
    events_.event(about, note.warning ? kube::EventType::Warning : kube::EventType::Normal, note.reason,
                  redaction_.text(note.message, secrets), std::string(action_of(note.reason)));
  }
}

kube::Error StatusWriter::without_secrets(const api::SparkApplication& app, const kube::Error& error) const {
  return redaction_.of(app.spec.spark_conf).error(error, redaction_.values_of(app));
}

}  // namespace controller
