// HttpRequest and HttpResponse are plain values; Headers compares names without case and keeps their order.
//
//   HttpRequest request{.method = "POST", .target = "/api/v1/pods?limit=5",
//                       .headers = {{"Accept", "application/json"}}};
//   request.headers.set("Authorization", "Bearer " + token);
//   auto query = parse_query("selector=a%3Db&watch=true");   // {{"selector", "a=b"}, {"watch", "true"}}
//
// Framing is not the caller's: Content-Length, Transfer-Encoding and Connection are written by client and
// server. Thread: values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kube {

class Headers {
 public:
  using Field = std::pair<std::string, std::string>;

  Headers() = default;
  Headers(std::initializer_list<Field> fields) : fields_(fields) {}

  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  void set(std::string_view name, std::string value);                // replaces all of that name
  void remove(std::string_view name);                                // all of that name
  std::optional<std::string_view> get(std::string_view name) const;  // the first
  // True when a comma-separated field holds `token` (no case): Connection, Upgrade, Accept.
  bool has_token(std::string_view name, std::string_view token) const;
  const std::vector<Field>& all() const { return fields_; }

 private:
  std::vector<Field> fields_;
};

struct HttpRequest {
  std::string method = "GET";
  std::string target = "/";  // path and query, percent-encoded as it goes on the wire
  Headers headers{};
  std::string body{};
};

struct HttpResponse {
  int status = 200;
  Headers headers{};
  std::string body{};
};

std::string percent_encode(std::string_view text);  // everything but unreserved characters (RFC 3986)
std::optional<std::string> percent_decode(std::string_view text);

// "a=1&b=x%20y" as a list, in order; '+' is a space; nullopt when malformed.
using QueryParameters = std::vector<std::pair<std::string, std::string>>;
std::optional<QueryParameters> parse_query(std::string_view query);

// Header names and tokens are compared without case (ASCII only).
bool equal_without_case(std::string_view a, std::string_view b);

}  // namespace kube
