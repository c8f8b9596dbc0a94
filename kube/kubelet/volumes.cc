#include "kube/kubelet/volumes.h"

#include <algorithm>

#include "kube/core/json.h"
#include "kube/kubelet/file_tree.h"

namespace kube {
namespace {

namespace fs = std::filesystem;
using Kind = PodReference::Kind;

std::int64_t integer_at(const Json& json, const char* name, std::int64_t otherwise) {
  const Json* found = find_path(json, {name});
  return found != nullptr && found->is_number_integer() ? found->get<std::int64_t>() : otherwise;
}

bool leads_out(const std::string& path) {
  for (const fs::path& part : fs::path(path)) {
    if (part == "..") return true;
  }
  return path.starts_with('/');
}

// The files of a config map or secret: all keys, or those that `items` names.
Result<> add_keys(const Json& source, Kind kind, const std::string& name, unsigned mode,
                  const PodObjects& objects, PodVolume& volume) {
  auto data = objects.data(kind, name);
  const bool optional = flag_at(source, "optional");
  if (!data) {
    if (data.error().is_not_found() && optional) return {};
    return fail(data);
  }
  const Json& items = array_at(source, {"items"});
  if (items.empty()) {
    for (auto& [key, content] : *data) volume.files.push_back({key, content, mode});
    return {};
  }
  for (const Json& item : items) {
    const std::string key = string_at(item, {"key"}), path = string_at(item, {"path"});
    if (leads_out(path))
      return fail(ErrorKind::InvalidInput, "path \"" + path + "\" leads out of the volume");
    auto found = data->find(key);
    if (found == data->end()) {
      if (optional) continue;
      return fail(ErrorKind::NotFound,
                  std::string(to_string(kind)) + " \"" + name + "\" references non-existent key: " + key);
    }
    volume.files.push_back({path, found->second, static_cast<unsigned>(integer_at(item, "mode", mode))});
  }
  return {};
}

Result<> add_downward(const PodFacts& facts, const Json& source, unsigned mode, PodVolume& volume) {
  for (const Json& item : array_at(source, {"items"})) {
    const std::string path = string_at(item, {"path"});
    if (leads_out(path))
      return fail(ErrorKind::InvalidInput, "path \"" + path + "\" leads out of the volume");
    const Json* field = find_path(item, {"fieldRef"});
    const Json* resource = find_path(item, {"resourceFieldRef"});
    Result<std::string> content = field != nullptr      ? pod_field(facts, string_at(*field, {"fieldPath"}))
                                  : resource != nullptr ? resource_field(facts.pod, Json::object(), *resource)
                                                        : Result<std::string>("");
    if (!content) return fail(content);
    volume.files.push_back({path, *content, static_cast<unsigned>(integer_at(item, "mode", mode))});
  }
  return {};
}

Result<> add_projected(const PodFacts& facts, const Json& projected, const PodObjects& objects,
                       PodVolume& volume) {
  const auto mode = static_cast<unsigned>(integer_at(projected, "defaultMode", 0644));
  for (const Json& source : array_at(projected, {"sources"})) {
    Result<> added;
    if (const Json* part = find_path(source, {"configMap"})) {
      added = add_keys(*part, Kind::ConfigMap, string_at(*part, {"name"}), mode, objects, volume);
    } else if (const Json* secret = find_path(source, {"secret"})) {
      added = add_keys(*secret, Kind::Secret, string_at(*secret, {"name"}), mode, objects, volume);
    } else if (const Json* downward = find_path(source, {"downwardAPI"})) {
      added = add_downward(facts, *downward, mode, volume);
    } else if (const Json* token = find_path(source, {"serviceAccountToken"})) {
      volume.tokens.push_back({string_at(*token, {"path"}), string_at(*token, {"audience"}),
                               integer_at(*token, "expirationSeconds", 3600), mode});
    } else {
      return fail(ErrorKind::InvalidInput, "projected source " + source.dump() + " is not known here");
    }
    if (!added) return added;
  }
  return {};
}

Result<PodVolume> plan_volume(const PodFacts& facts, const Json& spec, const PodObjects& objects) {
  PodVolume volume;
  volume.name = string_at(spec, {"name"});
  Result<> added;
  if (const Json* map = find_path(spec, {"configMap"})) {
    added = add_keys(*map, Kind::ConfigMap, string_at(*map, {"name"}),
                     static_cast<unsigned>(integer_at(*map, "defaultMode", 0644)), objects, volume);
  } else if (const Json* secret = find_path(spec, {"secret"})) {
    added = add_keys(*secret, Kind::Secret, string_at(*secret, {"secretName"}),
                     static_cast<unsigned>(integer_at(*secret, "defaultMode", 0644)), objects, volume);
  } else if (const Json* projected = find_path(spec, {"projected"})) {
    added = add_projected(facts, *projected, objects, volume);
  } else if (const Json* downward = find_path(spec, {"downwardAPI"})) {
    added = add_downward(facts, *downward, static_cast<unsigned>(integer_at(*downward, "defaultMode", 0644)),
                         volume);
  } else if (const Json* host = find_path(spec, {"hostPath"})) {
    volume.kind = PodVolume::Kind::Host;
    volume.host_path = string_at(*host, {"path"});
    volume.host_type = string_at(*host, {"type"});
  } else if (const Json* claim = find_path(spec, {"persistentVolumeClaim"})) {
    volume.kind = PodVolume::Kind::Claim;
    volume.claim = string_at(*claim, {"claimName"});
    if (objects.find(Kind::Claim, volume.claim) == nullptr) {
      return fail(ErrorKind::NotFound, "persistentvolumeclaim \"" + volume.claim + "\" not found");
    }
  } else if (const Json* empty = find_path(spec, {"emptyDir"}); empty != nullptr || spec.size() <= 1) {
    const bool memory = empty != nullptr && string_at(*empty, {"medium"}) == "Memory";
    volume.kind = memory ? PodVolume::Kind::Memory : PodVolume::Kind::Empty;
  } else {
    std::string kind = "unknown";
    for (const auto& [key, value] : spec.items()) {
      if (key != "name") kind = key;
    }
    return fail(ErrorKind::InvalidInput, "volumes of kind " + kind + " do not exist on this node");
  }
  if (!added) return fail(added);
  return volume;
}

}  // namespace

Result<std::vector<PodVolume>> plan_volumes(const PodFacts& facts, const PodObjects& objects) {
  std::vector<PodVolume> volumes;
  for (const Json& spec : array_at(facts.pod, {"spec", "volumes"})) {
    Result<PodVolume> volume = plan_volume(facts, spec, objects);
    if (!volume) return fail(volume.error().while_doing("volume \"" + string_at(spec, {"name"}) + "\""));
    volumes.push_back(std::move(*volume));
  }
  return volumes;
}

Result<> write_volume(const PodVolume& volume, const fs::path& folder) {
  Result<> made = make_folders(folder);
  if (!made) return made;
  const bool shared = volume.kind != PodVolume::Kind::Files;
  Result<> open = set_mode(folder, shared ? 0777 : 0755);
  if (!open) return open;
  for (const PodVolume::File& file : volume.files) {
    const fs::path path = folder / file.path;
    Result<> parent = make_folders(path.parent_path());
    if (!parent) return parent;
    Result<> written = write_file(path, file.content, file.mode);
    if (!written) return written;
  }
  return {};
}

Result<> check_host_path(const PodVolume& volume) {
  const std::string& type = volume.host_type;
  const fs::path path = volume.host_path;
  std::error_code ignored;
  const bool folder = fs::is_directory(path, ignored), there = fs::exists(path, ignored);
  if (type == "DirectoryOrCreate" && !there) return make_folders(path);
  if (type == "FileOrCreate" && !there) return write_file(path, "", 0644);
  // No type: whatever is there; like container engines, a missing one becomes a folder.
  if (type.empty() && !there) return make_folders(path);
  const bool right = type.empty() || (type.starts_with("Directory") ? folder : there && !folder);
  if (!right) return fail(ErrorKind::NotFound, "hostPath " + volume.host_path + " is no " + type);
  return {};
}

Result<std::vector<BindMount>> plan_mounts(const Json& container,
                                           const std::map<std::string, std::string>& environment,
                                           const std::map<std::string, fs::path>& sources) {
  std::vector<BindMount> mounts;
  for (const Json& spec : array_at(container, {"volumeMounts"})) {
    const std::string name = string_at(spec, {"name"});
    auto source = sources.find(name);
    if (source == sources.end()) {
      return fail(ErrorKind::InvalidInput, "volumeMounts: the pod has no volume \"" + name + "\"");
    }
    BindMount mount;
    mount.source = source->second.string();
    mount.target = string_at(spec, {"mountPath"});
    if (!mount.target.starts_with('/')) mount.target = "/" + mount.target;
    mount.sub_path = string_at(spec, {"subPath"});
    if (const std::string text = string_at(spec, {"subPathExpr"}); !text.empty())
      mount.sub_path = expand(text, environment);
    if (leads_out(mount.sub_path)) {
      return fail(ErrorKind::InvalidInput,
                  "volumeMounts: subPath \"" + mount.sub_path + "\" leads out of the volume");
    }
    if (flag_at(spec, "readOnly")) mount.access = Access::ReadOnly;
    mounts.push_back(std::move(mount));
  }
  // A mount below another comes after it, or it would be hidden.
  std::ranges::sort(mounts, {}, &BindMount::target);
  return mounts;
}

}  // namespace kube
