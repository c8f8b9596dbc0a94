// ImageStore finds the folder that stands for a container image: <root>/<repository>/<tag>, holding what the
// image has under /opt, and how its containers start unless the pod says otherwise.
//
//   ImageStore images({.root = cache / "images", .environment = {{"PATH", …}}, .entrypoint =
//   {"/opt/entrypoint.sh"}}); Result<Image> image = images.find("web:1.2");          // error NotFound: the
//   folders it looked for
//
// A registry in front ("registry.example/team/web:1.2") is tried whole first, then without it. A file
// image.json beside opt ({"environment": {…}, "entrypoint": […], "workingDirectory": "…"}) overrides the
// defaults. Thread: blocking, on small local files.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "kube/base/result.h"

namespace kube {

struct Image {
  std::filesystem::path opt;
  std::map<std::string, std::string> environment;
  std::vector<std::string> entrypoint;
  std::string working_directory = "/";
};

struct ImageStoreOptions {
  std::filesystem::path root;
  std::map<std::string, std::string> environment = {};
  std::vector<std::string> entrypoint = {};
  std::string working_directory = "/";
};

class ImageStore {
 public:
  explicit ImageStore(ImageStoreOptions options) : options_(std::move(options)) {}
  Result<Image> find(const std::string& reference) const;

 private:
  ImageStoreOptions options_;
};

}  // namespace kube
