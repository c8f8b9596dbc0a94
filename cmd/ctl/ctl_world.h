// World is an embedded API server with the operator's kinds, in simulated time, and sparkctl in front of it;
// for the tests of this room.
//
//   World world;
//   world.create(application("pi"));
//   Ran ran = world.run({"list"});
//   CHECK(ran.code == 0); CHECK_THAT(ran.out, Catch::Contains("pi"));
//
// sparkctl finds the server through a kubeconfig, as it does elsewhere. Thread: one.
#pragma once

#include <stdlib.h>

#include <cctype>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "api/crd.h"
#include "cmd/ctl/session.h"
#include "kube/apiserver/test_cluster.h"
#include "kube/core/gvk.h"

namespace ctl {

struct Ran {
  int code = -1;
  std::string out, err;
};

// A folder of this test's own, gone with it.
struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "ctl-XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path / name) << text;
    return (path / name).string();
  }
};

inline std::string source_text(const std::string& path) {
  std::ifstream in(std::string(SOURCE_DIR) + "/" + path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

inline kube::Json application(const std::string& name) {
  return {{"apiVersion", "sparkoperator.k8s.io/v1beta2"},
          {"kind", "SparkApplication"},
          {"metadata", {{"name", name}, {"namespace", "team-a"}}},
          {"spec",
           {{"type", "Python"},
            {"mode", "cluster"},
            {"sparkVersion", "3.5.7"},
            {"image", "spark:3.5.7"},
            {"mainApplicationFile", "local:///opt/pi.py"},
            {"driver", {{"cores", 1}, {"memory", "512m"}, {"serviceAccount", "spark"}}},
            {"executor", {{"cores", 1}, {"memory", "512m"}, {"instances", 2}}}}}};
}

class World {
 public:
  explicit World(std::string ns = "team-a") {
    for (const api::Kind kind : api::kKinds) cluster.post(kube::apiserver::kCrdsPath, api::crd(kind));
    create({{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", "team-a"}}}});
    tasks.spawn("server", cluster.server.run());
    cluster.loop.run_for(std::chrono::seconds(1));
    environment["KUBECONFIG"] = folder.write("kubeconfig", R"(apiVersion: v1
kind: Config
current-context: here
clusters: [{name: here, cluster: {server: "http://api:8080"}}]
users: [{name: me, user: {token: secret}}]
contexts:
- {name: here, context: {cluster: here, user: me, namespace: )" +
                                                               ns + R"(}}
- {name: there, context: {cluster: here, user: me, namespace: team-b}}
)");
  }
  ~World() {
    tasks.cancel();
    cluster.loop.run(tasks.join());
  }

  // As typed behind "sparkctl".
  Ran run(const std::vector<std::string>& words, std::string standard_input = "") {
    Ran ran;
    auto asked = parse_command_line(words);
    if (!asked) return {exit_code::kWrongInput, "", asked.error().message()};
    Session session(cluster.loop, network(), surroundings(ran, std::move(standard_input)));
    cluster.loop.run(body(session, *asked, ran));
    return ran;
  }

  // Runs as long as `duration` of simulated time; then it is told to stop, as by Ctrl-C. code -1: it had to
  // be.
  Ran run_for(const std::vector<std::string>& words, kube::Duration duration,
              const std::function<void()>& meanwhile = {}) {
    Ran ran;
    auto asked = parse_command_line(words);
    if (!asked) return {exit_code::kWrongInput, "", asked.error().message()};
    Session session(cluster.loop, network(), surroundings(ran, ""));
    kube::TaskGroup group(cluster.loop);
    group.spawn("command", body(session, *asked, ran));
    cluster.loop.run_for(duration / 2);
    if (meanwhile) meanwhile();
    cluster.loop.run_until([&] { return group.empty(); }, duration / 2);
    cluster.loop.run(group.cancel_and_join());
    return ran;
  }

  // By the object's own namespace and kind. Fails the test when the server refuses.
  kube::Json create(const kube::Json& object) {
    const std::string kind = kube::string_at(object, {"kind"});
    const auto answer = cluster.post(
        resource_of(kind).collection_path(kube::string_at(object, {"metadata", "namespace"})), object);
    if (answer.status != 201) throw std::runtime_error(kind + ": " + answer.body);
    return answer.json();
  }
  kube::Json get(const std::string& kind, const std::string& name, const std::string& ns = "team-a") {
    const auto answer = cluster.get(resource_of(kind).object_path({ns, name}));
    return answer.status == 200 ? answer.json() : kube::Json();
  }
  std::vector<kube::Json> list(const std::string& kind, const std::string& ns = "team-a") {
    return cluster.get(resource_of(kind).collection_path(ns)).json()["items"].get<std::vector<kube::Json>>();
  }
  void status(const std::string& kind, const std::string& name, const kube::Json& status,
              const std::string& ns = "team-a") {
    const auto answer =
        cluster.merge(resource_of(kind).object_path({ns, name}, "status"), {{"status", status}});
    if (answer.status != 200) throw std::runtime_error(kind + ": " + answer.body);
  }

  static kube::Resource resource_of(const std::string& kind) {
    for (const kube::Resource& known : kube::builtin_resources())
      if (known.kind == kind && known.group != "events.k8s.io") return known;
    std::string plural = kind + "s";
    for (char& c : plural) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return {"sparkoperator.k8s.io", kind == "SparkConnect" ? "v1alpha1" : "v1beta2", kind, plural};
  }

  kube::Network& network() { return cluster.network.host("desk"); }

  kube::apiserver::TestCluster cluster{[] {
    auto options = kube::apiserver::TestCluster::plain();
    options.static_tokens = {{"secret", {"me", "", {"system:masters"}, {}}}};
    options.kubelet_plain_http = true;
    return options;
  }()};
  kube::TaskGroup tasks{cluster.loop};
  Folder folder;
  std::map<std::string, std::string> environment;

 private:
  Surroundings surroundings(Ran& ran, std::string standard_input) {
    return {.out = [&ran](std::string_view text) { ran.out += text; },
            .err = [&ran](std::string_view text) { ran.err += text; },
            .environment = [this](const std::string& name) -> std::optional<std::string> {
              const auto found = environment.find(name);
              return found == environment.end() ? std::nullopt : std::optional(found->second);
            },
            .standard_input = std::move(standard_input)};
  }
  static kube::Task<> body(Session& session, const Invocation& asked, Ran& ran) {
    ran.code = co_await asked.command->run(session, asked);
  }
};

}  // namespace ctl
