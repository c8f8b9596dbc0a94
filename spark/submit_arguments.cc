#include "spark/submit_arguments.h"

#include <algorithm>
#include <array>

namespace spark {

using kube::ErrorKind;
using kube::fail;

namespace {

struct Flag {
  std::string_view name;
  std::string_view key;  // the property it ends in; "" when it is not a property
};

constexpr std::array kFlags{
    Flag{"--master", "spark.master"},
    Flag{"--deploy-mode", "spark.submit.deployMode"},
    Flag{"--name", "spark.app.name"},
    Flag{"--jars", "spark.jars"},
    Flag{"--files", "spark.files"},
    Flag{"--archives", "spark.archives"},
    Flag{"--py-files", "spark.submit.pyFiles"},
    Flag{"--packages", "spark.jars.packages"},
    Flag{"--exclude-packages", "spark.jars.excludes"},
    Flag{"--repositories", "spark.jars.repositories"},
    Flag{"--driver-memory", "spark.driver.memory"},
    Flag{"--driver-cores", "spark.driver.cores"},
    Flag{"--driver-java-options", "spark.driver.extraJavaOptions"},
    Flag{"--driver-library-path", "spark.driver.extraLibraryPath"},
    Flag{"--driver-class-path", "spark.driver.extraClassPath"},
    Flag{"--executor-memory", "spark.executor.memory"},
    Flag{"--executor-cores", "spark.executor.cores"},
    Flag{"--num-executors", "spark.executor.instances"},
    Flag{"--principal", "spark.kerberos.principal"},
    Flag{"--keytab", "spark.kerberos.keytab"},
    // Without a property of their own, or without effect on Kubernetes.
    Flag{"--class", ""},
    Flag{"--conf", ""},
    Flag{"-c", ""},
    Flag{"--proxy-user", ""},
    Flag{"--total-executor-cores", ""},
    Flag{"--queue", ""},
};
// --load-spark-defaults asks for the submitter's spark-defaults.conf, which the native submitter never has.
constexpr std::array<std::string_view, 4> kSwitches{"--supervise", "--verbose", "-v",
                                                    "--load-spark-defaults"};

const Flag* find_flag(std::string_view word) {
  const auto* found = std::ranges::find(kFlags, word, &Flag::name);
  return found == kFlags.end() ? nullptr : found;
}

}  // namespace

Result<SubmitArguments> parse_submit_arguments(const std::vector<std::string>& arguments) {
  SubmitArguments out;
  SparkConf flags;
  std::size_t at = 0;
  while (at < arguments.size()) {
    std::string word = arguments[at++];
    if (std::ranges::find(kSwitches, word) != kSwitches.end()) continue;
    std::optional<std::string> value;
    const Flag* flag = find_flag(word);
    if (const auto equals = word.find('='); flag == nullptr && word.starts_with("--") &&
                                            equals != std::string::npos && equals + 1 < word.size()) {
      value = word.substr(equals + 1);
      word.resize(equals);
      flag = find_flag(word);
    }
    if (flag == nullptr) {
      if (word.starts_with('-')) return fail(ErrorKind::InvalidInput, "unrecognized option " + word);
      out.primary_resource = word;
      out.application_arguments.assign(arguments.begin() + static_cast<std::ptrdiff_t>(at), arguments.end());
      break;
    }
    if (!value) {
      if (at == arguments.size()) return fail(ErrorKind::InvalidInput, "missing argument for option " + word);
      value = arguments[at++];
    }
    if (!flag->key.empty()) {
      flags.set(std::string(flag->key), *std::move(value));
    } else if (word == "--class") {
      out.main_class = *std::move(value);
    } else if (word == "--proxy-user") {
      out.proxy_user = *std::move(value);
    } else if (word == "--conf" || word == "-c") {
      const auto equals = value->find('=');
      if (equals == std::string::npos)
        return fail(ErrorKind::InvalidInput, "option --conf: expected key=value");
      // Spark drops what does not begin with "spark." with a warning.
      if (value->starts_with("spark.")) out.conf.set(value->substr(0, equals), value->substr(equals + 1));
    }
  }
  for (const auto& [key, value] : flags.entries()) out.conf.set(key, value);
  return out;
}

}  // namespace spark
