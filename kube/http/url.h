// The URLs that people configure: where an API server is, or a service that is posted to.
//
//   auto url = parse_http_url("https://[fd00::1]/prefix?a=b", "server", UrlScheme::Required);
//   url->tls, url->origin == Endpoint{"fd00::1", 443}, url->target == "/prefix?a=b"
//   HttpClient client(loop, network, {.origin = url->origin, …});
//
// Error InvalidInput, in words that begin with `what` and the URL: `server "x" must begin with http:// or
// https://`. One with a user or a password is refused, and not quoted. Thread: pure function.
#pragma once

#include <string>
#include <string_view>

#include "kube/async/stream.h"
#include "kube/base/result.h"

namespace kube {

struct HttpUrl {
  bool tls = false;
  Endpoint origin;        // without a port in the URL, the scheme's
  bool has_port = false;  // in the URL
  std::string target;     // path and query as given, "" for none; no fragment
};

enum class UrlScheme {
  Required,
  HttpsUnlessSaid,  // "example.com:6443", as kubeconfigs may have it
};

Result<HttpUrl> parse_http_url(std::string_view url, std::string_view what, UrlScheme scheme);

}  // namespace kube
