#include "controller/application/failure_reason.h"

namespace controller {

namespace {

constexpr std::string_view kCut = " \xE2\x80\xA6";

constexpr bool in_order() {
  for (std::size_t i = 0; i < kFailureReasons.size(); ++i) {
    if (static_cast<std::size_t>(kFailureReasons[i].value) != i) return false;
  }
  return true;
}
static_assert(in_order(), "kFailureReasons is indexed by its values");

struct Found {
  FailureReason reason;
  std::size_t behind;  // the closing bracket
};

std::optional<Found> find_reason(std::string_view message) {
  for (std::size_t at = message.find('['); at != std::string_view::npos; at = message.find('[', at + 1)) {
    const std::size_t end = message.find(']', at);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view word = message.substr(at + 1, end - at - 1);
    for (const FailureReasonWords& known : kFailureReasons) {
      if (known.name == word) return Found{known.value, end + 1};
    }
  }
  return std::nullopt;
}

}  // namespace

std::string shortened(std::string text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  std::size_t end = bytes < kCut.size() ? 0 : bytes - kCut.size();
  // Bytes 10xxxxxx go on with a character that began before.
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return bytes < kCut.size() ? text : text.append(kCut);
}

std::string with_reason(std::string_view words, const Failure& failure) {
  std::string message(words);
  message.append(message.empty() ? "[" : " [").append(to_string(failure.reason)).append("]");
  if (!failure.sentence.empty()) message.append(" ").append(failure.sentence);
  return shortened(std::move(message), kErrorMessageLimit);
}

std::optional<FailureReason> reason_in(std::string_view message) {
  const auto found = find_reason(message);
  if (!found) return std::nullopt;
  return found->reason;
}

std::string_view sentence_in(std::string_view message) {
  if (const auto found = find_reason(message)) message.remove_prefix(found->behind);
  while (message.starts_with(' ')) message.remove_prefix(1);
  return message;
}

Failure refusal(const kube::Error& error) {
  struct Rule {
    std::string_view words;
    FailureReason reason;
  };
  static constexpr std::array<Rule, 10> kRules{
      Rule{"exceeded quota", FailureReason::QuotaExceeded},
      Rule{"failed quota", FailureReason::QuotaExceeded},
      Rule{"violates PodSecurity", FailureReason::PodSecurity},
      Rule{"error looking up service account", FailureReason::ServiceAccountNotFound},
      Rule{"because it is being terminated", FailureReason::NamespaceTerminating},
      Rule{"denied the request", FailureReason::AdmissionDenied},
      Rule{"denied request", FailureReason::AdmissionDenied},
      Rule{"cannot create resource", FailureReason::NotAuthorized},
      Rule{"cannot get resource", FailureReason::NotAuthorized},
      Rule{"cannot patch resource", FailureReason::NotAuthorized},
  };
  const std::string& text = error.message();
  for (const Rule& rule : kRules) {
    if (text.find(rule.words) != std::string::npos) return {rule.reason, text};
  }
  // What a spark-submit says, here or at a submission service, may have any cause.
  const bool said_by_spark_submit = text.find("failed to run spark-submit") != std::string::npos ||
                                    text.find("failed to submit Spark application") != std::string::npos;
  const bool invalid = error.kind() == kube::ErrorKind::Invalid ||
                       (error.kind() == kube::ErrorKind::InvalidInput && !said_by_spark_submit);
  return {invalid ? FailureReason::InvalidSpec : FailureReason::SubmissionRejected, text};
}

std::string exit_code_words(std::int64_t code) {
  std::string words = "exit code " + std::to_string(code);
  switch (code) {
    case 1:
      return words + ": the application ended with an error";
    case 50:
    case 51:
      return words + ": an exception that nobody caught";
    case 52:
      return words + ": the JVM ran out of memory (OutOfMemoryError)";
    case 101:
      return words + ": the main class was not found";
    case 126:
      return words + ": the command in the image cannot be executed";
    case 127:
      return words + ": the command is not in the image";
    case 134:
      return words + ": aborted (SIGABRT), as by a crash of the JVM";
    case 137:
      return words +
             ": killed (SIGKILL), by the node when it is short of memory, or at the end of a grace period";
    case 139:
      return words + ": crashed (SIGSEGV), in native code";
    case 143:
      return words + ": told to stop (SIGTERM)";
    default:
      break;
  }
  if (code > 128 && code < 128 + 65) words += ": ended by signal " + std::to_string(code - 128);
  return words;
}

}  // namespace controller
