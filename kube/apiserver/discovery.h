// Discovery answers what this server serves: /version, /api, /apis, their resources, and the OpenAPI v3
// documents from which kubectl takes field validation, explain and patch rules.
//
//   std::optional<Json> document = discovery.answer("/apis/apps/v1", accept);
//
// Thread: the loop's only.
#pragma once

#include <optional>
#include <string>

#include "kube/apiserver/resource_registry.h"

namespace kube::apiserver {

struct DiscoveryAnswer {
  Json document;
  std::string content_type = "application/json";
  std::string bytes{};  // instead of the document: protobuf
};

class Discovery {
 public:
  Discovery(const ResourceRegistry& registry, std::string git_version, std::string address)
      : registry_(registry), git_version_(std::move(git_version)), address_(std::move(address)) {}

  // nullopt: no such path.
  std::optional<DiscoveryAnswer> answer(const std::string& path, const std::string& accept) const;
  void set_address(std::string address) { address_ = std::move(address); }

 private:
  Json version() const;
  Json core_versions() const;
  Json groups() const;
  std::optional<Json> group(const std::string& name) const;
  std::optional<Json> resources(const std::string& group, const std::string& version) const;
  Json aggregated(bool core) const;

  const ResourceRegistry& registry_;
  std::string git_version_;
  std::string address_;
};

// What /openapi/v3 lists, and the document of one group version ("api/v1", "apis/apps/v1").
Json openapi_index(const ResourceRegistry& registry);
std::optional<Json> openapi_document(const ResourceRegistry& registry, const std::string& group_version_path);

}  // namespace kube::apiserver
