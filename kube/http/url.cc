#include "kube/http/url.h"

#include <algorithm>
#include <charconv>

namespace kube {

namespace {

// Of what follows "//", up to the path.
Result<> read_authority(std::string_view authority, HttpUrl& url) {
  const auto wrong = [](const char* what) { return fail(ErrorKind::InvalidInput, what); };
  std::string_view rest = authority;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return wrong("has a '[' without its ']'");
    url.origin.host = authority.substr(1, end - 1);
    rest = authority.substr(end + 1);
    if (!rest.empty() && rest.front() != ':') return wrong("has something between ']' and the port");
  } else {
    const std::size_t colon = std::min(authority.find(':'), authority.size());
    url.origin.host = authority.substr(0, colon);
    rest = authority.substr(colon);
  }
  if (url.origin.host.empty()) return wrong("has no host");
  url.origin.port = url.tls ? 443 : 80;
  if (rest.size() <= 1) return {};
  rest.remove_prefix(1);
  const auto [last, error] = std::from_chars(rest.data(), rest.data() + rest.size(), url.origin.port);
  if (error != std::errc() || last != rest.data() + rest.size() || url.origin.port == 0)
    return wrong("must have a port from 1 to 65535");
  url.has_port = true;
  return {};
}

}  // namespace

Result<HttpUrl> parse_http_url(std::string_view text, std::string_view what, UrlScheme scheme) {
  const std::size_t colon = text.find("://");
  const std::size_t begin = colon == std::string_view::npos ? 0 : colon + 3;
  const std::size_t end = std::min(text.find_first_of("/?#", begin), text.size());
  const std::string_view authority = text.substr(begin, end - begin);
  if (authority.find('@') != std::string_view::npos)
    return fail(ErrorKind::InvalidInput, std::string(what) + " must not carry a user or a password");
  const auto quoted = [&](std::string_view wrong) {
    return fail(ErrorKind::InvalidInput,
                std::string(what) + " \"" + std::string(text) + "\" " + std::string(wrong));
  };
  HttpUrl url;
  url.tls =
      text.starts_with("https://") || (begin == 0 && scheme == UrlScheme::HttpsUnlessSaid && !text.empty());
  if (!url.tls && !text.starts_with("http://")) return quoted("must begin with http:// or https://");
  if (auto read = read_authority(authority, url); !read) return quoted(read.error().message());
  url.target = text.substr(end, std::min(text.find('#', end), text.size()) - end);
  return url;
}

}  // namespace kube
