#include "cmd/process_flags.h"

#include <algorithm>

namespace cmd {

using kube::ErrorKind;
using kube::fail;
using kube::Result;

namespace {

// "" among the namespaces means all.
Result<> finish(ProcessFlags& flags) {
  const auto wrong = [](const std::string& message) { return fail(ErrorKind::InvalidInput, message); };
  if (std::ranges::find(flags.namespaces, "") != flags.namespaces.end()) {
    flags.namespaces.clear();
    flags.all_namespaces = true;
  }
  if (flags.leader_election) {
    if (flags.leader_election_lease_duration <= flags.leader_election_renew_deadline)
      return wrong("--leader-election-lease-duration must be longer than --leader-election-renew-deadline");
    if (flags.leader_election_renew_deadline <= flags.leader_election_retry_period * 6 / 5)
      return wrong(
          "--leader-election-renew-deadline must be longer than 1.2 × --leader-election-retry-period");
  }
  if (!flags.metrics_endpoint.empty() && flags.metrics_endpoint.front() != '/')
    return wrong("--metrics-endpoint: expected a path that begins with /, got \"" + flags.metrics_endpoint +
                 "\"");
  for (const auto& [flag, address] :
       {std::pair{"--metrics-bind-address", flags.metrics_bind_address},
        std::pair{"--health-probe-bind-address", flags.health_probe_bind_address}}) {
    if (address == "0") continue;
    if (auto parsed = parse_bind_address(address); !parsed)
      return fail(std::move(parsed).error().while_doing(flag));
  }
  return {};
}

}  // namespace

void StartFlags::process_rows() {
  ProcessFlags& flags = process_flags_;
  boolean("--leader-election", flags.leader_election, "Elect a leader among replicas");
  text("--leader-election-lock-name", flags.leader_election_lock_name, "Name of the Lease");
  text("--leader-election-lock-namespace", flags.leader_election_lock_namespace, "Namespace of the Lease");
  duration("--leader-election-lease-duration", flags.leader_election_lease_duration,
           "Patience of candidates");
  duration("--leader-election-renew-deadline", flags.leader_election_renew_deadline,
           "When a leader gives up");
  duration("--leader-election-retry-period", flags.leader_election_retry_period, "Between renewals");
  number("--kube-api-qps", flags.kube_api_qps, "Requests a second; unset: no limit of our own");
  number("--kube-api-burst", flags.kube_api_burst, "Requests at once");
  text("--metrics-bind-address", flags.metrics_bind_address, "host:port of /metrics; 0: none");
  text("--metrics-endpoint", flags.metrics_endpoint,
       "Another path that answers as /metrics does, which always answers");
  boolean("--secure-metrics", flags.secure_metrics,
          "Serve metrics over TLS, with a certificate of the process's own or the one mounted in "
          "k8s-metrics-server/serving-certs of the temporary folder");
  text("--health-probe-bind-address", flags.health_probe_bind_address,
       "host:port of /healthz and /readyz; 0: none");
  text("--kubeconfig", flags.kubeconfig,
       "Path of a kubeconfig; else $KUBECONFIG, in-cluster, ~/.kube/config");
  logging(flags.log_level, flags.log_format);
}

Result<> StartFlags::parse(std::vector<std::string> arguments) {
  if (auto parsed = FlagParser::parse(std::move(arguments)); !parsed) return parsed;
  process_flags_.given = given();
  if (auto checked = check(); !checked) return checked;
  return finish(process_flags_);
}

}  // namespace cmd
