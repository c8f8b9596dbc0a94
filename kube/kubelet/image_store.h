// ImageStore finds what stands for a container image: a folder with `opt/…` and a description of how it
// starts.
//
//   ImageStore images(cache / "images", {});
//   Result<Image> image = images.find("registry.example.com/team/web:1.2");
//
// The reference `[registry/]repo[:tag]` is looked for as <folder>/<repo>/<tag>, first with the whole
// repository name, then without its registry, then by its last part alone; no tag means `latest`.
// `image.json` beside `opt`, if there is one, has {"env": {…}, "entrypoint": […], "cmd": […], "workingDir":
// "…"}; without it the image starts /opt/entrypoint.sh where that exists. Error: NotFound names the places
// looked at; InvalidInput when image.json cannot be read. Thread: any.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "kube/base/result.h"

namespace kube {

struct Image {
  std::filesystem::path opt;  // "": no files of its own
  std::map<std::string, std::string> environment;
  std::vector<std::string> entrypoint;
  std::vector<std::string> command;
  std::string working_directory;
};

class ImageStore {
 public:
  ImageStore(std::filesystem::path folder, std::map<std::string, Image> table)
      : folder_(std::move(folder)), table_(std::move(table)) {}
  Result<Image> find(const std::string& reference) const;

 private:
  std::filesystem::path folder_;
  std::map<std::string, Image> table_;
};

}  // namespace kube
