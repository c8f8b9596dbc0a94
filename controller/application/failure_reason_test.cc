#include "controller/application/failure_reason.h"

#include <catch2/catch.hpp>

using namespace controller;

TEST_CASE("a message carries its reason for machines, wherever it is cut", "[reasons]") {
  const std::string message = with_reason("driver container failed with ExitCode: 137, Reason: OOMKilled",
                                          {FailureReason::OomKilled, "too much memory"});
  CHECK(message ==
        "driver container failed with ExitCode: 137, Reason: OOMKilled [OOMKilled] too much memory");
  CHECK(reason_in(message) == FailureReason::OomKilled);
  CHECK(sentence_in(message) == "too much memory");
  const std::string longest = with_reason("words", {FailureReason::QuotaExceeded, std::string(100'000, 'x')});
  CHECK(longest.size() <= kErrorMessageLimit);
  CHECK(reason_in(longest) == FailureReason::QuotaExceeded);
  CHECK(longest.ends_with(" \xE2\x80\xA6"));
}

TEST_CASE("what another operator wrote has no reason of ours", "[reasons]") {
  CHECK_FALSE(reason_in("driver container status missing"));
  CHECK_FALSE(reason_in("[error] [not ours"));
  CHECK(reason_in("a list [1, 2] and then [Evicted] x") == FailureReason::Evicted);
  CHECK(sentence_in("driver pod not found") == "driver pod not found");
}

TEST_CASE("every reason can be read back", "[reasons]") {
  for (const FailureReasonWords& words : kFailureReasons) {
    INFO(words.name);
    CHECK(reason_in(with_reason("", {words.value, "x"})) == words.value);
    CHECK_FALSE(words.meaning.empty());
  }
}

TEST_CASE("a text is cut between characters, with a mark", "[reasons]") {
  CHECK(shortened("abc", 3) == "abc");
  CHECK(shortened("abcdefgh", 7) == "abc \xE2\x80\xA6");
  CHECK(shortened("ab\xC3\xA4\xC3\xA4\xC3\xA4", 7) == "ab \xE2\x80\xA6");
  CHECK(shortened("abcdef", 2).empty());
}

TEST_CASE("a refusal is named after what the server says", "[reasons]") {
  struct Row {
    kube::ErrorKind kind;
    const char* message;
    FailureReason reason;
  };
  using enum kube::ErrorKind;
  const Row rows[] = {
      {Forbidden,
       "create driver pod ns/pi-driver: 403 Forbidden: pods \"pi-driver\" is forbidden: exceeded quota: "
       "small, "
       "requested: cpu=1, used: cpu=4, limited: cpu=4",
       FailureReason::QuotaExceeded},
      {Forbidden, "failed quota: small: must specify limits.cpu", FailureReason::QuotaExceeded},
      {Forbidden, "pods \"x\" is forbidden: violates PodSecurity \"restricted:latest\": …",
       FailureReason::PodSecurity},
      {Forbidden, "pods \"x\" is forbidden: error looking up service account ns/spark: not found",
       FailureReason::ServiceAccountNotFound},
      {Forbidden, "unable to create new content in namespace ns because it is being terminated",
       FailureReason::NamespaceTerminating},
      {Forbidden, "admission webhook \"policy.example.org\" denied the request: no",
       FailureReason::AdmissionDenied},
      {Forbidden, "pods is forbidden: User \"op\" cannot create resource \"pods\" in API group \"\"",
       FailureReason::NotAuthorized},
      {Invalid, "Pod \"x\" is invalid: spec.containers[0].image: Required value", FailureReason::InvalidSpec},
      {InvalidInput, "spec.executor.instances: must be positive", FailureReason::InvalidSpec},
      {InvalidInput, "failed to run spark-submit: exit code 1", FailureReason::SubmissionRejected},
      {RequestTooLarge, "413", FailureReason::SubmissionRejected},
  };
  for (const Row& row : rows) {
    INFO(row.message);
    const Failure failure = refusal(kube::Error(row.kind, row.message));
    CHECK(to_string(failure.reason) == to_string(row.reason));
    CHECK(failure.sentence == row.message);
  }
}

TEST_CASE("exit codes are explained", "[reasons]") {
  CHECK(exit_code_words(52).find("OutOfMemoryError") != std::string::npos);
  CHECK(exit_code_words(137).find("SIGKILL") != std::string::npos);
  CHECK(exit_code_words(143).find("SIGTERM") != std::string::npos);
  CHECK(exit_code_words(129) == "exit code 129: ended by signal 1");
  CHECK(exit_code_words(3) == "exit code 3");
  CHECK(exit_code_words(-1) == "exit code -1");
}
