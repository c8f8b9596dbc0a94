#include "kube/client/watch.h"

#include <algorithm>

#include "kube/core/status_error.h"

namespace kube {

Task<Result<std::optional<std::string>>> Watch::next_raw() {
  while (true) {
    auto line = co_await body_->read_line(std::min(give_up_, loop_->after(idle_timeout_)));
    if (!line || !*line || !(**line).empty()) co_return line;
  }
}

Task<Result<std::optional<Watch::Event>>> Watch::next() {
  auto line = co_await next_raw();
  if (!line) co_return fail(std::move(line));
  if (!*line) co_return std::optional<Event>();
  auto json = parse_json(**line);
  if (!json) co_return fail(Error(ErrorKind::Protocol, "watch event: " + json.error().message()));
  Event event{string_at(*json, {"type"}), Json()};
  if (auto object = json->find("object"); object != json->end()) event.object = std::move(*object);
  if (event.type == "ERROR") co_return fail(error_from_status(event.object).while_doing("watch"));
  co_return std::optional<Event>(std::move(event));
}

}  // namespace kube
