// kubectl against the server, over TLS with the admin's kubeconfig. Skipped, with the reason, where there is
// no kubectl.

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include <catch2/catch.hpp>

#include "kube/apiserver/test_cluster.h"
#include "kube/async/blocking.h"
#include "kube/async/real_loop.h"

namespace kube::apiserver {

namespace {

struct Output {
  int code = -1;
  std::string text;
};

Output shell(const std::string& command) {
  Output output;
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (!pipe) return output;
  char buffer[4096];
  while (std::size_t count = fread(buffer, 1, sizeof buffer, pipe)) output.text.append(buffer, count);
  output.code = pclose(pipe);
  return output;
}

// A folder of the test's own, removed at its end.
struct Folder {
  Folder() {
    std::string name = "/tmp/kubectl-test-XXXXXX";
    path = mkdtemp(name.data());
  }
  ~Folder() { (void)shell("rm -rf '" + path + "'"); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path + "/" + name) << text;
    return path + "/" + name;
  }
  std::string path;
};

struct Step {
  const char* why;
  std::string arguments;
  std::vector<std::string> says;  // all of these
  bool succeeds = true;
};

Task<> run_steps(Loop* loop, ApiServer* server, std::string kubectl, std::vector<Step> steps,
                 std::vector<Output>* outputs) {
  for (const Step& step : steps) {
    const std::string command = kubectl + " " + step.arguments;
    outputs->push_back(co_await run_blocking(*loop, [command] { return shell(command); }));
  }
  server->stop();
}

}  // namespace

TEST_CASE("kubectl works as on a cluster", "[kubectl]") {
  if (shell("command -v kubectl").code != 0) {
    WARN("skipped: there is no kubectl in PATH");
    return;
  }
  Folder folder;
  const std::string manifest = folder.write("app.json", [] {
    Json pod = pod_json("web", {{"app", "web"}});
    Json list = {
        {"apiVersion", "v1"}, {"kind", "List"}, {"items", Json::array({pod, config_map_json("conf")})}};
    return list.dump();
  }());
  const std::string changed =
      folder.write("changed.json", config_map_json("conf", {{"k", "v2"}, {"l", "w"}}).dump());
  const std::string crd = folder.write("crd.json", widget_crd().dump());
  const std::string widget = folder.write("widget.json", widget_json("small", {{"size", 1}}).dump());
  const std::string bad = folder.write("bad.json", widget_json("bad", {{"size", "big"}}).dump());
  Json misspelt = pod_json("misspelt");
  misspelt["spec"]["containrs"] = Json::array();
  const std::string typo = folder.write("typo.json", misspelt.dump());

  const std::vector<Step> steps{
      {"server version", "version", {"v1.35.4"}},
      {"namespaces", "get namespaces", {"default", "Active"}},
      {"create a namespace", "create namespace demo", {"namespace/demo created"}},
      {"apply creates", "-n demo apply -f " + manifest, {"pod/web created", "configmap/conf created"}},
      {"apply again changes nothing",
       "-n demo apply -f " + manifest,
       {"pod/web unchanged", "configmap/conf unchanged"}},
      {"apply configures", "-n demo apply -f " + changed, {"configmap/conf configured"}},
      {"server-side apply",
       "-n demo apply --server-side --force-conflicts -f " + changed,
       {"serverside-applied"}},
      {"get as a table", "-n demo get pods -o wide", {"READY", "0/1", "Pending"}},
      {"get as JSON path", "-n demo get cm conf -o jsonpath={.data.k}", {"v2"}},
      {"describe",
       "-n demo describe pod web",
       {"Service Account:  default", "kube-api-access-", "QoS Class:"}},
      {"wait",
       "-n demo wait --for=jsonpath={.status.phase}=Pending pod/web --timeout=20s",
       {"condition met"}},
      {"label and select", "-n demo label pod web tier=x", {"labeled"}},
      {"select", "-n demo get pods -l tier=x -o name", {"pod/web"}},
      {"a typing mistake is refused",
       "-n demo apply -f " + typo,
       {"unknown field \"spec.containrs\""},
       false},
      {"no log yet", "-n demo logs web", {}},
      {"a definition", "apply -f " + crd, {"created"}},
      {"a definition is established",
       "wait --for=condition=Established crd/widgets.example.com --timeout=20s",
       {"condition met"}},
      {"a custom resource", "apply -f " + widget, {"widget.example.com/small created"}},
      {"its columns", "get wd", {"STATE", "SIZE", "small"}},
      {"its schema holds", "apply -f " + bad, {"spec.size in body must be of type integer"}, false},
      {"explain", "explain widget.spec.mode", {"mode", "string"}},
      {"edit by patch", "patch widget small --type=merge -p '{\"spec\":{\"size\":5}}'", {"patched"}},
      {"what is not there", "-n demo get pod none", {"pods \"none\" not found"}, false},
      {"delete", "-n demo delete pod web", {"deleted"}},
      {"a token", "create token default", {"."}},
      {"may I", "auth can-i create pods", {"yes"}},
      {"delete a namespace and all in it", "delete namespace demo --timeout=60s", {"deleted"}},
  };

  RealLoop loop;
  TcpNetwork network(loop);
  ApiServer server(loop, network, {.listen = {"127.0.0.1", 0}});
  REQUIRE(server.start());
  const std::string kubeconfig = folder.write("kubeconfig", server.admin_kubeconfig());
  // No cache and no settings of whoever runs the test.
  const std::string kubectl =
      "HOME='" + folder.path + "' KUBECONFIG='" + kubeconfig + "' kubectl --request-timeout=60s";
  std::vector<Output> outputs;
  TaskGroup tasks(loop);
  loop.run([](TaskGroup* group, Loop* on, ApiServer* api, std::string command, std::vector<Step> what,
              std::vector<Output>* into) -> Task<> {
    group->spawn("server", api->run());
    co_await run_steps(on, api, std::move(command), std::move(what), into);
    co_await group->cancel_and_join();
  }(&tasks, &loop, &server, kubectl, steps, &outputs));

  REQUIRE(outputs.size() == steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    INFO(steps[i].why << ": kubectl " << steps[i].arguments << "\n" << outputs[i].text);
    CHECK((outputs[i].code == 0) == steps[i].succeeds);
    for (const std::string& said : steps[i].says) CHECK(outputs[i].text.find(said) != std::string::npos);
  }
}

}  // namespace kube::apiserver
