#include "spark/feature_steps/submitter_file.h"

#include "spark/uri.h"

namespace spark {

Result<std::string> submitter_file(const DriverConf& conf, std::string_view reference) {
  const std::string_view scheme = uri_scheme(reference);
  std::string path(reference);
  if (scheme == "file" || scheme == "local") {
    path = path.substr(scheme.size() + 1);
    if (path.starts_with("//")) path = path.substr(path.find('/', 2));
  } else if (!scheme.empty()) {
    return kube::fail(kube::ErrorKind::InvalidInput,
                      "files with scheme " + std::string(scheme) + " are not read here");
  }
  auto found = conf.submitter.files.find(path);
  if (found == conf.submitter.files.end())
    return kube::fail(kube::ErrorKind::InvalidInput, "no file " + path + " at the submitter");
  return found->second;
}

}  // namespace spark
