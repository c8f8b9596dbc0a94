// Watch is one open watch: events in the order the server applied them, on a connection of its own.
//
//   auto watch = co_await pods.watch(WatchOptions().from(list->resource_version));
//   while (true) {
//     Result<std::optional<std::string>> line = co_await watch->next_raw();
//     if (!line) …               // Gone: list again; Unavailable, Timeout: watch from the last version seen
//     if (!*line) break;         // the server has ended it in the regular way
//     use(**line);               // {"type":"ADDED","object":{…}}
//   }
//
// 410 arrives as the error Gone, both as a status of the request (from Api::watch) and as an ERROR event
// inside the stream (from next()); next_raw() gives such events as they are. Bookmarks are events of type
// BOOKMARK whose object has only a resourceVersion. A server that has died without a FIN would leave us
// waiting for ever: next() gives up with Timeout a little after the server should have ended the watch.
// Thread: the loop's only; one next() at a time. Lifetime: the Client outlives it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "kube/async/loop.h"
#include "kube/core/json.h"
#include "kube/http/client.h"

namespace kube {

class Watch {
 public:
  Watch(Loop& loop, std::unique_ptr<HttpBody> body, SteadyTime give_up, Duration idle_timeout)
      : loop_(&loop), body_(std::move(body)), give_up_(give_up), idle_timeout_(idle_timeout) {}

  Task<Result<std::optional<std::string>>> next_raw();

  struct Event {
    std::string type;  // ADDED, MODIFIED, DELETED, BOOKMARK
    Json object;
  };
  Task<Result<std::optional<Event>>> next();

 private:
  Loop* loop_;
  std::unique_ptr<HttpBody> body_;
  SteadyTime give_up_;
  Duration idle_timeout_;
};

}  // namespace kube
