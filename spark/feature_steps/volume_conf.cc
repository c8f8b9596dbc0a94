#include "spark/feature_steps/volume_conf.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace spark {

using kube::ErrorKind;
using kube::fail;

namespace {

std::unexpected<kube::Error> refuse(std::string message) {
  return fail(ErrorKind::InvalidInput, std::move(message));
}

std::optional<bool> boolean(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

Result<> check_options(const VolumeConf& volume, const std::string& key, const SparkLine& line) {
  auto require = [&](const char* option) -> Result<> {
    if (volume.options.contains(option)) return {};
    return refuse(key + ".options." + option + ": missing");
  };
  if (volume.type == "hostPath") return require("path");
  if (volume.type == "nfs") {
    if (auto path = require("path"); !path) return path;
    return require("server");
  }
  if (volume.type == "persistentVolumeClaim")
    if (auto claim = require("claimName"); !claim) return claim;
  // A forgotten unit makes a disk of a few bytes, so later lines refuse it.
  const auto limit = volume.option("sizeLimit");
  if (line.refuse_small_sizes && limit && limit->size() <= 4 &&
      limit->find_first_not_of("0123456789") == std::string::npos && !limit->empty() &&
      std::stoi(*limit) < 1024)
    return refuse(key + ".options.sizeLimit: below 1024 bytes, a unit is missing");
  return {};
}

Result<VolumeConf> read_volume(const SparkConf::Entries& rest, const std::string& key, std::string type,
                               std::string name, const SparkLine& line) {
  VolumeConf volume;
  volume.type = std::move(type);
  volume.name = std::move(name);
  auto value = [&](const char* field) -> std::optional<std::string> {
    auto found = rest.find(field);
    if (found == rest.end()) return std::nullopt;
    return found->second;
  };
  const auto path = value("mount.path");
  if (!path) return refuse(key + ".mount.path: missing");
  volume.mount_path = *path;
  volume.sub_path = value("mount.subPath").value_or("");
  if (line.sub_path_expr) volume.sub_path_expr = value("mount.subPathExpr").value_or("");
  if (value("mount.subPath") && line.sub_path_expr && value("mount.subPathExpr"))
    return refuse(key + ".mount.subPathExpr: cannot be given together with subPath");
  const auto read_only = boolean(value("mount.readOnly").value_or("false"));
  if (!read_only) return refuse(key + ".mount.readOnly: expected true or false");
  volume.read_only = *read_only;
  for (const auto& [field, text] : rest) {
    if (field.starts_with("options.")) volume.options[field.substr(8)] = text;
    if (field.starts_with("label.")) volume.labels[field.substr(6)] = text;
    if (field.starts_with("annotation.")) volume.annotations[field.substr(11)] = text;
  }
  if (auto checked = check_options(volume, key, line); !checked) return fail(checked);
  return volume;
}

}  // namespace

Result<std::vector<VolumeConf>> read_volumes(const SparkConf& conf, std::string_view prefix,
                                             const SparkLine& line) {
  static constexpr std::array<std::string_view, 4> kTypes{"emptyDir", "hostPath", "nfs",
                                                          "persistentVolumeClaim"};
  std::map<std::pair<std::string, std::string>, SparkConf::Entries> grouped;
  for (const auto& [key, value] : conf.with_prefix(prefix)) {
    // "<type>.<name>.<rest>"; a volume is there with its name, also when nothing more is said.
    const auto first = key.find('.');
    if (first == std::string::npos || first + 1 == key.size()) continue;
    const auto second = std::min(key.find('.', first + 1), key.size());
    auto& rest = grouped[{key.substr(0, first), key.substr(first + 1, second - first - 1)}];
    if (second < key.size()) rest[key.substr(second + 1)] = value;
  }
  std::vector<VolumeConf> volumes;
  for (const auto& [id, rest] : grouped) {
    const std::string key = std::string(prefix) + id.first + "." + id.second;
    if (std::ranges::find(kTypes, id.first) == kTypes.end())
      return refuse(key + ": expected a volume of type emptyDir, hostPath, nfs or persistentVolumeClaim");
    auto volume = read_volume(rest, key, id.first, id.second, line);
    if (!volume) return fail(volume);
    volumes.push_back(*std::move(volume));
  }
  return volumes;
}

}  // namespace spark
