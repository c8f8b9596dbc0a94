// Which submissions only a JVM can do, as a table of rules over the effective conf.
//
//   for (const FallbackReason& reason : fallback_reasons(conf)) log(reason.rule, reason.text);
//   // {"local-files", "spark.jars holds a file of the submitter, which has to be uploaded"}
//
// A rule is added by a row in fallback.cc. Texts name keys and never carry values that could be secrets.
// Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "spark/driver_conf.h"

namespace spark {

struct FallbackReason {
  std::string_view rule;  // stable, for metrics and tests: "local-files"
  std::string text;       // for people
  bool operator==(const FallbackReason&) const = default;
};

// Empty: the native submitter makes the same objects.
std::vector<FallbackReason> fallback_reasons(const DriverConf& conf);

}  // namespace spark
