// ReviewRoutes says which function answers the reviews of which path.
//
//   ReviewRoutes routes;
//   routes.add("/validate--v1-pod", [](const Review& review) { return Verdict::allow(); });
//   routes.add_task("/mutate--v1-pod", [&](const Review& review) { return look_up_and_decide(review); });
//   routes.add_task(path, read_and_decide, decide_if_known);     // a task only for what is not known yet
//
// A function that throws, or a task that ends by an exception, yields code 500 for that review alone. Thread:
// functions run on the thread of the server that they were given to; those that are given to several servers
// (ReviewThreads) run on several threads at once and may share only what nobody changes.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>

#include "kube/admission/review.h"
#include "kube/async/task.h"

namespace kube {

class ReviewRoutes {
 public:
  // Pure: deciding takes no I/O.
  using Decide = std::function<Verdict(const Review&)>;
  // Where something must be asked first. The review lives until the task has ended; the task is cancelled
  // when the review's deadline passes.
  using DecideLater = std::function<Task<Verdict>(const Review&)>;
  // The same where nothing has to be asked; no answer: ask.
  using DecideAtOnce = std::function<std::optional<Verdict>(const Review&)>;

  ReviewRoutes& add(std::string path, Decide decide);
  // `at_once` is tried first: a task with its deadline costs more than many a decision.
  ReviewRoutes& add_task(std::string path, DecideLater decide, DecideAtOnce at_once = {});

  // As add(), for questions of our own that no metric shall count.
  ReviewRoutes& add_uncounted(std::string path, Decide decide);

  struct Handler {
    std::variant<Decide, DecideLater> decide;
    DecideAtOnce at_once{};
    bool counted = true;
  };
  const std::map<std::string, Handler, std::less<>>& all() const { return handlers_; }

 private:
  std::map<std::string, Handler, std::less<>> handlers_;
};

}  // namespace kube
