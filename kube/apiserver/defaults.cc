#include "kube/apiserver/defaults.h"

#include "kube/core/base64.h"
#include "kube/core/quantity.h"

namespace kube::apiserver {

namespace {

void absent(Json& object, std::string_view name, Json value) {
  auto found = object.find(name);
  if (found == object.end() || found->is_null()) object[std::string(name)] = std::move(value);
}

Json* member(Json& object, std::string_view name) {
  if (!object.is_object()) return nullptr;
  auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

void default_probe(Json& container, std::string_view name) {
  Json* probe = member(container, name);
  if (!probe || !probe->is_object()) return;
  absent(*probe, "timeoutSeconds", 1);
  absent(*probe, "periodSeconds", 10);
  absent(*probe, "successThreshold", 1);
  absent(*probe, "failureThreshold", 3);
  if (Json* get = member(*probe, "httpGet")) {
    absent(*get, "path", "/");
    absent(*get, "scheme", "HTTP");
  }
}

std::string pull_policy(const std::string& image) {
  const std::size_t slash = image.rfind('/');
  const std::string last = slash == std::string::npos ? image : image.substr(slash + 1);
  if (last.find('@') != std::string::npos) return "IfNotPresent";
  const std::size_t colon = last.find(':');
  return colon == std::string::npos || last.substr(colon + 1) == "latest" ? "Always" : "IfNotPresent";
}

void default_container(Json& container) {
  if (!container.is_object()) return;
  absent(container, "terminationMessagePath", "/dev/termination-log");
  absent(container, "terminationMessagePolicy", "File");
  absent(container, "imagePullPolicy", pull_policy(string_at(container, {"image"})));
  absent(container, "resources", Json::object());
  for (std::string_view probe : {"livenessProbe", "readinessProbe", "startupProbe"})
    default_probe(container, probe);
  if (Json* ports = member(container, "ports"); ports && ports->is_array())
    for (Json& port : *ports) absent(port, "protocol", "TCP");
  if (Json* env = member(container, "env"); env && env->is_array())
    for (Json& variable : *env)
      if (Json* from = member(variable, "valueFrom"))
        if (Json* field = member(*from, "fieldRef")) absent(*field, "apiVersion", "v1");
  if (Json* resources = member(container, "resources")) {
    Json* limits = member(*resources, "limits");
    if (limits && limits->is_object()) {
      // A limit without a request is also the request.
      for (auto& [name, amount] : limits->items()) absent((*resources)["requests"], name, amount);
    }
  }
}

void default_volume(Json& volume) {
  if (!volume.is_object()) return;
  for (std::string_view source : {"configMap", "secret", "downwardAPI", "projected"})
    if (Json* of = member(volume, source)) absent(*of, "defaultMode", 420);
  if (Json* path = member(volume, "hostPath")) absent(*path, "type", "");
  if (Json* projected = member(volume, "projected"))
    if (Json* sources = member(*projected, "sources"); sources && sources->is_array())
      for (Json& source : *sources) {
        if (Json* token = member(source, "serviceAccountToken")) absent(*token, "expirationSeconds", 3600);
        if (Json* down = member(source, "downwardAPI"))
          if (Json* items = member(*down, "items"); items && items->is_array())
            for (Json& item : *items)
              if (Json* field = member(item, "fieldRef")) absent(*field, "apiVersion", "v1");
      }
  if (Json* down = member(volume, "downwardAPI"))
    if (Json* items = member(*down, "items"); items && items->is_array())
      for (Json& item : *items)
        if (Json* field = member(item, "fieldRef")) absent(*field, "apiVersion", "v1");
  const bool sourceless = volume.size() == 1 && volume.contains("name");
  if (sourceless) volume["emptyDir"] = Json::object();
}

void default_pod_spec(Json& spec) {
  if (!spec.is_object()) return;
  absent(spec, "restartPolicy", "Always");
  absent(spec, "dnsPolicy", "ClusterFirst");
  absent(spec, "terminationGracePeriodSeconds", 30);
  absent(spec, "schedulerName", "default-scheduler");
  absent(spec, "securityContext", Json::object());
  for (std::string_view list : {"containers", "initContainers", "ephemeralContainers"})
    if (Json* containers = member(spec, list); containers && containers->is_array())
      for (Json& container : *containers) default_container(container);
  if (Json* volumes = member(spec, "volumes"); volumes && volumes->is_array())
    for (Json& volume : *volumes) default_volume(volume);
  // The older of two names for one thing; both are always shown.
  if (std::string account = string_at(spec, {"serviceAccountName"}); !account.empty())
    spec["serviceAccount"] = account;
  else if (std::string old = string_at(spec, {"serviceAccount"}); !old.empty())
    spec["serviceAccountName"] = old;
}

void default_pod(Json& pod) {
  Json& spec = pod["spec"];
  default_pod_spec(spec);
  if (!spec.is_object()) return;
  absent(spec, "enableServiceLinks", true);
  absent(spec, "preemptionPolicy", "PreemptLowerPriority");
  absent(spec, "priority", 0);
  // Admission adds these to every pod: a node that is briefly away does not cost its pods.
  Json* tolerations = member(spec, "tolerations");
  if (!tolerations) {
    spec["tolerations"] = Json::array();
    tolerations = &spec["tolerations"];
  }
  for (std::string_view key : {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}) {
    bool tolerated = false;
    if (tolerations->is_array())
      for (const Json& one : *tolerations) {
        const std::string effect = string_at(one, {"effect"});
        const std::string tolerates = string_at(one, {"key"});
        tolerated = tolerated ||
                    ((effect.empty() || effect == "NoExecute") && (tolerates.empty() || tolerates == key));
      }
    if (!tolerated && tolerations->is_array())
      tolerations->push_back(
          {{"key", key}, {"operator", "Exists"}, {"effect", "NoExecute"}, {"tolerationSeconds", 300}});
  }
}

void default_service(Json& service) {
  Json& spec = service["spec"];
  if (spec.is_null()) spec = Json::object();
  absent(spec, "type", "ClusterIP");
  absent(spec, "sessionAffinity", "None");
  if (string_at(spec, {"type"}) != "ExternalName") {
    absent(spec, "internalTrafficPolicy", "Cluster");
    absent(spec, "ipFamilies", Json::array({"IPv4"}));
    absent(spec, "ipFamilyPolicy", "SingleStack");
  }
  const std::string type = string_at(spec, {"type"});
  if (type == "NodePort" || type == "LoadBalancer") absent(spec, "externalTrafficPolicy", "Cluster");
  if (type == "LoadBalancer") absent(spec, "allocateLoadBalancerNodePorts", true);
  if (Json* ports = member(spec, "ports"); ports && ports->is_array())
    for (Json& port : *ports) {
      if (!port.is_object()) continue;
      absent(port, "protocol", "TCP");
      if (port.contains("port")) absent(port, "targetPort", port["port"]);
    }
}

void default_secret(Json& secret) {
  absent(secret, "type", "Opaque");
  if (Json* plain = member(secret, "stringData"); plain && plain->is_object()) {
    for (auto& [name, value] : plain->items())
      if (value.is_string()) secret["data"][name] = encode_base64(value.get_ref<const std::string&>());
    secret.erase("stringData");
  }
}

void default_workload(Json& object, std::string_view table) {
  Json& spec = object["spec"];
  if (!spec.is_object()) return;
  if (table != "daemonsets.apps" && table != "jobs.batch" && table != "cronjobs.batch")
    absent(spec, "replicas", 1);
  if (table == "deployments.apps") {
    absent(spec, "revisionHistoryLimit", 10);
    absent(spec, "progressDeadlineSeconds", 600);
    absent(spec, "strategy",
           {{"type", "RollingUpdate"}, {"rollingUpdate", {{"maxSurge", "25%"}, {"maxUnavailable", "25%"}}}});
  }
  if (table == "statefulsets.apps") {
    absent(spec, "podManagementPolicy", "OrderedReady");
    absent(spec, "revisionHistoryLimit", 10);
  }
  if (table == "jobs.batch") {
    absent(spec, "backoffLimit", 6);
    absent(spec, "completions", 1);
    absent(spec, "parallelism", 1);
    absent(spec, "suspend", false);
  }
  if (Json* pod_template = member(spec, "template"))
    if (Json* pod = member(*pod_template, "spec")) default_pod_spec(*pod);
}

void default_crd(Json& crd) {
  Json& spec = crd["spec"];
  if (!spec.is_object()) return;
  absent(spec, "conversion", {{"strategy", "None"}});
  if (Json* names = member(spec, "names"); names && names->is_object()) {
    const std::string kind = string_at(*names, {"kind"});
    absent(*names, "listKind", kind + "List");
    std::string singular = kind;
    for (char& c : singular) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    absent(*names, "singular", singular);
  }
}

}  // namespace

void apply_builtin_defaults(std::string_view table, Json& object) {
  if (table == "pods") return default_pod(object);
  if (table == "services") return default_service(object);
  if (table == "secrets") return default_secret(object);
  if (table == "events") {
    absent(object, "source", Json::object());
    absent(object, "reportingComponent", "");
    absent(object, "reportingInstance", "");
  }
  if (table == "customresourcedefinitions.apiextensions.k8s.io") return default_crd(object);
  if (table == "deployments.apps" || table == "replicasets.apps" || table == "statefulsets.apps" ||
      table == "daemonsets.apps" || table == "jobs.batch")
    return default_workload(object, table);
  if (table == "persistentvolumeclaims") {
    if (Json* spec = member(object, "spec")) absent(*spec, "volumeMode", "Filesystem");
    return;
  }
  if (table == "namespaces") {
    object["spec"]["finalizers"] = Json::array({"kubernetes"});
    object["metadata"]["labels"]["kubernetes.io/metadata.name"] = string_at(object, {"metadata", "name"});
    return;
  }
  if (table.ends_with("webhookconfigurations.admissionregistration.k8s.io")) {
    Json* webhooks = member(object, "webhooks");
    if (!webhooks || !webhooks->is_array()) return;
    for (Json& webhook : *webhooks) {
      absent(webhook, "failurePolicy", "Fail");
      absent(webhook, "matchPolicy", "Equivalent");
      absent(webhook, "timeoutSeconds", 10);
      absent(webhook, "namespaceSelector", Json::object());
      absent(webhook, "objectSelector", Json::object());
      if (table.starts_with("mutating")) absent(webhook, "reinvocationPolicy", "Never");
      if (Json* config = member(webhook, "clientConfig"))
        if (Json* service = member(*config, "service")) absent(*service, "port", 443);
      if (Json* rules = member(webhook, "rules"); rules && rules->is_array())
        for (Json& rule : *rules) absent(rule, "scope", "*");
    }
  }
}

std::string_view qos_class(const Json& pod) {
  bool any = false, guaranteed = true;
  for (std::string_view list : {"containers", "initContainers"}) {
    const Json* containers = find_path(pod, {"spec", list});
    if (!containers || !containers->is_array()) continue;
    for (const Json& container : *containers) {
      for (std::string_view resource : {"cpu", "memory"}) {
        auto amount = [&](std::string_view kind) {
          const Json* value = find_path(container, {"resources", kind, resource});
          if (!value) return Quantity();
          auto parsed = Quantity::parse(value->is_string() ? value->get<std::string>() : dump_json(*value));
          return parsed ? *parsed : Quantity();
        };
        const Quantity request = amount("requests"), limit = amount("limits");
        any = any || !request.is_zero() || !limit.is_zero();
        guaranteed = guaranteed && !limit.is_zero() && request == limit;
      }
    }
  }
  return !any ? "BestEffort" : guaranteed ? "Guaranteed" : "Burstable";
}

}  // namespace kube::apiserver
