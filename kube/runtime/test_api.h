// TestApi is a small API server on a simulated network, with faults on demand; for tests of this room. It
// knows just enough: get, list (paged), watch (bookmarks, 410), create, merge patch with resourceVersion,
// delete.
//
//   TestApi api(seed);
//   api.put("pods", {{"metadata", {{"name", "a"}, {"namespace", "ns"}}}});
//   auto client = api.client("operator");
//   api.cut_watches();                                   // in the middle of a line
//   api.compact();                                       // older versions answer 410
//   api.fault = [](const std::string& request) { return Fault::LostAnswer; };
//
// Thread: one. Lifetime: outlives its clients' tasks.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kube/async/sim_loop.h"
#include "kube/async/sim_network.h"
#include "kube/async/task_group.h"
#include "kube/client/client.h"
#include "kube/core/json.h"
#include "kube/http/server.h"

namespace kube {

enum class Fault {
  None,
  Refuse,      // 503, nothing done
  Throttle,    // 429, Retry-After: 1
  Forbid,      // 403
  Gone,        // 410 as a status
  LostAnswer,  // done, but the connection is cut
  CutRequest,  // not done, connection cut
  Hang,        // no answer, nothing done
  EmptyBody,   // 200 and no body: a watch that ends at once, in the regular way
  GaveUp,      // 504 of a proxy in between
};

class TestApi {
 public:
  explicit TestApi(std::uint64_t seed = 1);
  ~TestApi();

  std::unique_ptr<Client> client(const std::string& host, ClientOptions options = {});

  // Makes or replaces; version and uid (when it is new) are the server's. Answers the object.
  Json put(const std::string& resource, Json object);
  void erase(const std::string& resource, const std::string& ns, const std::string& name);
  // Null when there is none.
  Json get(const std::string& resource, const std::string& ns, const std::string& name) const;
  std::vector<Json> all(const std::string& resource) const;
  int version() const { return version_; }

  void cut_watches();
  void stall_watches();  // those that are open now say nothing more, and do not end
  void compact();        // versions up to now are forgotten
  void send_bookmarks();
  std::size_t open_watches() const { return watchers_.size(); }

  // Asked before each request ("GET /api/v1/pods?…").
  std::function<Fault(const std::string& request)> fault;
  // Told each event's line before a watch sends it; may change it.
  std::function<void(std::string& line)> spoil;
  // Watches answer 410 inside the stream instead of as a status.
  bool gone_in_stream = false;

  SimLoop loop;
  SimNetwork net{loop};
  TaskGroup tasks{loop};
  std::vector<std::string> requests;

 private:
  struct Event {
    int version;
    std::string resource;
    std::string type;
    Json object;
  };
  struct Watcher {
    explicit Watcher(Loop& on) : news(on) {}
    bool cut = false;
    bool stalled = false;
    bool bookmark = false;
    int position = 0;
    WaitList news;
  };
  struct Target;

  Task<> answer(HttpExchange& exchange);
  HttpResponse serve(const HttpRequest& request, const Target& target);
  HttpResponse list(const Target& target);
  HttpResponse write(const HttpRequest& request, const Target& target);
  Task<> watch(HttpExchange& exchange, const Target& target);
  Json store(const std::string& resource, const std::string& key, Json object);
  void record(const std::string& resource, const std::string& type, const Json& object);

  HttpServer server_;
  std::map<std::string, std::map<std::string, Json>> objects_;  // by resource, then "ns/name"
  std::vector<Event> history_;
  std::map<std::string, std::pair<int, std::vector<Json>>> pages_;  // by continue token
  std::vector<Watcher*> watchers_;
  int version_ = 0;
  int compacted_ = 0;
  int next_uid_ = 0;
  int next_token_ = 0;
};

}  // namespace kube
