// SparkMadeStart is what the starts have in common whose driver a spark-submit makes, a process of ours or
// one that a submission service runs: what it is given, the driver as it is seen from outside, and when that
// is complete.
//
//   class ProcessStart final : public SparkMadeStart {
//     …(…) : SparkMadeStart("spark-submit", std::move(parts), timeout + lease)
//     create_driver(…): run it, then `co_return made(*std::move(left->driver), exit_code_0)`
//   };
//
// Thread: the loop's only. Lifetime: as DriverStart's.
#pragma once

#include <string_view>
#include <utility>
#include <vector>

#include "controller/submit/redaction.h"
#include "controller/submit/spark_driver.h"
#include "controller/submit/spark_submit_input.h"
#include "controller/submit/submitter.h"

namespace controller {

class SparkMadeStart : public DriverStart {
 public:
  // Of a start that only completes a driver, `input` and `announcement` are empty.
  struct Parts {
    SparkDriver driver;
    SparkSubmitInput input = {};
    Redaction redaction = {};
    std::vector<Note> announcement = {};
  };

  std::string_view submitter() const final { return name_; }
  bool takes_long() const final { return true; }
  std::vector<Note> announcement() const final { return announcement_; }
  std::vector<Note> remarks() const final { return input_.remarks; }

  kube::Task<kube::Result<Completion>> complete(const PodView& driver) final {
    if (finished_) co_return Completion{};
    co_return co_await driver_.completion(driver, makers_live_);
  }

 protected:
  // `name`: a literal. `makers_live`: as SparkDriver::completion() wants it.
  SparkMadeStart(std::string_view name, Parts parts, kube::Duration makers_live)
      : driver_(std::move(parts.driver)),
        input_(std::move(parts.input)),
        redaction_(std::move(parts.redaction)),
        name_(name),
        announcement_(std::move(parts.announcement)),
        makers_live_(makers_live) {}

  // The driver is there. `finished`: who made it has said to us that all of it is.
  PodView made(SparkDriver::Found found, bool finished) {
    finished_ = finished;
    remark_on_driver(input_, found.object);
    return std::move(found.view);
  }

  SparkDriver driver_;
  SparkSubmitInput input_;
  const Redaction redaction_;  // of what it is given, and of what its maker says

 private:
  const std::string_view name_;
  const std::vector<Note> announcement_;
  const kube::Duration makers_live_;
  bool finished_ = false;
};

}  // namespace controller
