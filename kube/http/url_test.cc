#include "kube/http/url.h"

#include <catch2/catch.hpp>

using namespace kube;

TEST_CASE("a URL has a scheme, a host, a port and a target", "[url]") {
  struct Row {
    const char* url;
    bool tls;
    Endpoint origin;
    bool has_port;
    const char* target;
  };
  const Row rows[] = {
      {"http://s", false, {"s", 80}, false, ""},
      {"https://s.ns.svc/", true, {"s.ns.svc", 443}, false, "/"},
      {"https://s:6443/a/b/?c=d:e@f#g", true, {"s", 6443}, true, "/a/b/?c=d:e@f"},
      {"http://10.0.0.1:8080?a=b", false, {"10.0.0.1", 8080}, true, "?a=b"},
      {"http://[fd00::1]", false, {"fd00::1", 80}, false, ""},
      {"https://[::1]:80#a", true, {"::1", 80}, true, ""},
      {"http://s:/a", false, {"s", 80}, false, "/a"},
  };
  for (const Row& row : rows) {
    INFO(row.url);
    for (const UrlScheme scheme : {UrlScheme::Required, UrlScheme::HttpsUnlessSaid}) {
      const auto url = parse_http_url(row.url, "server", scheme);
      REQUIRE(url);
      CHECK(url->tls == row.tls);
      CHECK(url->origin == row.origin);
      CHECK(url->has_port == row.has_port);
      CHECK(url->target == row.target);
    }
  }
}

TEST_CASE("a kubeconfig may leave out https", "[url]") {
  const auto url = parse_http_url("example.com/k8s", "server", UrlScheme::HttpsUnlessSaid);
  REQUIRE(url);
  CHECK(url->tls);
  CHECK(url->origin == Endpoint{"example.com", 443});
  CHECK(url->target == "/k8s");
  CHECK_FALSE(parse_http_url("example.com/k8s", "server", UrlScheme::Required));
}

TEST_CASE("what is no URL is refused in words that name it", "[url]") {
  struct Row {
    const char* url;
    const char* message;
  };
  const Row rows[] = {
      {"", "server \"\" must begin with http:// or https://"},
      {"ftp://s", "server \"ftp://s\" must begin with http:// or https://"},
      {"HTTP", "server \"HTTP\" must begin with http:// or https://"},
      {"http://", "server \"http://\" has no host"},
      {"https://:443/", "server \"https://:443/\" has no host"},
      {"http://[::1", "server \"http://[::1\" has a '[' without its ']'"},
      {"http://[::1]a:80", "server \"http://[::1]a:80\" has something between ']' and the port"},
      {"http://s:0", "server \"http://s:0\" must have a port from 1 to 65535"},
      {"http://s:65536/", "server \"http://s:65536/\" must have a port from 1 to 65535"},
      {"http://s:8o/", "server \"http://s:8o/\" must have a port from 1 to 65535"},
      {"https://me:hunter22@s/", "server must not carry a user or a password"},
      {"me:hunter22@s/", "server must not carry a user or a password"},
  };
  for (const Row& row : rows) {
    const auto url = parse_http_url(row.url, "server", UrlScheme::Required);
    REQUIRE_FALSE(url);
    CHECK(url.error().kind() == ErrorKind::InvalidInput);
    CHECK(url.error().message() == row.message);
  }
}
