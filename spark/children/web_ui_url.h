// Where a port of the driver is found from outside: a URL format, filled in for one application.
//
//   web_ui_url("https://ex.com/{{$appNamespace}}/{{$appName}}", app)->path    // "/ns/app"
//   web_ui_url("ui.ex.com:8443/x", app)->host                                 // "ui.ex.com", port "8443"
//
// {{$appId}} is the id that the application has from the moment its driver is built (spark::application_id),
// so that the path the driver is told and the path its ingress serves are the same. A driver of spark-submit
// gives itself another Spark application id, which nobody can know beforehand; its URL keeps ours.
//
// Pure function. Error InvalidInput: the filled-in text is no URL.
#pragma once

#include <string>
#include <string_view>

#include "kube/base/result.h"

namespace api {
struct SparkApplication;
}

namespace spark {

struct WebUiUrl {
  std::string text;  // with its scheme; "http" when the format has none
  std::string host;  // lower case, without user and port; an IPv6 address without its brackets
  std::string port;  // "" when there is none
  std::string path;  // "" or beginning with "/"; escapes decoded, without query and fragment

  // An ingress rule takes names only.
  bool host_is_address() const;
};

// `app` is the one whose status.submissionID names the attempt.
kube::Result<WebUiUrl> web_ui_url(std::string_view format, const api::SparkApplication& app);

}  // namespace spark
