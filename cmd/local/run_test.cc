#include "cmd/local/run.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "cmd/local/state_folder.h"

using namespace cmd;

namespace {

// A folder of this test's own, gone with it.
struct Folder {
  std::filesystem::path path;
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "cmd-local-XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string write(const std::string& text) const {
    std::ofstream(path / "app.yaml") << text;
    return (path / "app.yaml").string();
  }
};

const std::string kPi = R"(apiVersion: sparkoperator.k8s.io/v1beta2
kind: SparkApplication
metadata: {name: pi}
spec:
  type: Python
  mode: cluster
  sparkVersion: 3.5.7
  mainApplicationFile: local:///pi.py
  driver: {cores: 1}
  executor: {instances: 2}
)";

std::string with(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

}  // namespace

TEST_CASE("a file may hold several objects", "[local]") {
  Folder folder;
  const auto objects = read_manifests(
      folder.write(kPi + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n"));
  REQUIRE(objects);
  CHECK(objects->size() == 2);
}

TEST_CASE("what cannot be applied is refused with file, path and expectation", "[local]") {
  struct Row {
    const char* why;
    std::string text;
    std::vector<std::string> says;
  };
  const std::string second = "---\napiVersion: v1\nkind: ConfigMap\n";
  const Row rows[] = {
      {"no YAML", "a: [1\n", {"app.yaml"}},
      {"nothing", "", {"app.yaml", "no object"}},
      {"a text", "hello\n", {"expected an object"}},
      {"no kind", "apiVersion: v1\nmetadata: {name: x}\n", {"kind"}},
      {"a kind that nobody serves", with(kPi, "SparkApplication", "SparkAplication"), {"SparkAplication"}},
      {"another version", with(kPi, "v1beta2", "v1beta1"), {"v1beta2", "v1beta1"}},
      {"a wrong type", with(kPi, "cores: 1", "cores: two"), {"spec.driver.cores", "integer", "two"}},
      {"no name", with(kPi, "metadata: {name: pi}", "metadata: {}"), {"metadata.name"}},
      {"the second of two", kPi + second + "metadata: {}\n", {"document 2", "metadata.name"}},
      {"a name that is a number", second + "metadata: {name: 5}\n", {"metadata.name", "5"}},
      {"a namespace that is a list", second + "metadata: {name: x, namespace: []}\n", {"metadata.namespace"}},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    Folder folder;
    const auto objects = read_manifests(folder.write(row.text));
    REQUIRE_FALSE(objects);
    for (const std::string& word : row.says) CHECK_THAT(objects.error().message(), Catch::Contains(word));
  }
}

TEST_CASE("a missing file is named", "[local]") {
  const auto objects = read_manifests("/nowhere/app.yaml");
  REQUIRE_FALSE(objects);
  CHECK_THAT(objects.error().message(), Catch::Contains("/nowhere/app.yaml"));
}

TEST_CASE("a state folder is its owner's alone, and knows who holds it", "[local]") {
  Folder folder;
  const StateFolder state((folder.path / "cluster").string());
  CHECK_FALSE(state.running());
  REQUIRE(state.create());
  CHECK(std::filesystem::status(state.path()).permissions() == std::filesystem::perms::owner_all);
  CHECK_FALSE(state.running());
  // A lock file without a living holder means nothing.
  std::ofstream(state.path() + "/lock") << "12345\n";
  CHECK_FALSE(state.running());
  REQUIRE(state.lock());
  CHECK(state.running() == getpid());
  const auto again = StateFolder(state.path()).lock();
  REQUIRE_FALSE(again);
  CHECK_THAT(again.error().message(), Catch::Contains(std::to_string(getpid())));
}
