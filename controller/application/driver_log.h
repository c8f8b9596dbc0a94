// The last words of a driver: the line of its log that says why it ended, for errorMessage.
//
//   last_words(log) == "py4j.protocol.Py4JJavaError: …; Caused by: java.io.FileNotFoundException: s3a://…"
//
//   std::string words = co_await DriverLog(client).last_words(pod_key);   // "" when there is none to be had
//
// One request for some hundred lines, with a short deadline, and nothing depends on its answer: an operator
// that may not read logs, a node that does not answer or a log that is gone leave the reason as the pod tells
// it. Thread: the loop's only.
#pragma once

#include <string>
#include <string_view>

#include "kube/client/api.h"

namespace controller {

// The exception that ended a program of Python or the JVM, with its last cause; else the last line logged as
// an error, else the last lines. One line, bounded. "" for an empty log.
std::string last_words(std::string_view log);

class DriverLog {
 public:
  explicit DriverLog(kube::Client& client) : client_(client) {}

  kube::Task<std::string> last_words(kube::ObjectKey pod);

 private:
  kube::Client& client_;
};

}  // namespace controller
