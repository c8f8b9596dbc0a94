// One row a rule: what the webhook's contract numbers, through the answers to reviews.
#include <catch2/catch.hpp>

#include "kube/core/patch.h"
#include "kube/core/yaml.h"
#include "webhook/defaulters.h"
#include "webhook/review_of.h"
#include "webhook/validators.h"

using kube::Json;
using kube::Verdict;
using webhook::review_of;

namespace {

Json parsed(const std::string& yaml) {
  auto json = kube::parse_yaml_document(yaml);
  if (!json) FAIL(json.error().message());
  return *json;
}

// An object of the kind with every fault that `spec`, merged into a good one, and `name` bring.
using Validate = Verdict (*)(const kube::Review&, const api::ValidationOptions&);
struct Kind {
  const char* kind;
  Validate validate;
  const char* good_spec;
};
const Kind kApplication{"SparkApplication", webhook::validate_application,
                        "{type: Python, sparkVersion: 3.5.7, driver: {}, executor: {}}"};
const Kind kScheduled{
    "ScheduledSparkApplication", webhook::validate_scheduled_application,
    "{schedule: '@daily', template: {type: Python, sparkVersion: 3.5.7, driver: {}, executor: {}}}"};
const Kind kConnect{"SparkConnect", webhook::validate_connect,
                    "{sparkVersion: 4.0.0, image: spark, server: {}, executor: {}}"};

Json object_of(const Kind& kind, const std::string& name, const Json& spec) {
  Json object = {{"kind", kind.kind},
                 {"metadata", {{"name", name}, {"namespace", "ns"}}},
                 {"spec", parsed(kind.good_spec)}};
  object["spec"].merge_patch(spec);
  return object;
}

struct Rule {
  const char* number;
  const Kind& kind;
  std::string name;
  std::string spec;   // merged into a good one
  std::string fault;  // how its text begins
};

std::vector<Rule> rules() {
  std::vector<Rule> rows{
      {"N1 characters", kApplication, "Pi", "{}", "metadata.name: "},
      {"N1 length", kApplication, std::string(64, 'a'), "{}", "metadata.name: "},
      {"S1 driver", kApplication, "pi", "{sparkVersion: 2.4.8, driver: {template: {}}}",
       "spec.driver.template: "},
      {"S1 executor", kApplication, "pi", "{sparkVersion: latest, executor: {template: {}}}",
       "spec.executor.template: "},
      {"S2 driver", kApplication, "pi", "{nodeSelector: {a: b}, driver: {nodeSelector: {}}}",
       "spec.nodeSelector: excludes spec.driver.nodeSelector"},
      {"S2 executor", kApplication, "pi", "{nodeSelector: {}, executor: {nodeSelector: {a: b}}}",
       "spec.nodeSelector: excludes spec.executor.nodeSelector"},
      {"S3", kApplication, "pi", "{driverIngressOptions: [{ingressURLFormat: a}]}",
       "spec.driverIngressOptions[0].servicePort: is required"},
      {"S4", kApplication, "pi",
       "{driverIngressOptions: [{servicePort: 1, ingressURLFormat: a}, {servicePort: 1, ingressURLFormat: "
       "b}]}",
       "spec.driverIngressOptions[1].servicePort: must differ"},
      {"S5", kApplication, "pi", "{driverIngressOptions: [{servicePort: 1}]}",
       "spec.driverIngressOptions[0].ingressURLFormat: must not be empty"},
      {"S6", kApplication, "pi",
       "{driverIngressOptions: [{servicePort: 1, ingressURLFormat: a}, {servicePort: 2, ingressURLFormat: "
       "a}]}",
       "spec.driverIngressOptions[1].ingressURLFormat: must differ"},
      {"schedules, N1", kScheduled, "a.b", "{}", "metadata.name: "},
      {"schedules, S1", kScheduled, "nightly", "{template: {sparkVersion: '', driver: {template: {}}}}",
       "spec.template.driver.template: "},
      {"C1", kConnect, "1c", "{}", "metadata.name: "},
      {"C2", kConnect, std::string(57, 'a'), "{}", "metadata.name: must have at most 56"},
      {"C3", kConnect, "c", "{sparkVersion: ''}", "spec.sparkVersion: is required"},
      {"C4 server", kConnect, "c", "{sparkVersion: 3.0.0-preview, server: {template: {}}}",
       "spec.server.template: "},
      {"C4 executor", kConnect, "c", "{sparkVersion: 2.4.8, executor: {template: {}}}",
       "spec.executor.template: "},
      {"C5", kConnect, "c", "{image: ''}", "spec.image: is required"},
      {"C5 one template of two", kConnect, "c",
       "{image: null, server: {template: {spec: {containers: [{name: x, image: y}]}}}}",
       "spec.image: is required"},
      {"C6 min, max", kConnect, "c", "{dynamicAllocation: {enabled: true, minExecutors: 3, maxExecutors: 2}}",
       "spec.dynamicAllocation.minExecutors: must not exceed maxExecutors (3 > 2)"},
      {"C6 min, initial", kConnect, "c",
       "{dynamicAllocation: {enabled: true, minExecutors: 3, initialExecutors: 2}}",
       "spec.dynamicAllocation.minExecutors: must not exceed initialExecutors (3 > 2)"},
      {"C6 initial, max", kConnect, "c",
       "{dynamicAllocation: {enabled: true, initialExecutors: 3, maxExecutors: 2}}",
       "spec.dynamicAllocation.initialExecutors: must not exceed maxExecutors (3 > 2)"},
      {"C6 sign", kConnect, "c", "{dynamicAllocation: {enabled: true, maxExecutors: -1}}",
       "spec.dynamicAllocation.maxExecutors: must not be negative"},
      {"C7 server", kConnect, "c", "{server: {memory: 1gi}}", "spec.server.memory: "},
      {"C7 executor", kConnect, "c", "{executor: {memory: 1.5g}}", "spec.executor.memory: "},
  };
  // S7, C8: the same keys of all kinds.
  for (const char* key :
       {"spark.kubernetes.authenticate.driver.serviceAccountName",
        "spark.kubernetes.authenticate.executor.serviceAccountName",
        "spark.kubernetes.authenticate.oauthTokenFile", "spark.kubernetes.authenticate.oauthToken",
        "spark.kubernetes.authenticate.driver.oauthTokenFile",
        "spark.kubernetes.authenticate.driver.oauthToken",
        "spark.kubernetes.authenticate.executor.oauthTokenFile",
        "spark.kubernetes.authenticate.executor.oauthToken", "spark.master", "spark.kubernetes.driver.master",
        "spark.kubernetes.container.image", "spark.kubernetes.driver.container.image",
        "spark.kubernetes.executor.container.image", "spark.kubernetes.namespace"}) {
    const std::string conf = "{sparkConf: {" + std::string(key) + ": x}}";
    const std::string at = "sparkConf[" + std::string(key) + "]: ";
    rows.push_back({"S7", kApplication, "pi", conf, "spec." + at});
    rows.push_back(
        {"S7 of a schedule", kScheduled, "nightly", "{template: " + conf + "}", "spec.template." + at});
    rows.push_back({"C8", kConnect, "c", conf, "spec." + at});
  }
  return rows;
}

}  // namespace

TEST_CASE("each rule refuses a creation, and an update that breaks it, but none that leaves it broken",
          "[webhook]") {
  for (const Rule& rule : rules()) {
    INFO(rule.number << ": " << rule.spec);
    const Json bad = object_of(rule.kind, rule.name, parsed(rule.spec));
    const auto refuses = [&](const Verdict& verdict) {
      INFO(verdict.message);
      CHECK_FALSE(verdict.allowed);
      CHECK(verdict.code == 403);
      CHECK(verdict.reason == "Forbidden");
      CHECK_THAT(verdict.message, Catch::StartsWith(std::string(rule.kind.kind) + " ns/" + rule.name) &&
                                      Catch::Contains(rule.fault));
    };
    refuses(rule.kind.validate(review_of("CREATE", bad), {}));
    if (rule.spec != "{}") {
      const Json good = object_of(rule.kind, rule.name, Json::object());
      CHECK(rule.kind.validate(review_of("CREATE", good), {}).allowed);
      refuses(rule.kind.validate(review_of("UPDATE", bad, good), {}));
      CHECK(rule.kind.validate(review_of("UPDATE", good, bad), {}).allowed);
    }
    Json edited = bad;
    edited["metadata"]["labels"] = {{"team", "data"}};
    edited["spec"]["suspend"] = true;
    CHECK(rule.kind.validate(review_of("UPDATE", edited, bad), {}).allowed);
    CHECK(rule.kind.validate(review_of("DELETE", nullptr, bad), {}).allowed);
  }
}

TEST_CASE("keys of the operator pass where they were always let in, and its own namespace always",
          "[webhook]") {
  for (const Rule& rule : rules()) {
    if (rule.fault.find("sparkConf[") == std::string::npos) continue;
    INFO(rule.number << ": " << rule.spec);
    const Json object = object_of(rule.kind, rule.name, parsed(rule.spec));
    CHECK(
        rule.kind.validate(review_of("CREATE", object), {.allow_operator_keys_in_spark_conf = true}).allowed);
  }
  const Json own = object_of(kApplication, "pi", parsed("{sparkConf: {spark.kubernetes.namespace: ns}}"));
  CHECK(webhook::validate_application(review_of("CREATE", own), {}).allowed);
}

TEST_CASE("each default fills its own field, and none that was said", "[webhook]") {
  struct Row {
    const char* number;
    const char* said;   // merged into a spec that needs no default
    const char* added;  // merge patch
  };
  const Row rows[] = {
      {"nothing is missing", "{}", "{}"},
      {"1", "{type: null}", "{type: Scala}"},
      {"2", "{mode: null}", "{mode: cluster}"},
      {"3", "{restartPolicy: null}", "{restartPolicy: {type: Never}}"},
      {"4, 5", "{restartPolicy: {type: OnFailure}}",
       "{restartPolicy: {onFailureRetryInterval: 5, onSubmissionFailureRetryInterval: 5}}"},
      {"4", "{restartPolicy: {type: Always, onSubmissionFailureRetryInterval: 9}}",
       "{restartPolicy: {onFailureRetryInterval: 5}}"},
      {"5", "{restartPolicy: {type: Always, onFailureRetryInterval: 9}}",
       "{restartPolicy: {onSubmissionFailureRetryInterval: 5}}"},
      {"6", "{driver: {cores: null}}", "{driver: {cores: 1}}"},
      {"6 in sparkConf", "{driver: {cores: null}, sparkConf: {spark.driver.cores: '2'}}", "{}"},
      {"7", "{driver: {memory: null}}", "{driver: {memory: 1g}}"},
      {"7 in sparkConf", "{driver: {memory: null}, sparkConf: {spark.driver.memory: 2g}}", "{}"},
      {"8", "{executor: {cores: null}}", "{executor: {cores: 1}}"},
      {"8 in sparkConf", "{executor: {cores: null}, sparkConf: {spark.executor.cores: '2'}}", "{}"},
      {"9", "{executor: {memory: null}}", "{executor: {memory: 1g}}"},
      {"9 in sparkConf", "{executor: {memory: null}, sparkConf: {spark.executor.memory: 2g}}", "{}"},
      {"10", "{executor: {instances: null}}", "{executor: {instances: 1}}"},
      {"10 empty in sparkConf", "{executor: {instances: null}, sparkConf: {spark.executor.instances: ''}}",
       "{executor: {instances: 1}}"},
      {"10 in sparkConf", "{executor: {instances: null}, sparkConf: {spark.executor.instances: '3'}}", "{}"},
      {"10 dynamic by sparkConf",
       "{executor: {instances: null}, sparkConf: {spark.dynamicAllocation.enabled: 'true'}}", "{}"},
      {"11", "{executor: {instances: null}, dynamicAllocation: {enabled: true}}",
       "{dynamicAllocation: {shuffleTrackingEnabled: true}}"},
      {"11 was said", "{dynamicAllocation: {enabled: true, shuffleTrackingEnabled: false}}", "{}"},
      {"11 not while it is off", "{dynamicAllocation: {enabled: false}}", "{}"},
  };
  const Json complete = parsed(
      "{type: Python, mode: cluster, sparkVersion: 3.5.7, restartPolicy: {type: Never},"
      " driver: {cores: 2, memory: 2g}, executor: {cores: 2, memory: 2g, instances: 2}}");
  for (const Row& row : rows) {
    INFO(row.number);
    Json object = {{"metadata", {{"name", "pi"}, {"namespace", "ns"}}}, {"spec", complete}};
    object["spec"].merge_patch(parsed(row.said));
    for (const char* operation : {"CREATE", "UPDATE"}) {
      const Verdict verdict = webhook::default_application(review_of(operation, object, object));
      REQUIRE(verdict.allowed);
      const Json operations = verdict.operations.is_array() ? verdict.operations : Json::array();
      const Json after = kube::apply_json_patch(object, operations).value();
      CHECK(kube::create_merge_patch(object["spec"], after["spec"]) == parsed(row.added));
      Json outside = after;
      outside["spec"] = object["spec"];
      CHECK(outside == object);
    }
  }
}
