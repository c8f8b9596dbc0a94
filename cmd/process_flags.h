// ProcessFlags is what the flags of every process of the operator have in common: which API server it talks
// to and how fast, where it is probed and scraped, how it elects a leader, how it logs.
//
//   struct ControllerFlags : ProcessFlags { … };
//   class Flags final : public StartFlags { … };       // binds each flag to its member
//   ControllerFlags flags;
//   if (auto parsed = Flags(flags).parse(arguments); !parsed) …    // InvalidInput names the flag
//
// Defaults are the controller's; another process sets its own before it makes the rows.
// Thread: pure.
#pragma once

#include <string>
#include <vector>

#include "cmd/flag_parser.h"
#include "kube/base/clock.h"
#include "kube/base/log.h"
#include "kube/base/result.h"

namespace cmd {

struct ProcessFlags {
  std::vector<std::string> namespaces;  // empty: all, unless a selector names some
  bool all_namespaces = false;          // "" was among them: all, whatever a selector says

  bool leader_election = false;
  std::string leader_election_lock_name = "spark-operator-lock";
  std::string leader_election_lock_namespace = "spark-operator";
  kube::Duration leader_election_lease_duration = std::chrono::seconds(15);
  kube::Duration leader_election_renew_deadline = std::chrono::seconds(10);
  kube::Duration leader_election_retry_period = std::chrono::seconds(2);

  // Unlike upstream (20, 30) without a limit of ours: the API server says when it is too much.
  double kube_api_qps = 0;
  int kube_api_burst = 0;

  std::string metrics_bind_address = "0";
  std::string metrics_endpoint = "/metrics";  // served beside /metrics, which is always there
  bool secure_metrics = false;
  std::string health_probe_bind_address = ":8081";
  std::string kubeconfig;

  kube::LogLevel log_level = kube::LogLevel::Info;
  kube::LogFormat log_format = kube::LogFormat::Json;

  std::vector<std::string> given;  // flags that were on the command line
};

// Reads the flags of one `start` command into its ProcessFlags. A process derives from it, declares its own
// rows in the constructor with process_rows() among them, and says in check() what is wrong with its values.
class StartFlags : public FlagParser {
 public:
  // Error InvalidInput: the command line, what check() found, or ProcessFlags that do not fit together.
  kube::Result<> parse(std::vector<std::string> arguments);

 protected:
  StartFlags(std::string description, std::string command, ProcessFlags& flags)
      : FlagParser(std::move(description), std::move(command)), process_flags_(flags) {}
  ~StartFlags() = default;

  void process_rows();  // those of all members but `namespaces` (its help differs) and `given`
  virtual kube::Result<> check() const = 0;

 private:
  ProcessFlags& process_flags_;
};

}  // namespace cmd
