#include "controller/application/transitions.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>

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

TEST_CASE("docs/states.md shows the table", "[states]") {
  const std::string file = SOURCE_DIR "/docs/states.md";
  std::stringstream text;
  text << std::ifstream(file).rdbuf();
  std::string page = text.str();
  const std::string opening = "```mermaid\n";
  const std::size_t begin = page.find(opening);
  REQUIRE(begin != std::string::npos);
  const std::size_t start = begin + opening.size();
  const std::size_t end = page.find("```", start);
  REQUIRE(end != std::string::npos);
  const std::string shown = page.substr(start, end - start);
  if (shown != mermaid() && std::getenv("CONTROLLER_UPDATE_DOCS") != nullptr) {
    std::ofstream(file) << page.replace(start, end - start, mermaid());
    return;
  }
  INFO("run this test with CONTROLLER_UPDATE_DOCS=1 to write it");
  CHECK(shown == mermaid());
}

TEST_CASE("docs/states.md explains every state", "[states]") {
  std::stringstream text;
  text << std::ifstream(SOURCE_DIR "/docs/states.md").rdbuf();
  const std::string page = text.str();
  const std::string table = page.substr(page.find("| State in status"));
  for (const auto& known : api::kStates) {
    INFO(known.name);
    CHECK(table.find(known.value == State::New ? "NEW" : std::string(known.name)) != std::string::npos);
  }
}
