#include "kube/kubelet/environment.h"

#include <unistd.h>

#include "kube/core/quantity.h"

namespace kube {

namespace {

std::string text_of(const Json& holder, const char* field) {
  const auto found = holder.find(field);
  return found != holder.end() && found->is_string() ? found->get<std::string>() : "";
}

// labels['x'] → x; "" when the path is none of this map.
std::string subscript(const std::string& path, const std::string& map) {
  const std::string head = map + "['";
  if (!path.starts_with(head) || !path.ends_with("']")) return "";
  return path.substr(head.size(), path.size() - head.size() - 2);
}

std::string joined(const Json& map) {
  std::string lines;
  for (const auto& [key, value] : map.items()) {
    if (value.is_string()) lines += (lines.empty() ? "" : "\n") + key + "=" + Json(value).dump();
  }
  return lines;
}

class Builder {
 public:
  Builder(const Json& pod, const Json& container, const PodSources& sources, const PodFacts& facts,
          Variables initial)
      : pod_(pod), container_(container), sources_(sources), facts_(facts), variables_(std::move(initial)) {}

  Result<Variables> build() {
    for (const Json& from : container_.value("envFrom", Json::array())) {
      add_all(from, "configMapRef", SourceKind::ConfigMap);
      add_all(from, "secretRef", SourceKind::Secret);
    }
    for (const Json& variable : container_.value("env", Json::array())) {
      if (auto added = add(variable); !added) return fail(std::move(added));
    }
    return std::move(variables_);
  }

 private:
  const Json* object(SourceKind kind, const std::string& name) const {
    const auto& objects = kind == SourceKind::ConfigMap ? sources_.config_maps : sources_.secrets;
    const auto found = objects.find(name);
    return found == objects.end() ? nullptr : &found->second;
  }

  void add_all(const Json& from, const char* field, SourceKind kind) {
    const auto reference = from.find(field);
    if (reference == from.end()) return;
    const Json* source = object(kind, text_of(*reference, "name"));
    if (source == nullptr) return;
    for (const auto& [key, value] : all_source_keys(*source, kind))
      variables_[text_of(from, "prefix") + key] = value;
  }

  Result<> add(const Json& variable) {
    const std::string name = text_of(variable, "name");
    const auto from = variable.find("valueFrom");
    if (from == variable.end()) {
      variables_[name] = expand_variables(text_of(variable, "value"), variables_);
      return {};
    }
    if (const auto field = from->find("fieldRef"); field != from->end()) {
      std::string value;
      if (!downward_field(pod_, facts_, text_of(*field, "fieldPath"), value)) {
        return fail(ErrorKind::InvalidInput,
                    "env " + name + ": no field \"" + text_of(*field, "fieldPath") + "\"");
      }
      variables_[name] = value;
      return {};
    }
    if (const auto resource = from->find("resourceFieldRef"); resource != from->end()) {
      auto value = downward_resource(container_, *resource);
      if (!value) return fail(std::move(value).error().while_doing("env " + name));
      variables_[name] = *value;
      return {};
    }
    if (auto added = add_key(name, *from, "configMapKeyRef", SourceKind::ConfigMap); !added) return added;
    return add_key(name, *from, "secretKeyRef", SourceKind::Secret);
  }

  Result<> add_key(const std::string& name, const Json& from, const char* field, SourceKind kind) {
    const auto reference = from.find(field);
    if (reference == from.end()) return {};
    const std::string key = text_of(*reference, "key");
    const Json* source = object(kind, text_of(*reference, "name"));
    std::string value;
    if (source != nullptr && read_source_key(*source, kind, key, value)) {
      variables_[name] = value;
      return {};
    }
    if (reference->value("optional", false)) return {};
    return fail(ErrorKind::InvalidInput, "env " + name + ": no key \"" + key + "\" in " +
                                             (kind == SourceKind::Secret ? "secret " : "config map ") +
                                             text_of(*reference, "name"));
  }

  const Json& pod_;
  const Json& container_;
  const PodSources& sources_;
  const PodFacts& facts_;
  Variables variables_;
};

}  // namespace

Result<Variables> container_environment(const Json& pod, const Json& container, const PodSources& sources,
                                        const PodFacts& facts, Variables initial) {
  return Builder(pod, container, sources, facts, std::move(initial)).build();
}

std::string expand_variables(const std::string& text, const Variables& variables) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    if (text[i + 1] == '$') {
      out += '$';
      ++i;
      continue;
    }
    const std::size_t end = text[i + 1] == '(' ? text.find(')', i) : std::string::npos;
    if (end == std::string::npos) {
      out += text[i];
      continue;
    }
    const auto known = variables.find(text.substr(i + 2, end - i - 2));
    out += known == variables.end() ? text.substr(i, end - i + 1) : known->second;
    i = end;
  }
  return out;
}

std::vector<std::string> container_command(const Json& container, const std::vector<std::string>& entrypoint,
                                           const Variables& environment) {
  std::vector<std::string> words;
  const auto add = [&](const char* field) {
    const auto list = container.find(field);
    if (list == container.end() || !list->is_array()) return;
    for (const Json& word : *list) {
      if (word.is_string()) words.push_back(expand_variables(word.get<std::string>(), environment));
    }
  };
  add("command");
  if (words.empty()) words = entrypoint;
  add("args");
  return words;
}

bool downward_field(const Json& pod, const PodFacts& facts, const std::string& path, std::string& into) {
  const Json metadata = pod.value("metadata", Json::object());
  const Json spec = pod.value("spec", Json::object());
  if (path == "metadata.name" || path == "metadata.namespace" || path == "metadata.uid") {
    into = text_of(metadata, path.c_str() + std::string("metadata.").size());
  } else if (path == "metadata.labels" || path == "metadata.annotations") {
    into = joined(metadata.value(path.substr(9), Json::object()));
  } else if (const std::string label = subscript(path, "metadata.labels"); !label.empty()) {
    into = text_of(metadata.value("labels", Json::object()), label.c_str());
  } else if (const std::string note = subscript(path, "metadata.annotations"); !note.empty()) {
    into = text_of(metadata.value("annotations", Json::object()), note.c_str());
  } else if (path == "spec.nodeName") {
    into = facts.node_name;
  } else if (path == "spec.serviceAccountName") {
    into = text_of(spec, "serviceAccountName");
  } else if (path == "status.podIP" || path == "status.podIPs") {
    into = facts.pod_ip;
  } else if (path == "status.hostIP" || path == "status.hostIPs") {
    into = facts.host_ip;
  } else {
    return false;
  }
  return true;
}

Result<std::string> downward_resource(const Json& container, const Json& reference) {
  const std::string path = text_of(reference, "resource");  // limits.memory
  const std::size_t dot = path.find('.');
  if (dot == std::string::npos) return fail(ErrorKind::InvalidInput, "no resource \"" + path + "\"");
  const std::string name = path.substr(dot + 1);
  const Json resources = container.value("resources", Json::object());
  Json amount;
  // A container without the limit has what the node has; without the request, what it is limited to.
  for (const std::string& kind : {path.substr(0, dot), std::string("limits"), std::string("requests")}) {
    if (amount.is_null()) amount = resources.value(kind, Json::object()).value(name, Json());
  }
  if (amount.is_null()) {
    amount = name == "cpu" ? Json(std::to_string(sysconf(_SC_NPROCESSORS_ONLN)))
                           : Json(std::to_string(sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGE_SIZE)));
  }
  auto value = Quantity::parse(amount.is_string() ? amount.get<std::string>() : amount.dump());
  if (!value) return fail(std::move(value));
  const std::string divisor_text = text_of(reference, "divisor");
  auto divisor = Quantity::parse(divisor_text.empty() || divisor_text == "0" ? "1" : divisor_text);
  if (!divisor) return fail(std::move(divisor));
  const std::int64_t unit = divisor->milli_value() > 0 ? divisor->milli_value() : 1;
  return std::to_string((value->milli_value() + unit - 1) / unit);
}

}  // namespace kube
