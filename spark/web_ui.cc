#include "spark/web_ui.h"

#include <algorithm>
#include <cctype>

#include "api/spark_application.h"

namespace spark {

using kube::ErrorKind;
using kube::fail;
using kube::Result;

namespace {

// "{{ $name }}" with any white space inside the braces.
std::string filled(std::string_view format, const api::SparkApplication& app) {
  std::string out;
  while (true) {
    const auto open = format.find("{{");
    const auto close = open == std::string_view::npos ? open : format.find("}}", open);
    if (close == std::string_view::npos) return out.append(format);
    std::string_view name = format.substr(open + 2, close - open - 2);
    while (!name.empty() && name.front() == ' ') name.remove_prefix(1);
    while (!name.empty() && name.back() == ' ') name.remove_suffix(1);
    out.append(format.substr(0, open));
    if (name == "$appName")
      out.append(app.metadata.name);
    else if (name == "$appNamespace")
      out.append(app.metadata.namespace_);
    else if (name == "$appId")
      out.append(app.status.spark_application_id);
    else
      out.append(format.substr(open, close + 2 - open));
    format.remove_prefix(close + 2);
  }
}

}  // namespace

Result<WebUiUrl> web_ui_url(std::string_view format, const api::SparkApplication& app) {
  WebUiUrl url;
  url.text = filled(format, app);
  // A host with a port but no scheme ("host:80/x") is meant as a host; upstream takes "host" for the scheme.
  if (url.text.find("://") == std::string::npos) url.text = "http://" + url.text;
  const std::size_t begin = url.text.find("://") + 3;
  const std::size_t path = std::min(url.text.find('/', begin), url.text.size());
  url.host = url.text.substr(begin, path - begin);
  url.path = url.text.substr(path, url.text.find_first_of("?#", path) - path);
  const bool bad =
      url.host.empty() || std::ranges::any_of(url.host, [](unsigned char c) { return c <= ' ' || c == '{'; });
  if (bad) return fail(ErrorKind::InvalidInput, "ingress URL format: no host in " + url.text);
  return url;
}

}  // namespace spark
