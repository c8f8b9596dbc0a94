#include "controller/application/transitions.h"

#include <catch2/catch.hpp>

using namespace controller;

TEST_CASE("no state that has started goes back to one before its submission without being cleaned",
          "[states]") {
  for (const Transition& row : kTransitions) {
    if (is_active(row.from)) {
      INFO(api::to_string(row.from) << " " << to_string(row.when));
      CHECK_FALSE(is_before_submission(row.to));
    }
  }
}

TEST_CASE("terminal states are left only by an edit of the spec", "[states]") {
  for (const Transition& row : kTransitions) {
    if (api::is_terminal(row.from)) CHECK(row.when == Fact::SpecChanged);
  }
}

TEST_CASE("every state but the terminal ones leads on", "[states]") {
  for (const auto& known : api::kStates) {
    bool leads_on = false;
    for (const Transition& row : kTransitions) leads_on |= row.from == known.value && row.to != row.from;
    CHECK(leads_on);
  }
}

TEST_CASE("the diagram names every change of state", "[states]") {
  const std::string text = mermaid();
  CHECK_THAT(text, Catch::Contains("NEW --> SUBMITTED: submitted"));
  CHECK_THAT(text, Catch::Contains("RUNNING --> FAILING: driver gone"));
}
