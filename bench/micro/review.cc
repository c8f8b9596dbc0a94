#include "kube/admission/review.h"
#include "bench/load/reviews.h"
#include "bench/micro/benchmarks.h"
#include "bench/micro/samples.h"
#include "spark/pod_mutation.h"

namespace bench {

void review_benchmarks(Suite& suite) {
  const api::SparkApplication app = application();
  const std::string body = must(driver_pod_review(application_json()), "make a review");
  kube::JsonReader reader;

  suite.measure("review: decode (" + std::to_string(body.size()) + " B)", [&] {
    std::string copy = body;
    return kube::decode_review(copy);
  });
  std::string once = body;
  const kube::Review review = must(kube::decode_review(once), "decode");
  const kube::Json pod = must(review.read(reader), "read").to_json();
  const kube::Json mutated = must(spark::mutate_pod(pod, app, spark::PodRole::Driver), "mutate");
  if (mutated == pod) broken("a driver of spark-submit needs no mutation");
  suite.measure("review: mutate the driver pod",
                [&] { return spark::mutate_pod(pod, app, spark::PodRole::Driver); });
  const kube::Verdict verdict = kube::Verdict::patch(pod, mutated);
  suite.measure("review: encode the answer", [&] { return kube::encode_verdict(review, verdict); });
  suite.measure("review: all of it, without the network", [&] {
    std::string copy = body;
    const kube::Review asked = must(kube::decode_review(copy), "decode");
    const kube::Json object = must(asked.read(reader), "read").to_json();
    const auto changed = must(spark::mutate_pod(object, app, spark::PodRole::Driver), "mutate");
    return kube::encode_verdict(asked, kube::Verdict::patch(object, changed));
  });
}

}  // namespace bench
