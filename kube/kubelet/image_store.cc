#include "kube/kubelet/image_store.h"

#include "kube/core/json.h"
#include "kube/kubelet/file_tree.h"

namespace kube {

namespace fs = std::filesystem;

namespace {

// "registry.example:5000/team/web:1.2@sha256:…" → {"registry.example:5000/team/web", "1.2"}.
std::pair<std::string, std::string> split(std::string reference) {
  reference = reference.substr(0, reference.find('@'));
  const std::size_t colon = reference.rfind(':');
  const std::size_t slash = reference.rfind('/');
  if (colon == std::string::npos || (slash != std::string::npos && colon < slash))
    return {reference, "latest"};
  return {reference.substr(0, colon), reference.substr(colon + 1)};
}

bool escapes(const std::string& part) {
  return part.empty() || part.find("..") != std::string::npos || part[0] == '/';
}

Result<> read_settings(const fs::path& file, Image& image) {
  auto text = read_file(file);
  if (!text) return text.error().is_not_found() ? Result<>{} : fail(std::move(text));
  auto json = parse_json(*text);
  if (!json) return fail(std::move(json).error().while_doing(file.string()));
  for (const auto& [name, value] : json->value("environment", Json::object()).items()) {
    if (value.is_string()) image.environment[name] = value;
  }
  if (const auto entrypoint = json->find("entrypoint"); entrypoint != json->end() && entrypoint->is_array()) {
    image.entrypoint.clear();
    for (const Json& word : *entrypoint) {
      if (word.is_string()) image.entrypoint.push_back(word);
    }
  }
  image.working_directory = json->value("workingDirectory", image.working_directory);
  return {};
}

}  // namespace

Result<Image> ImageStore::find(const std::string& reference) const {
  const auto [repository, tag] = split(reference);
  std::string looked;
  std::string name = repository;
  while (!escapes(name) && !escapes(tag)) {
    const fs::path folder = options_.root / name / tag;
    std::error_code error;
    if (fs::is_directory(folder / "opt", error)) {
      Image image{folder / "opt", options_.environment, options_.entrypoint, options_.working_directory};
      if (auto read = read_settings(folder / "image.json", image); !read) return fail(std::move(read));
      return image;
    }
    looked += (looked.empty() ? "" : ", ") + folder.string();
    const std::size_t slash = name.find('/');
    if (slash == std::string::npos) break;
    name = name.substr(slash + 1);
  }
  return fail(ErrorKind::NotFound, "image \"" + reference + "\" is not on this machine (looked in " +
                                       (looked.empty() ? "no folder: the name cannot be used" : looked) +
                                       ")");
}

}  // namespace kube
