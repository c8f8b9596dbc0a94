#include "controller/application/event_texts.h"

namespace controller {

namespace {

// Of one argument: a note has 1,024 bytes for all of its sentence.
constexpr std::size_t kArgumentLimit = 900;

constexpr bool in_order() {
  for (std::size_t i = 0; i < kEventTexts.size(); ++i) {
    if (static_cast<std::size_t>(kEventTexts[i].value) != i) return false;
  }
  return true;
}
static_assert(in_order(), "kEventTexts is indexed by its values");

const EventText& text_of(EventReason reason) {
  return kEventTexts[static_cast<std::size_t>(reason)];
}

}  // namespace

Note event(EventReason reason, std::initializer_list<std::string_view> arguments) {
  const EventText& text = text_of(reason);
  std::string sentence;
  std::string_view rest = text.sentence;
  for (const std::string_view argument : arguments) {
    const std::size_t gap = rest.find("{}");
    if (gap == std::string_view::npos) break;
    sentence.append(rest.substr(0, gap)).append(shortened(std::string(argument), kArgumentLimit));
    rest.remove_prefix(gap + 2);
  }
  sentence.append(rest);
  return {text.warning, std::string(text.reason), std::move(sentence)};
}

Note event(EventReason reason, std::initializer_list<std::string_view> arguments, const Failure& why) {
  Note note = event(reason, arguments);
  note.message = with_reason(note.message, why);
  return note;
}

Note driver_note(const std::string& pod, State state) {
  switch (state) {
    case State::Running:
      return event(EventReason::SparkDriverRunning, {pod});
    case State::Succeeding:
      return event(EventReason::SparkDriverCompleted, {pod});
    case State::Failing:
      return event(EventReason::SparkDriverFailed, {pod});
    case State::Unknown:
      return event(EventReason::SparkDriverUnknown, {pod});
    default:
      return event(EventReason::SparkDriverPending, {pod});
  }
}

Note executor_note(const PodView& pod, api::PodState state) {
  const std::string& name = pod.key.name;
  switch (state) {
    case api::PodState::Pending:
      return event(EventReason::SparkExecutorPending, {name});
    case api::PodState::Running:
      return event(EventReason::SparkExecutorRunning, {name});
    case api::PodState::Completed:
      return event(EventReason::SparkExecutorCompleted, {name});
    case api::PodState::Failed: {
      const ContainerEnd end =
          pod.spark_container.value_or(ContainerEnd{-1, "Unknown (Container not Found)"});
      return event(EventReason::SparkExecutorFailed,
                   {name, std::to_string(end.exit_code), end.reason, pod.message});
    }
    case api::PodState::Unknown:
      break;
  }
  return event(EventReason::SparkExecutorUnknown, {name});
}

std::string_view action_of(std::string_view reason) {
  for (const EventText& text : kEventTexts) {
    if (text.reason == reason) return text.action;
  }
  return "Reconcile";
}

std::string events_table() {
  std::string table = "| Reason | Type | Sentence | When |\n|---|---|---|---|\n";
  for (const EventText& text : kEventTexts) {
    std::string sentence(text.sentence);
    for (std::size_t at; (at = sentence.find("{}")) != std::string::npos;) sentence.replace(at, 2, "…");
    table.append("| `").append(text.reason).append("` | ").append(text.warning ? "Warning" : "Normal");
    table.append(" | ").append(sentence).append(" | ").append(text.when).append(" |\n");
  }
  return table;
}

std::string reasons_table() {
  std::string table = "| Reason | Meaning | Infrastructure |\n|---|---|---|\n";
  for (const FailureReasonWords& words : kFailureReasons) {
    table.append("| `").append(words.name).append("` | ").append(words.meaning).append(" | ");
    table.append(words.blame == Blame::Infrastructure ? "yes" : "").append(" |\n");
  }
  return table;
}

}  // namespace controller
