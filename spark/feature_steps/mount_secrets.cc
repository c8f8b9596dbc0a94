// Secrets as files (spark.kubernetes.driver.secrets.*) and as environment (…secretKeyRef.*).
#include "spark/feature_steps/feature_step.h"

namespace spark {

Result<> mount_secrets(DriverBuild& build) {
  const auto secrets = build.conf.conf.with_prefix("spark.kubernetes.driver.secrets.");
  for (const auto& [secret, path] : secrets)
    build.add_volume({{"name", secret + "-volume"}, {"secret", {{"secretName", secret}}}});
  for (const auto& [secret, path] : secrets) build.add_mount(secret + "-volume", path);
  return {};
}

Result<> env_secrets(DriverBuild& build) {
  for (const auto& [name, reference] : build.conf.conf.with_prefix("spark.kubernetes.driver.secretKeyRef.")) {
    const std::size_t colon = reference.find(':');
    // Java's split() takes no notice of colons at the end.
    const std::size_t end = reference.find_last_not_of(':') + 1;
    if (colon == std::string::npos || colon >= end || reference.find(':', colon + 1) < end)
      return kube::fail(kube::ErrorKind::InvalidInput,
                        "spark.kubernetes.driver.secretKeyRef." + name + ": expected <secret>:<key>");
    const Json key = {{"key", reference.substr(colon + 1, end - colon - 1)},
                      {"name", reference.substr(0, colon)}};
    build.container["env"].push_back({{"name", name}, {"valueFrom", {{"secretKeyRef", key}}}});
  }
  return {};
}

}  // namespace spark
