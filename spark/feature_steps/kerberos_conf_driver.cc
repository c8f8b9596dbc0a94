// Kerberos as far as it needs no login at submission: krb5.conf, and tokens in a secret that exists. Keytabs
// of the submitter and token fetching are the JVM's (fallback rule "kerberos").
#include "spark/feature_steps/feature_step.h"

namespace spark {

namespace {

std::string base_name(const std::string& path) {
  return path.substr(path.find_last_of('/') + 1);
}

void krb5(DriverBuild& build, ConfReader& conf) {
  const auto path = conf.text("spark.kubernetes.kerberos.krb5.path");
  const auto map = conf.text("spark.kubernetes.kerberos.krb5.configMapName");
  if (path && map)
    conf.refuse("spark.kubernetes.kerberos.krb5.path: cannot be given together with …krb5.configMapName");
  if (map) {
    build.add_volume({{"configMap", {{"name", *map}}}, {"name", "krb5-file"}});
  } else if (path) {
    const std::string name = build.conf.resource_name_prefix + "-krb5-file";
    const std::string file = base_name(*path);
    auto found = build.conf.submitter.files.find(*path);
    if (found == build.conf.submitter.files.end())
      conf.refuse("spark.kubernetes.kerberos.krb5.path: no such file at the submitter");
    else
      build.add_child("v1", "ConfigMap", name, {{"data", {{file, found->second}}}, {"immutable", true}});
    const Json source = {{"items", {{{"key", file}, {"path", file}}}}, {"name", name}};
    build.add_volume({{"configMap", source}, {"name", "krb5-file"}});
  } else {
    return;
  }
  // A file of another name mounts nothing useful: Spark asks for krb5.conf whatever the key was.
  build.container["volumeMounts"].push_back(
      {{"mountPath", "/etc/krb5.conf"}, {"name", "krb5-file"}, {"subPath", "krb5.conf"}});
}

}  // namespace

Result<> kerberos_conf_driver(DriverBuild& build) {
  ConfReader conf(build.conf.conf);
  if (build.conf.conf.contains("spark.kerberos.keytab") !=
      build.conf.conf.contains("spark.kerberos.principal"))
    conf.refuse("spark.kerberos.keytab and spark.kerberos.principal: either both or none");
  krb5(build, conf);
  const auto secret = conf.text("spark.kubernetes.kerberos.tokenSecret.name");
  const auto item = conf.text("spark.kubernetes.kerberos.tokenSecret.itemKey");
  if (secret.has_value() != item.has_value())
    conf.refuse("spark.kubernetes.kerberos.tokenSecret.name and ….itemKey: either both or none");
  if (secret) {
    build.add_volume({{"name", "hadoop-secret"}, {"secret", {{"secretName", *secret}}}});
    build.add_mount("hadoop-secret", "/mnt/secrets/hadoop-credentials");
    build.add_env("HADOOP_TOKEN_FILE_LOCATION", "/mnt/secrets/hadoop-credentials/" + item.value_or(""));
  }
  return conf.result();
}

}  // namespace spark
