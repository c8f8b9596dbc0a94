// Files of testdata: a folder for each case, and what is expected of it beside its input. For tests only.
//
//   for (const std::string& name : golden::case_names(folder))
//     golden::compare(folder / name / "expected.yaml", kube::to_yaml(made));
//
// UPDATE_GOLDENS=1 writes what is expected anew. A file that cannot be read or parsed fails the test.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "kube/core/yaml.h"

namespace golden {

inline std::string read(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

inline std::vector<std::string> case_names(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename());
  std::ranges::sort(names);
  return names;
}

inline kube::Json document(const std::filesystem::path& file) {
  auto json = kube::parse_yaml_document(read(file), file.string());
  if (!json) FAIL(json.error().message());
  return *json;
}

inline void compare(const std::filesystem::path& file, const std::string& text) {
  INFO(file.string());
  if (std::getenv("UPDATE_GOLDENS") != nullptr) {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
    return;
  }
  CHECK(read(file) == text);
}

}  // namespace golden
