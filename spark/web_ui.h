// Where the Spark UI is found from outside: the operator's URL format, filled in for one application.
//
//   web_ui_url("https://ex.com/{{$appNamespace}}/{{$appName}}", app)->path    // "/ns/app"
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
  std::string host;  // with a port, when there is one
  std::string path;  // "" or beginning with "/"; without query and fragment
};

kube::Result<WebUiUrl> web_ui_url(std::string_view format, const api::SparkApplication& app);

}  // namespace spark
