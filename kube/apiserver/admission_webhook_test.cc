#include "kube/apiserver/admission_webhook.h"

#include <catch2/catch.hpp>

#include "kube/apiserver/test_cluster.h"

using namespace kube;
using namespace kube::apiserver;

TEST_CASE("rules and selectors decide who sees a write", "[admission_webhook]") {
  ResourceRegistry registry;
  struct Row {
    const char* why;
    const char* webhook;
    const char* operation;
    const char* resource;
    const char* subresource;
    bool seen;
  };
  const Row row = GENERATE(values<Row>({
      {"all of it", R"({"operations":["CREATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["pods"]})",
       "CREATE", "pods", "", true},
      {"another operation",
       R"({"operations":["UPDATE"],"apiGroups":[""],"apiVersions":["v1"],"resources":["pods"]})", "CREATE",
       "pods", "", false},
      {"any operation", R"({"operations":["*"],"apiGroups":[""],"apiVersions":["v1"],"resources":["pods"]})",
       "DELETE", "pods", "", true},
      {"another group",
       R"({"operations":["*"],"apiGroups":["apps"],"apiVersions":["v1"],"resources":["pods"]})", "CREATE",
       "pods", "", false},
      {"another version",
       R"({"operations":["*"],"apiGroups":["*"],"apiVersions":["v2"],"resources":["pods"]})", "CREATE",
       "pods", "", false},
      {"a star is no subresource",
       R"({"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["*"]})", "UPDATE", "pods",
       "status", false},
      {"a star is any resource",
       R"({"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["*"]})", "UPDATE",
       "configmaps", "", true},
      {"a named subresource",
       R"({"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["pods/status"]})", "UPDATE",
       "pods", "status", true},
      {"a named subresource is not the object",
       R"({"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["pods/status"]})", "UPDATE",
       "pods", "", false},
      {"any subresource of one",
       R"({"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["pods/*"]})", "UPDATE",
       "pods", "status", true},
      {"one subresource of any",
       R"({"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["*/status"]})", "UPDATE",
       "pods", "status", true},
      {"everything", R"({"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["*/*"]})",
       "UPDATE", "pods", "", true},
      {"namespaced",
       R"({"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["*"],"scope":"Namespaced"})",
       "CREATE", "pods", "", true},
      {"cluster-wide only",
       R"({"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["*"],"scope":"Cluster"})",
       "CREATE", "pods", "", false},
      {"a namespace is cluster-wide",
       R"({"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["*"],"scope":"Cluster"})",
       "CREATE", "namespaces", "", true},
  }));
  INFO(row.why);
  const Json configuration = {
      {"webhooks", Json::array({{{"name", "x"},
                                 {"clientConfig", {{"url", "https://x"}}},
                                 {"rules", Json::array({Json::parse(row.webhook)})}}})}};
  WriteAttributes write;
  write.served = registry.find("", "v1", row.resource);
  write.operation = row.operation;
  write.subresource = row.subresource;
  const Json object = pod_json("a");
  CHECK(match(webhooks_of(configuration).front(), write, registry, nullptr, &object, nullptr).has_value() ==
        row.seen);
}

TEST_CASE("selectors look at the namespace's labels, and at either state of the object",
          "[admission_webhook]") {
  ResourceRegistry registry;
  const auto webhook = [](const Json& more) {
    Json json = {
        {"name", "x"},
        {"clientConfig", {{"url", "https://x"}}},
        {"rules",
         Json::array(
             {{{"operations", {"*"}}, {"apiGroups", {"*"}}, {"apiVersions", {"*"}}, {"resources", {"*"}}}})}};
    json.update(more);
    return webhooks_of({{"webhooks", Json::array({json})}}).front();
  };
  WriteAttributes write;
  write.served = registry.find("", "v1", "pods");
  write.operation = "UPDATE";
  const Json with = pod_json("a", {{"app", "x"}}), without = pod_json("a");
  const AdmissionWebhook by_object = webhook({{"objectSelector", {{"matchLabels", {{"app", "x"}}}}}});
  CHECK(match(by_object, write, registry, nullptr, &with, nullptr));
  CHECK(match(by_object, write, registry, nullptr, &without, &with));
  CHECK_FALSE(match(by_object, write, registry, nullptr, &without, &without));
  CHECK(match(by_object, write, registry, nullptr, nullptr, &with));

  const AdmissionWebhook by_namespace = webhook(
      {{"namespaceSelector",
        {{"matchExpressions",
          Json::array(
              {{{"key", "kubernetes.io/metadata.name"}, {"operator", "In"}, {"values", {"jobs"}}}})}}}});
  const Json jobs = {{"kubernetes.io/metadata.name", "jobs"}},
             other = {{"kubernetes.io/metadata.name", "other"}};
  CHECK(match(by_namespace, write, registry, &jobs, &without, nullptr));
  CHECK_FALSE(match(by_namespace, write, registry, &other, &without, nullptr));
  write.served = registry.find("", "v1", "nodes");
  CHECK(match(by_namespace, write, registry, nullptr, &without, nullptr));
  write.served = registry.find("", "v1", "namespaces");
  const Json ns = {{"metadata", {{"name", "jobs"}, {"labels", jobs}}}};
  CHECK(match(by_namespace, write, registry, nullptr, &ns, nullptr));
  CHECK_FALSE(match(by_namespace, write, registry, nullptr, &without, nullptr));
}
