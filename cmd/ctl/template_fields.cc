#include "cmd/ctl/template_fields.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "api/constants.h"
#include "spark/pod_mutation.h"

namespace ctl {

using kube::Json;

namespace {

void erase_if_empty(Json& object, const char* key) {
  if (auto found = object.find(key); found != object.end() && (found->is_null() || found->empty()))
    object.erase(found);
}

// The member, taken out; null when it is missing.
Json take(Json& object, const char* key) {
  auto found = object.find(key);
  if (found == object.end()) return nullptr;
  Json value = std::move(*found);
  object.erase(found);
  return value;
}

void take_list(Json& object, const char* key, std::vector<Json>& into) {
  const Json list = take(object, key);
  if (!list.is_array()) return;
  for (const Json& item : list) into.push_back(item);
}

void take_text(Json& object, const char* key, std::optional<std::string>& into) {
  if (auto found = object.find(key); found == object.end() || !found->is_string()) return;
  into = take(object, key).get<std::string>();
}

void take_texts(Json& object, const char* key, api::StringMap& into) {
  auto found = object.find(key);
  if (found == object.end() || !found->is_object()) return;
  for (auto item = found->begin(); item != found->end();) {
    // What properties of Spark set comes after a template, hence wins.
    const bool text = item.value().is_string();
    if (text) into.try_emplace(item.key(), item.value().get<std::string>());
    item = text ? found->erase(item) : std::next(item);
  }
  if (found->empty()) object.erase(found);
}

class Template {
 public:
  Template(Json whole, spark::PodRole role, api::SparkApplication& app)
      : whole_(std::move(whole)),
        role_(role),
        app_(app),
        fields_(role == spark::PodRole::Driver ? static_cast<api::SparkPodSpec&>(app.spec.driver)
                                               : app.spec.executor) {}

  Json lift();

 private:
  void operators_marks();
  void find_container();
  void volumes();
  void ports();
  void resources();
  void scheduling();

  Json whole_;
  const spark::PodRole role_;
  api::SparkApplication& app_;
  api::SparkPodSpec& fields_;
  Json container_ = Json::object();
  Json before_ = Json::array();  // containers in front of Spark's
};

void Template::operators_marks() {
  auto metadata = whole_.find("metadata");
  if (metadata == whole_.end() || !metadata->is_object()) return;
  if (auto owners = metadata->find("ownerReferences"); owners != metadata->end() && owners->is_array()) {
    for (auto owner = owners->begin(); owner != owners->end();)
      owner = kube::string_at(*owner, {"kind"}) == api::SparkApplication::kKind ? owners->erase(owner)
                                                                                : owner + 1;
    erase_if_empty(*metadata, "ownerReferences");
  }
  if (auto notes = metadata->find("annotations"); notes != metadata->end() && notes->is_object()) {
    const std::size_t marks =
        notes->erase(std::string(spark::kMutatedAnnotation)) + notes->erase(api::annotation::kSubmittedBy);
    erase_if_empty(*metadata, "annotations");
    // What the operator wants of all pods, not this application of its own.
    if (auto spec = whole_.find("spec"); marks > 0 && spec != whole_.end() && spec->is_object() &&
                                         spec->value("enableServiceLinks", Json()) == false)
      spec->erase("enableServiceLinks");
  }
}

// Spark's container by its name, else the first, as Spark itself chooses.
void Template::find_container() {
  const Json list = take(whole_["spec"], "containers");
  if (!list.is_array() || list.empty()) return;
  const char* name = role_ == spark::PodRole::Driver ? api::container::kDriver : api::container::kExecutor;
  std::size_t chosen = 0;
  for (std::size_t i = 0; i < list.size(); ++i)
    if (kube::string_at(list[i], {"name"}) == name) chosen = i;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (i < chosen) before_.push_back(list[i]);
    if (i == chosen) container_ = list[i];
    if (i > chosen) fields_.sidecars.push_back(list[i]);
  }
}

// A volume goes with the mounts of Spark's container. One name is one volume in an application, for driver
// and executors alike; where the templates differ, the second stays where it is.
void Template::volumes() {
  Json& spec = whole_["spec"];
  const auto mounts = container_.find("volumeMounts");
  const auto list = spec.find("volumes");
  if (mounts == container_.end() || !mounts->is_array() || list == spec.end() || !list->is_array()) return;
  std::set<std::string> lifted;
  Json left = Json::array();
  for (const Json& mount : *mounts) {
    const std::string name = kube::string_at(mount, {"name"});
    const auto named = [&](const Json& volume) { return kube::string_at(volume, {"name"}) == name; };
    const auto volume = std::find_if(list->begin(), list->end(), named);
    const auto known = std::ranges::find_if(app_.spec.volumes, named);
    const bool same = known == app_.spec.volumes.end() || (volume != list->end() && *known == *volume);
    if (volume == list->end() || !same || name.starts_with(api::volume::kLocalDirPrefix)) {
      left.push_back(mount);
      continue;
    }
    if (known == app_.spec.volumes.end()) app_.spec.volumes.push_back(*volume);
    fields_.volume_mounts.push_back(mount);
    lifted.insert(name);
  }
  *mounts = std::move(left);
  for (auto volume = list->begin(); volume != list->end();)
    volume = lifted.contains(kube::string_at(*volume, {"name"})) ? list->erase(volume) : volume + 1;
  erase_if_empty(spec, "volumes");
  erase_if_empty(container_, "volumeMounts");
}

void Template::ports() {
  const auto list = container_.find("ports");
  if (list == container_.end() || !list->is_array()) return;
  for (auto port = list->begin(); port != list->end();) {
    const bool plain = port->is_object() && port->size() == 3 && port->contains("containerPort") &&
                       (*port)["containerPort"].is_number_integer() &&
                       !kube::string_at(*port, {"name"}).empty() &&
                       !kube::string_at(*port, {"protocol"}).empty();
    if (plain)
      fields_.ports.push_back({.name = kube::string_at(*port, {"name"}),
                               .protocol = kube::string_at(*port, {"protocol"}),
                               .container_port = (*port)["containerPort"].get<std::int32_t>(),
                               .unknown = {}});
    port = plain ? list->erase(port) : port + 1;
  }
  erase_if_empty(container_, "ports");
}

void Template::resources() {
  auto resources = container_.find("resources");
  if (resources == container_.end() || !resources->is_object()) return;
  if (auto limits = resources->find("limits"); limits != resources->end() && limits->is_object()) {
    if (auto memory = limits->find("memory"); memory != limits->end() && memory->is_string())
      fields_.memory_limit = take(*limits, "memory").get<std::string>();
    // Extended resources have a domain in front; of several none is surely the GPU.
    const auto extended = [](const auto& item) { return item.key().find('/') != std::string::npos; };
    std::string name, amount;
    int found = 0;
    for (auto item = limits->begin(); item != limits->end(); ++item) {
      if (!extended(item)) continue;
      ++found;
      name = item.key();
      amount = item.value().is_string() ? item.value().get<std::string>() : item.value().dump();
    }
    std::int64_t quantity = 0;
    const auto [end, error] = std::from_chars(amount.data(), amount.data() + amount.size(), quantity);
    if (found == 1 && error == std::errc() && end == amount.data() + amount.size() && quantity > 0) {
      fields_.gpu = api::GpuSpec{.name = name, .quantity = quantity, .unknown = {}};
      limits->erase(name);
    }
    erase_if_empty(*resources, "limits");
  }
  erase_if_empty(container_, "resources");
}

void Template::scheduling() {
  Json& spec = whole_["spec"];
  take_text(spec, "priorityClassName", fields_.priority_class_name);
  take_text(spec, "schedulerName", fields_.scheduler_name);
  if (spec.contains("nodeSelector")) {
    api::StringMap selector;
    take_texts(spec, "nodeSelector", selector);
    fields_.node_selector = std::move(selector);
  }
  fields_.affinity = take(spec, "affinity");
  take_list(spec, "tolerations", fields_.tolerations);
}

Json Template::lift() {
  if (!whole_.is_object()) return nullptr;
  operators_marks();
  if (!whole_["spec"].is_object()) whole_["spec"] = Json::object();
  Json& spec = whole_["spec"];
  find_container();
  take_list(container_, "env", fields_.env);
  take_list(container_, "envFrom", fields_.env_from);
  volumes();
  ports();
  resources();
  scheduling();
  if (spec.value("hostNetwork", Json(false)) == true &&
      kube::string_at(spec, {"dnsPolicy"}) == "ClusterFirstWithHostNet") {
    fields_.host_network = true;
    spec.erase("hostNetwork");
    spec.erase("dnsPolicy");
  }
  take_list(spec, "hostAliases", fields_.host_aliases);
  fields_.dns_config = take(spec, "dnsConfig");
  take_list(spec, "initContainers", fields_.init_containers);
  fields_.security_context = take(container_, "securityContext");
  fields_.pod_security_context = take(spec, "securityContext");
  fields_.lifecycle = take(container_, "lifecycle");
  if (auto grace = spec.find("terminationGracePeriodSeconds");
      grace != spec.end() && grace->is_number_integer())
    fields_.termination_grace_period_seconds =
        take(spec, "terminationGracePeriodSeconds").get<std::int64_t>();
  if (spec.value("shareProcessNamespace", Json(false)) == true) {
    fields_.share_process_namespace = true;
    spec.erase("shareProcessNamespace");
  }
  erase_if_empty(whole_, "metadata");

  const char* name = role_ == spark::PodRole::Driver ? api::container::kDriver : api::container::kExecutor;
  whole_.erase("apiVersion");
  whole_.erase("kind");
  const bool bare =
      container_.empty() || (kube::string_at(container_, {"name"}) == name && container_.size() == 1);
  if (bare && before_.empty() && spec.empty() && whole_.size() == 1) return nullptr;
  // Among other containers Spark's must stay, or another one would be taken for it.
  container_["name"] = name;
  before_.push_back(std::move(container_));
  spec["containers"] = std::move(before_);
  return std::move(whole_);
}

}  // namespace

Json lift_template(Json pod_template, spark::PodRole role, api::SparkApplication& app) {
  return Template(std::move(pod_template), role, app).lift();
}

}  // namespace ctl
