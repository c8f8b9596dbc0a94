// Redaction keeps secret values out of everything that people read: status, events and logs.
//
//   Redaction redaction;                                   // or create(pattern of --redaction-regex)
//   const auto values = redaction.values_of(app);          // what must not be seen, longest first
//   message = redaction.text(message, values);             // "… password=(hidden) was refused for (hidden)"
//   log.info("spark-submit starts", {{"arguments", redaction.arguments(arguments)}});
//
// A value is secret when its key matches a pattern (Spark's spark.redaction.regex and ours): a property, an
// environment variable, a Java system property, an option of the application; an application's own
// spark.redaction.regex adds to it. In text there are also the forms that tell by themselves: key=value, a
// password in a URL, bearer tokens, private keys. Names and paths of Kubernetes secrets are shown, since
// people need them.
//
// Whoever writes status and events is StatusWriter, and it asks here. Thread: immutable, any.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kube/base/result.h"

namespace api {
struct SparkApplication;
}

namespace controller {

class Redaction {
 public:
  // Spark's own words, then those of stores and libraries that it does not know.
  static constexpr std::string_view kDefaultPattern =
      "(?i)secret|password|token|access[._-]?key"
      "|passwd|passphrase|credential|api[._-]?key|private[._-]?key|account[._-]?key|encryption[._-]?key"
      "|(^|[._-])sig(nature)?$";

  Redaction();
  // Keys that match are secret. RE2 syntax, unanchored. Error: InvalidInput, with what is wrong about it.
  static kube::Result<Redaction> create(std::string_view pattern);
  ~Redaction();
  Redaction(const Redaction&);
  Redaction& operator=(const Redaction&);

  bool hides(std::string_view key) const;

  // This one, and what an object's own spark.redaction.regex hides besides.
  Redaction of(const std::map<std::string, std::string>& spark_conf) const;

  // A command line as it may be logged: what is secret in it reads (hidden), environment included.
  std::vector<std::string> arguments(std::vector<std::string> arguments) const;

  // Values to look for in other people's output. Not those that are too short to be told from any other text.
  // Longest first, once each.
  std::vector<std::string> values_in(const std::vector<std::string>& arguments) const;
  std::vector<std::string> values_of(const api::SparkApplication& app) const;

  // The text without `values`, and without what looks secret by itself.
  std::string text(std::string text, const std::vector<std::string>& values = {}) const;
  // The same error with such a message.
  kube::Error error(const kube::Error& error, const std::vector<std::string>& values) const;

 private:
  struct Pattern;
  explicit Redaction(std::shared_ptr<const Pattern> pattern);
  void collect(std::string_view key, std::string_view value, std::vector<std::string>& values) const;

  std::shared_ptr<const Pattern> pattern_;
  std::shared_ptr<const Pattern> also_;  // an application's; null: none
};

}  // namespace controller
