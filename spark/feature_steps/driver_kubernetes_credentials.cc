// The service account, or credentials of the driver's own in a secret: one switches the other off.
#include <array>

#include "kube/core/base64.h"

#include "spark/feature_steps/feature_step.h"

namespace spark {

namespace {

constexpr std::string_view kPrefix = "spark.kubernetes.authenticate.driver.";
constexpr std::string_view kDirectory = "/mnt/secrets/spark-kubernetes-credentials";

struct Credential {
  std::string_view key;      // of the submitter
  std::string_view mounted;  // of the driver
  std::string_view datum;    // in the secret
  bool is_file;
};
constexpr std::array kCredentials{
    Credential{"clientKeyFile", "clientKeyFile", "client-key", true},
    Credential{"clientCertFile", "clientCertFile", "client-cert", true},
    Credential{"caCertFile", "caCertFile", "ca-cert", true},
    Credential{"oauthToken", "oauthTokenFile", "oauth-token", false},
};

}  // namespace

Result<> driver_kubernetes_credentials(DriverBuild& build) {
  ConfReader conf(build.conf.conf);
  Json data = Json::object();
  for (const Credential& credential : kCredentials) {
    const std::string key = std::string(kPrefix) + std::string(credential.key);
    const auto value = conf.text(key);
    const std::string mounted_key = std::string(kPrefix) + "mounted." + std::string(credential.mounted);
    if (value) {
      std::string bytes = *value;
      if (credential.is_file) {
        auto file = build.conf.submitter.files.find(*value);
        if (file == build.conf.submitter.files.end())
          conf.refuse(key + ": no such file at the submitter");
        else
          bytes = file->second;
      }
      data[credential.datum] = kube::encode_base64(bytes);
      if (!build.conf.conf.contains(mounted_key))
        build.properties.insert_or_assign(mounted_key,
                                          std::string(kDirectory) + "/" + std::string(credential.datum));
    }
  }
  for (auto& [key, value] : build.properties)
    if (key.ends_with("oauthToken")) value = "<present_but_redacted>";

  if (!data.empty()) {
    const std::string name = build.conf.resource_name_prefix + "-kubernetes-credentials";
    build.add_volume({{"name", "kubernetes-credentials"}, {"secret", {{"secretName", name}}}});
    build.add_mount("kubernetes-credentials", kDirectory);
    build.add_child("v1", "Secret", name, {{"data", data}, {"immutable", true}});
  } else if (auto account = conf.text("spark.kubernetes.authenticate.driver.serviceAccountName")) {
    build.spec()["serviceAccount"] = *account;
    build.spec()["serviceAccountName"] = *account;
  }
  return conf.result();
}

}  // namespace spark
