// Prints the controller's table of transitions, a row a line: FROM<tab>fact<tab>TO. What the life-cycle suite
// has to reach.
#include <cstdio>
#include <string>

#include "controller/application/transitions.h"

int main() {
  const auto name = [](controller::State state) {
    return state == controller::State::New ? std::string("NEW") : std::string(api::to_string(state));
  };
  for (const controller::Transition& row : controller::kTransitions) {
    const std::string fact(controller::to_string(row.when));
    std::printf("%s\t%s\t%s\n", name(row.from).c_str(), fact.c_str(), name(row.to).c_str());
  }
}
