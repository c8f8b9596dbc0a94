// Session is what a command has of the world: where it prints, which files it may read, which API server it
// talks to.
//
//   Session session(loop, network, {.out = print, .err = complain});
//   auto cluster = session.cluster(asked);        // flags, $KUBECONFIG, ~/.kube/config, in-cluster
//   if (!cluster) co_return session.wrong(cluster.error());
//   kube::JsonApi apps(*cluster->client, controller::kSparkApplications, cluster->ns);
//
// Which API server and namespace: as kubectl decides. A namespace is -n, else the context's, else "default";
// upstream's sparkctl always took "default". Thread: the loop's only. Lifetime: outlives the command's task.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/ctl/command_line.h"
#include "kube/client/client.h"
#include "kube/core/json.h"

namespace ctl {

struct Surroundings {
  std::function<void(std::string_view)> out;  // what was asked for
  std::function<void(std::string_view)> err;  // everything else: errors, progress, notes
  bool colours = false;                       // `out` is a terminal and nobody set NO_COLOR
  kube::Environment environment = kube::process_environment();
  std::string standard_input = {};  // read before the loop runs, so that Ctrl-C always works
  std::string program = "sparkctl";
};

struct Cluster {
  kube::Client* client = nullptr;
  std::string ns;  // "" with --all-namespaces
};

class Session {
 public:
  Session(kube::Loop& loop, kube::Network& network, Surroundings surroundings);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  kube::Loop& loop() { return loop_; }
  kube::Network& network() { return network_; }
  const Surroundings& surroundings() const { return surroundings_; }

  // The client lives as long as the session; asking twice gives the same one.
  // Error InvalidInput or Io: there is no kubeconfig, or it cannot be used.
  kube::Result<Cluster> cluster(const Invocation& asked);
  // Of flags alone: what a command without cluster uses where a manifest names no namespace.
  static std::string namespace_of(const Invocation& asked);

  // The text of a file, "-" being standard input. Error Io.
  kube::Result<std::string> read_file(const std::string& path) const;

  void say(std::string_view line);    // to `out`, with a line end
  void print(std::string_view text);  // to `out`, as it is
  void note(std::string_view line);   // to `err`
  // One line on `err`, and the exit code that a command returns.
  int failed(const kube::Error& error);
  int failed(std::string_view what);
  int wrong(const kube::Error& error);
  int wrong(std::string_view what);

 private:
  kube::Loop& loop_;
  kube::Network& network_;
  Surroundings surroundings_;
  std::unique_ptr<kube::Client> client_;
  std::string context_namespace_;
};

}  // namespace ctl
