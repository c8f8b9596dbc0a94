// Reviews as nobody would send them, through everything that answers them: decoding, the validators and
// defaulters of the three kinds, and the mutation of pods. Beside "no crash" these laws hold:
//
//   - what is no review is refused with code 400, what is one gets an answer with its uid, in its version;
//   - a patch in an answer makes of the object what the mutation made, and a refusal has none;
//   - an object that was patched once gets no second patch;
//   - the outline of a pod, which the webhook answers by, is answered as the pod is.
//
//   build/dev/test/fuzz/review_fuzz -dict=test/fuzz/reviews.dict FOLDER test/fuzz/reviews   # for hours
//   build/dev/test/fuzz/review_fuzz crash-…                                  # what was found, again
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "api/constants.h"
#include "kube/admission/review.h"
#include "kube/core/base64.h"
#include "kube/core/fields.h"
#include "kube/core/patch.h"
#include "spark/pod_mutation.h"
#include "spark/pod_outline.h"
#include "spark/pod_template_shape.h"
#include "webhook/defaulters.h"
#include "webhook/validators.h"

namespace {

using kube::Json;
using kube::Review;
using kube::Verdict;

void demand(bool holds, const char* law) {
  if (holds) return;
  std::fprintf(stderr, "review_fuzz: broken: %s\n", law);
  std::abort();
}

// Asks for every mutation, with environment that refers to itself and is said twice.
const api::SparkApplication& application() {
  static const api::SparkApplication app = [] {
    const Json role = {{"env",
                        {{{"name", "A"}, {"value", "$(B)"}},
                         {{"name", "B"}, {"value", "$(A)"}},
                         {{"name", "C"}, {"value", "1"}},
                         {{"name", "C"}, {"value", "2"}}}},
                       {"envFrom", {{{"secretRef", {{"name", "s"}}}}}},
                       {"volumeMounts", {{{"name", "v"}, {"mountPath", "/v"}}}},
                       {"tolerations", {{{"key", "k"}, {"operator", "Exists"}}}},
                       {"nodeSelector", {{"pool", "p"}}},
                       {"affinity", {{"nodeAffinity", Json::object()}}},
                       {"sidecars", {{{"name", "s"}, {"image", "i"}}}},
                       {"initContainers", {{{"name", "n"}, {"image", "i"}}}},
                       {"ports", {{{"name", "p"}, {"protocol", "TCP"}, {"containerPort", 1}}}},
                       {"configMaps", {{{"name", "c.d"}, {"path", "/c"}}}},
                       {"hostAliases", {{{"ip", "1.2.3.4"}, {"hostnames", {"h"}}}}},
                       {"hostNetwork", true},
                       {"memoryLimit", "2g"},
                       {"gpu", {{"name", "nvidia.com/gpu"}, {"quantity", 1}}},
                       {"priorityClassName", "high"},
                       {"schedulerName", "mine"},
                       {"securityContext", {{"runAsUser", 1}}},
                       {"podSecurityContext", {{"fsGroup", 2}}},
                       {"lifecycle", {{"preStop", Json::object()}}},
                       {"dnsConfig", {{"searches", {"x"}}}},
                       {"shareProcessNamespace", true},
                       {"terminationGracePeriodSeconds", 3}};
    const Json object = {{"metadata", {{"name", "pi"}, {"namespace", "ns"}, {"uid", "u"}}},
                         {"spec",
                          {{"type", "Python"},
                           {"sparkVersion", "3.5.7"},
                           {"hadoopConfigMap", "h"},
                           {"sparkConfigMap", "s"},
                           {"monitoring",
                            {{"exposeDriverMetrics", true},
                             {"exposeExecutorMetrics", true},
                             {"prometheus", {{"jmxExporterJar", "/j.jar"}}}}},
                           {"volumes", {{{"name", "v"}, {"emptyDir", Json::object()}}}},
                           {"driver", role},
                           {"executor", role}}}};
    return kube::decode<api::SparkApplication>(object).value();
  }();
  return app;
}

// As Spark makes it from a template of ours: an executor's environment was written over.
Json pod_of_spark(spark::PodRole role) {
  const bool driver = role == spark::PodRole::Driver;
  return {{"metadata", {{"name", "p"}, {"annotations", {{"a", "b"}}}}},
          {"spec",
           {{"priority", 1},
            {"containers",
             Json::array({{{"name", driver ? "spark-kubernetes-driver" : "spark-kubernetes-executor"},
                           {"image", "i"},
                           {"env", {{{"name", "A"}, {"value", "of Spark"}}}},
                           {"resources", {{"limits", {{"memory", "1Gi"}}}}}}})}}}};
}

// The answer as an API server reads it; of an allowed review, the object with the patch applied.
Json answered(const Review& review, const Verdict& verdict, const Json& object) {
  const auto answer = kube::parse_json(kube::encode_verdict(review, verdict));
  demand(answer.has_value(), "an answer is JSON");
  demand(kube::string_at(*answer, {"kind"}) == "AdmissionReview" &&
             kube::string_at(*answer, {"apiVersion"}) == review.api_version,
         "an answer is of the review's kind and version");
  const Json* response = kube::find_path(*answer, {"response"});
  demand(response != nullptr && kube::string_at(*response, {"uid"}) == review.uid,
         "an answer has the review's uid");
  const Json* allowed = kube::find_path(*response, {"allowed"});
  demand(allowed != nullptr && *allowed == Json(verdict.allowed), "an answer says yes or no");
  const Json* code = kube::find_path(*response, {"status", "code"});
  demand(code != nullptr && (*code == 200) == verdict.allowed, "only what is allowed has code 200");
  const Json* patch = kube::find_path(*response, {"patch"});
  if (!verdict.allowed) {
    demand(patch == nullptr, "a refusal patches nothing");
    demand(!kube::string_at(*response, {"status", "message"}).empty(), "a refusal says why");
    return object;
  }
  if (patch == nullptr) return object;
  demand(kube::string_at(*response, {"patchType"}) == "JSONPatch", "a patch has its type");
  const auto text = kube::decode_base64(kube::string_at(*response, {"patch"}));
  demand(text.has_value(), "a patch is base64");
  const auto operations = kube::parse_json(*text);
  demand(operations.has_value() && operations->is_array() && !operations->empty(), "a patch is a list");
  auto patched = kube::apply_json_patch(object, *operations);
  demand(patched.has_value(), "a patch fits the object");
  return *patched;
}

void mutate(const Review& review, const Json& pod, const api::SparkApplication& app, spark::PodRole role) {
  const auto once = spark::mutate_pod(pod, app, role);
  if (!once) {
    answered(review, Verdict::deny(once.error().message()), pod);
    return;
  }
  demand(answered(review, Verdict::patch(pod, *once), pod) == *once,
         "a patch makes of the pod what the mutation made");
  // An application that no schema has seen may make of the pod what is none.
  if (!spark::check_pod_template(*once, "pod")) return;
  const auto twice = spark::mutate_pod(*once, app, role);
  demand(twice.has_value() && Verdict::patch(*once, *twice).operations.empty(),
         "a pod that was patched gets no second patch");
}

// Behind a Spark container of another name, a sidecar of this one is taken for it the second time. No pod of
// Spark's is so.
bool has_sidecar_like_spark(const api::SparkPodSpec& role) {
  for (const Json& sidecar : role.sidecars) {
    const std::string name = kube::string_at(sidecar, {"name"});
    if (name == api::container::kDriver || name == api::container::kExecutor ||
        name == api::container::kLegacyExecutor)
      return true;
  }
  return false;
}

void as_application(const Review& review, const Json& object) {
  const Verdict verdict = webhook::default_application(review);
  const Json defaulted = answered(review, verdict, object);
  if (!verdict.allowed) return;
  Review again = review;
  again.object = kube::dump_json(defaulted);
  const Verdict second = webhook::default_application(again);
  demand(second.allowed && (second.operations.is_null() || second.operations.empty()),
         "an application that was defaulted gets no second patch");
  const auto app = kube::decode<api::SparkApplication>(object);
  if (!app || has_sidecar_like_spark(app->spec.driver) || has_sidecar_like_spark(app->spec.executor)) return;
  for (const auto role : {spark::PodRole::Driver, spark::PodRole::Executor})
    mutate(review, pod_of_spark(role), *app, role);
}

void as_pod(const Review& review, const Json& object) {
  static kube::JsonReader reader;
  const auto view = review.read(reader);
  if (!view) return;
  // Two readers of one text: validators use the one, the pod defaulter the other.
  const Json pod = view->to_json();
  demand(pod == object, "both readers of an object agree");
  const Json outline = spark::pod_outline(*view);
  for (const auto role : {spark::PodRole::Driver, spark::PodRole::Executor}) {
    mutate(review, pod, application(), role);
    const auto whole = spark::mutate_pod(pod, application(), role);
    const auto outlined = spark::mutate_pod(outline, application(), role);
    demand(whole.has_value() == outlined.has_value() &&
               (whole ? Verdict::patch(pod, *whole) == Verdict::patch(outline, *outlined)
                      : whole.error().message() == outlined.error().message()),
           "the outline of a pod is answered as the pod is");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string body(reinterpret_cast<const char*>(data), size);
  const auto review = kube::decode_review(body);
  if (!review) {
    const auto answer = kube::parse_json(kube::encode_verdict(Verdict::error(400, review.error().message())));
    demand(answer.has_value() && *kube::find_path(*answer, {"response", "allowed"}) == false &&
               *kube::find_path(*answer, {"response", "status", "code"}) == 400,
           "what is no review is refused");
    return 0;
  }
  auto object = review->object_json();
  const Json given = object ? *std::move(object) : Json();
  answered(*review, webhook::validate_application(*review, {}), given);
  answered(*review, webhook::validate_scheduled_application(*review, {}), given);
  answered(*review, webhook::validate_connect(*review, {}), given);
  answered(*review, webhook::default_nothing(*review), given);
  as_application(*review, given);
  if (given.is_object()) as_pod(*review, given);
  return 0;
}
