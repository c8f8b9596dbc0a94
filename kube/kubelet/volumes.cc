#include "kube/kubelet/volumes.h"

#include <algorithm>

#include "kube/kubelet/file_tree.h"

namespace kube {

namespace fs = std::filesystem;

namespace {

constexpr unsigned kDefaultMode = 0644;

std::string text_of(const Json& holder, const char* field) {
  const auto found = holder.find(field);
  return found != holder.end() && found->is_string() ? found->get<std::string>() : "";
}

unsigned mode_of(const Json& holder, const char* field, unsigned otherwise) {
  const auto found = holder.find(field);
  return found != holder.end() && found->is_number_integer() ? found->get<unsigned>() : otherwise;
}

// Keeps what the API server would refuse anyway from writing outside the volume.
Result<> write_into(const fs::path& volume, const std::string& path, const std::string& content,
                    unsigned mode) {
  if (path.empty() || path.front() == '/' || path.find("..") != std::string::npos) {
    return fail(ErrorKind::InvalidInput, "path \"" + path + "\" leaves the volume");
  }
  const fs::path file = volume / path;
  if (auto made = make_folders(file.parent_path()); !made) return made;
  return write_file(file, content, mode);
}

class VolumeMaker {
 public:
  VolumeMaker(const Json& pod, const PodSources& sources, const Tokens& tokens, const PodFacts& facts)
      : pod_(pod), sources_(sources), tokens_(tokens), facts_(facts) {}

  Result<fs::path> make(const Json& volume, const fs::path& own, const fs::path& claims) {
    const std::string name = text_of(volume, "name");
    if (const auto host = volume.find("hostPath"); host != volume.end()) return host_path(*host);
    if (const auto claim = volume.find("persistentVolumeClaim"); claim != volume.end()) {
      const fs::path folder = claims / text_of(pod_["metadata"], "namespace") / text_of(*claim, "claimName");
      if (auto made = open_folder(folder); !made) return fail(std::move(made));
      return folder;
    }
    if (auto made = open_folder(own); !made) return fail(std::move(made));
    if (volume.contains("emptyDir") || volume.contains("ephemeral")) return own;
    Result<> filled = {};
    if (const auto source = volume.find("configMap"); source != volume.end()) {
      filled = object(own, *source, SourceKind::ConfigMap, text_of(*source, "name"), kDefaultMode);
    } else if (const auto secret = volume.find("secret"); secret != volume.end()) {
      filled = object(own, *secret, SourceKind::Secret, text_of(*secret, "secretName"), kDefaultMode);
    } else if (const auto projected = volume.find("projected"); projected != volume.end()) {
      filled = project(own, *projected, name);
    } else if (const auto downward = volume.find("downwardAPI"); downward != volume.end()) {
      filled = downward_items(own, *downward, mode_of(*downward, "defaultMode", kDefaultMode));
    } else {
      std::string kind = "nothing";
      for (const auto& [key, value] : volume.items()) {
        if (key != "name") kind = key;
      }
      return fail(ErrorKind::InvalidInput, "a volume of kind " + kind + " needs a storage driver");
    }
    if (!filled) return fail(std::move(filled));
    return own;
  }

 private:
  static Result<> open_folder(const fs::path& folder) {
    if (auto made = make_folders(folder); !made) return made;
    return set_mode(folder, 0777);
  }

  static Result<fs::path> host_path(const Json& host) {
    const fs::path path = text_of(host, "path");
    const std::string type = text_of(host, "type");
    std::error_code error;
    if (type == "DirectoryOrCreate" || (type.empty() && !fs::exists(path, error))) {
      if (auto made = make_folders(path); !made) return fail(std::move(made));
    } else if (type == "FileOrCreate" && !fs::exists(path, error)) {
      if (auto made = write_file(path, "", 0644); !made) return fail(std::move(made));
    }
    const bool fits = type.empty() || type.ends_with("OrCreate") ||
                      (type == "Directory" && fs::is_directory(path, error)) ||
                      (type == "File" && fs::is_regular_file(path, error)) ||
                      (type == "Socket" && fs::is_socket(path, error));
    if (!fits) return fail(ErrorKind::InvalidInput, "hostPath " + path.string() + " is no " + type);
    return path;
  }

  Result<> object(const fs::path& folder, const Json& source, SourceKind kind, const std::string& name,
                  unsigned mode) {
    mode = mode_of(source, "defaultMode", mode);
    const auto& objects = kind == SourceKind::ConfigMap ? sources_.config_maps : sources_.secrets;
    const auto found = objects.find(name);
    if (found == objects.end()) return {};  // optional; a required one would have been waited for
    const auto keys = all_source_keys(found->second, kind);
    const auto items = source.find("items");
    if (items == source.end()) {
      for (const auto& [key, value] : keys) {
        if (auto written = write_into(folder, key, value, mode); !written) return written;
      }
      return {};
    }
    for (const Json& item : *items) {
      const auto value = keys.find(text_of(item, "key"));
      if (value == keys.end()) {
        if (source.value("optional", false)) continue;
        return fail(ErrorKind::InvalidInput, "no key \"" + text_of(item, "key") + "\" in " + name);
      }
      if (auto written =
              write_into(folder, text_of(item, "path"), value->second, mode_of(item, "mode", mode));
          !written) {
        return written;
      }
    }
    return {};
  }

  Result<> downward_items(const fs::path& folder, const Json& source, unsigned mode) {
    for (const Json& item : source.value("items", Json::array())) {
      std::string value;
      if (const auto field = item.find("fieldRef"); field != item.end()) {
        if (!downward_field(pod_, facts_, text_of(*field, "fieldPath"), value)) {
          return fail(ErrorKind::InvalidInput, "no field \"" + text_of(*field, "fieldPath") + "\"");
        }
      } else if (const auto resource = item.find("resourceFieldRef"); resource != item.end()) {
        for (const Json& container : pod_["spec"].value("containers", Json::array())) {
          if (text_of(container, "name") != text_of(*resource, "containerName")) continue;
          auto amount = downward_resource(container, *resource);
          if (!amount) return fail(std::move(amount));
          value = *amount;
        }
      }
      if (auto written = write_into(folder, text_of(item, "path"), value, mode_of(item, "mode", mode));
          !written) {
        return written;
      }
    }
    return {};
  }

  Result<> project(const fs::path& folder, const Json& projected, const std::string& volume) {
    const unsigned mode = mode_of(projected, "defaultMode", kDefaultMode);
    for (const Json& source : projected.value("sources", Json::array())) {
      Result<> written = {};
      if (const auto token = source.find("serviceAccountToken"); token != source.end()) {
        const std::string path = text_of(*token, "path");
        const auto issued = tokens_.find({volume, path});
        if (issued == tokens_.end()) return fail(ErrorKind::InvalidInput, "no token for " + path);
        written = write_into(folder, path, issued->second, mode);
      } else if (const auto map = source.find("configMap"); map != source.end()) {
        written = object(folder, *map, SourceKind::ConfigMap, text_of(*map, "name"), mode);
      } else if (const auto secret = source.find("secret"); secret != source.end()) {
        written = object(folder, *secret, SourceKind::Secret, text_of(*secret, "name"), mode);
      } else if (const auto downward = source.find("downwardAPI"); downward != source.end()) {
        written = downward_items(folder, *downward, mode);
      }
      if (!written) return written;
    }
    return {};
  }

  const Json& pod_;
  const PodSources& sources_;
  const Tokens& tokens_;
  const PodFacts& facts_;
};

}  // namespace

std::vector<TokenRequest> token_requests(const Json& pod) {
  std::vector<TokenRequest> requests;
  for (const Json& volume : pod.value("spec", Json::object()).value("volumes", Json::array())) {
    for (const Json& source : volume.value("projected", Json::object()).value("sources", Json::array())) {
      const auto token = source.find("serviceAccountToken");
      if (token == source.end()) continue;
      requests.push_back({text_of(volume, "name"), text_of(*token, "path"), text_of(*token, "audience"),
                          std::chrono::seconds(token->value("expirationSeconds", std::int64_t{3600}))});
    }
  }
  return requests;
}

Result<VolumeFolders> make_volumes(const Json& pod, const PodSources& sources, const Tokens& tokens,
                                   const PodFacts& facts, const fs::path& folder,
                                   const fs::path& claims_folder) {
  VolumeMaker maker(pod, sources, tokens, facts);
  VolumeFolders folders;
  for (const Json& volume : pod.value("spec", Json::object()).value("volumes", Json::array())) {
    const std::string name = text_of(volume, "name");
    auto made = maker.make(volume, folder / name, claims_folder);
    if (!made) return fail(std::move(made).error().while_doing("volume " + name));
    folders[name] = *made;
  }
  return folders;
}

Result<> plan_volume_mounts(const Json& container, const VolumeFolders& folders, const Variables& environment,
                            LaunchPlan& plan) {
  std::vector<BindMount> mounts;
  for (const Json& mount : container.value("volumeMounts", Json::array())) {
    const std::string name = text_of(mount, "name");
    const auto folder = folders.find(name);
    if (folder == folders.end()) {
      return fail(ErrorKind::InvalidInput, "container " + text_of(container, "name") + " mounts \"" + name +
                                               "\", which is no volume of the pod");
    }
    std::string sub_path = text_of(mount, "subPath");
    if (const std::string expression = text_of(mount, "subPathExpr"); !expression.empty()) {
      sub_path = expand_variables(expression, environment);
    }
    std::string target = text_of(mount, "mountPath");
    // /var/run is a link to /run inside.
    if (target.starts_with("/var/run/")) target.erase(0, 4);
    mounts.push_back({.source = folder->second.string(),
                      .sub_path = sub_path,
                      .target = target,
                      .access = mount.value("readOnly", false) ? Access::ReadOnly : Access::ReadWrite});
  }
  std::sort(mounts.begin(), mounts.end(),
            [](const BindMount& a, const BindMount& b) { return a.target < b.target; });
  for (const BindMount& mount : mounts) plan.bind(mount);
  return {};
}

}  // namespace kube
