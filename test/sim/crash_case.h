// CrashCase names one run of the crash test: which story, which submitter, with a lease or without, and at
// which writes of the operator it is killed.
//
//   CrashCase::parse("edit/native/alone/7after+2before")
//   // killed when the server has done the 7th write, and its successor at its own 2nd, before it is done
//
// Writes are counted from 1 since the start, or since the kill before; the lease's renewals do not count.
// Thread: values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "test/sim/plan.h"

namespace sim {

struct Kill {
  int write = 1;
  // When the server has carried it out and the answer is still on its way; otherwise before it is carried
  // out.
  bool after = false;
};

struct CrashCase {
  std::string story;
  StartedBy started_by = StartedBy::Native;
  bool lease = false;
  std::vector<Kill> kills;

  std::string to_string() const;
  static std::optional<CrashCase> parse(const std::string& text);
};

}  // namespace sim
