#include "kube/kubelet/image_store.h"

#include <set>

#include "kube/core/json.h"
#include "kube/kubelet/file_tree.h"

namespace kube {
namespace fs = std::filesystem;
namespace {

// "registry:5000/team/web:1.2@sha256:…" → {"registry:5000/team/web", "1.2"}
std::pair<std::string, std::string> split_reference(std::string reference) {
  reference = reference.substr(0, reference.find('@'));
  const std::size_t colon = reference.rfind(':');
  const std::size_t slash = reference.rfind('/');
  if (colon == std::string::npos || (slash != std::string::npos && colon < slash))
    return {reference, "latest"};
  return {reference.substr(0, colon), reference.substr(colon + 1)};
}

std::vector<std::string> candidates(const std::string& repository) {
  std::vector<std::string> names{repository};
  const std::size_t first = repository.find('/');
  if (first != std::string::npos) {
    const std::string head = repository.substr(0, first);
    // As container engines tell a registry from a user: it looks like a host.
    if (head.find_first_of(".:") != std::string::npos || head == "localhost")
      names.push_back(repository.substr(first + 1));
    names.push_back(repository.substr(repository.rfind('/') + 1));
  }
  return names;
}

std::vector<std::string> strings(const Json& value) {
  std::vector<std::string> out;
  if (!value.is_array()) return out;
  for (const Json& item : value) {
    if (item.is_string()) out.push_back(item.get<std::string>());
  }
  return out;
}

Result<Image> describe(const fs::path& folder) {
  Image image;
  if (fs::is_directory(folder / "opt")) image.opt = folder / "opt";
  Result<std::string> text = read_file(folder / "image.json");
  if (!text && !text.error().is_not_found()) return fail(text);
  if (!text) {
    if (fs::exists(folder / "opt/entrypoint.sh")) image.entrypoint = {"/opt/entrypoint.sh"};
    return image;
  }
  Result<Json> json = parse_json(*text);
  if (!json) return fail(json.error().while_doing((folder / "image.json").string()));
  if (!json->is_object()) {
    return fail(ErrorKind::InvalidInput,
                (folder / "image.json").string() + ": expected object, got " + describe_json(*json));
  }
  auto member = [&](const char* name) { return json->contains(name) ? (*json)[name] : Json(); };
  const Json environment = member("env");
  if (environment.is_object()) {
    for (const auto& [name, value] : environment.items()) {
      if (value.is_string()) image.environment[name] = value.get<std::string>();
    }
  }
  for (const std::string& pair : strings(environment)) {  // OCI's form: NAME=value
    const std::size_t equals = pair.find('=');
    if (equals != std::string::npos) image.environment[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  image.entrypoint = strings(member("entrypoint"));
  image.command = strings(member("cmd"));
  image.working_directory = string_at(*json, {"workingDir"});
  return image;
}

}  // namespace

Result<Image> ImageStore::find(const std::string& reference) const {
  if (auto known = table_.find(reference); known != table_.end()) return known->second;
  if (reference.empty()) return fail(ErrorKind::InvalidInput, "the container names no image");
  const auto [repository, tag] = split_reference(reference);
  std::string looked_at;
  for (const std::string& name : candidates(repository)) {
    if (name.find("..") != std::string::npos || tag.find('/') != std::string::npos) break;
    const fs::path folder = folder_ / name / tag;
    std::error_code ignored;
    if (fs::is_directory(folder, ignored)) return describe(folder);
    looked_at += (looked_at.empty() ? "" : ", ") + folder.string();
  }
  return fail(ErrorKind::NotFound,
              "image \"" + reference + "\" is not on this machine: no folder " + looked_at);
}

}  // namespace kube
