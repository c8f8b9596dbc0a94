#include "spark/children/web_ui_url.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include "api/spark_application.h"
#include "api/spec_hash.h"
#include "kube/base/white_space.h"
#include "spark/driver_conf.h"

namespace spark {

using kube::ErrorKind;
using kube::fail;
using kube::Result;

namespace {

std::string application_id_in_urls(const api::SparkApplicationStatus& status) {
  return api::is_ours(status.submission_id) ? application_id(status.submission_id)
                                            : status.spark_application_id;
}

// "{{ $name }}" with any white space inside the braces.
std::string filled(std::string_view format, const api::SparkApplication& app) {
  std::string out;
  while (true) {
    const auto open = format.find("{{");
    const auto close = open == std::string_view::npos ? open : format.find("}}", open);
    if (close == std::string_view::npos) return out.append(format);
    const std::string_view name = kube::trimmed(format.substr(open + 2, close - open - 2));
    out.append(format.substr(0, open));
    if (name == "$appName")
      out.append(app.metadata.name);
    else if (name == "$appNamespace")
      out.append(app.metadata.namespace_);
    else if (name == "$appId")
      out.append(application_id_in_urls(app.status));
    else
      out.append(format.substr(open, close + 2 - open));
    format.remove_prefix(close + 2);
  }
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// nullopt: "%" without two hexadecimal digits.
std::optional<std::string> unescaped(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      out += text[at];
      continue;
    }
    const int high = at + 2 < text.size() ? hex_digit(text[at + 1]) : -1;
    const int low = at + 2 < text.size() ? hex_digit(text[at + 2]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    at += 2;
  }
  return out;
}

// "user@[::1]:80" → host "::1", port "80". False: not of that form.
bool split_authority(std::string_view authority, WebUiUrl& url) {
  authority.remove_prefix(authority.rfind('@') + 1);  // npos + 1 is 0
  std::string_view rest;
  if (authority.starts_with('[')) {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) return false;
    url.host = authority.substr(1, close - 1);
    rest = authority.substr(close + 1);
  } else {
    const auto colon = std::min(authority.find(':'), authority.size());
    url.host = authority.substr(0, colon);
    rest = authority.substr(colon);
  }
  if (!rest.empty() && rest.front() != ':') return false;
  url.port = rest.empty() ? rest : rest.substr(1);
  std::ranges::transform(url.host, url.host.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto unfit = [](unsigned char c) { return c <= ' ' || c == '{' || c == '}' || c == '<' || c == '>'; };
  return !url.host.empty() && std::ranges::none_of(url.host, unfit) &&
         std::ranges::all_of(url.port, [](unsigned char c) { return std::isdigit(c) != 0; });
}

}  // namespace

bool WebUiUrl::host_is_address() const {
  if (host.find(':') != std::string::npos) return true;
  return host.find_first_not_of("0123456789.") == std::string::npos && std::ranges::count(host, '.') == 3;
}

Result<WebUiUrl> web_ui_url(std::string_view format, const api::SparkApplication& app) {
  WebUiUrl url;
  url.text = filled(format, app);
  // A host with a port but no scheme ("host:80/x") is meant as a host; upstream takes "host" for the scheme.
  if (url.text.find("://") == std::string::npos) url.text = "http://" + url.text;
  const std::size_t begin = url.text.find("://") + 3;
  const std::size_t end = std::min(url.text.find_first_of("/?#", begin), url.text.size());
  if (!split_authority(std::string_view(url.text).substr(begin, end - begin), url))
    return fail(ErrorKind::InvalidInput, "ingress URL format: no host in " + url.text);
  auto path = unescaped(std::string_view(url.text).substr(end, url.text.find_first_of("?#", end) - end));
  if (!path) return fail(ErrorKind::InvalidInput, "ingress URL format: a bad escape in " + url.text);
  url.path = *std::move(path);
  return url;
}

}  // namespace spark
