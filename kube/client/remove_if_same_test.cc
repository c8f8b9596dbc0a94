#include "kube/client/remove_if_same.h"

#include <catch2/catch.hpp>

#include "kube/client/test_server.h"

using namespace kube;

namespace {

// What the API server answers to a DELETE, and what becomes of it.
Result<> after(int status, const std::string& reason, std::string* body = nullptr) {
  TestServer server{[&](HttpExchange& exchange) {
    if (body != nullptr) *body = exchange.request().body;
    return reply(exchange, status,
                 status == 200 ? R"({"kind":"Status","status":"Success"})"
                               : R"({"kind":"Status","status":"Failure","reason":")" + reason + R"("})");
  }};
  auto client = server.client();
  return server.run(remove_if_same(*client, kPods, {"ns", "a"}, DeleteOptions().uid("7")));
}

}  // namespace

TEST_CASE("an object is deleted under the UID that was seen") {
  std::string body;
  CHECK(after(200, "", &body));
  CHECK((*parse_json(body))["preconditions"]["uid"] == "7");
}

TEST_CASE("an object that is gone, or whose name another has, is as good as deleted") {
  CHECK(after(404, "NotFound"));
  CHECK(after(409, "Conflict"));
}

TEST_CASE("a deletion that is refused is an error") {
  CHECK(after(403, "Forbidden").error().kind() == ErrorKind::Forbidden);
}
