// NamespaceLifecycle furnishes namespaces (service account "default", config map "kube-root-ca.crt") and
// empties those that are being deleted, until they can go.
//
// Furniture comes within the commit that made the namespace, so nobody can be faster; emptying goes through a
// timer. Thread: the loop's only. Lifetime: cluster and writer outlive it.
#pragma once

#include <set>
#include <string>

#include "kube/apiserver/object_writer.h"
#include "kube/async/timer.h"

namespace kube::apiserver {

class NamespaceLifecycle {
 public:
  // `root_ca` is the PEM text that pods are to trust; "" when the server speaks plain HTTP.
  NamespaceLifecycle(Cluster& cluster, ObjectWriter& writer, std::string root_ca, Duration delay);

  // default, kube-system, kube-public, kube-node-lease, the service "kubernetes", the system priority
  // classes.
  void make_first_objects();
  // All that is due, now.
  void work();

 private:
  void observe(std::string_view table, const Change& change);
  void furnish(const std::string& ns);
  void empty(const std::string& ns);
  bool is_open(const std::string& ns) const;

  Cluster& cluster_;
  ObjectWriter& writer_;
  std::string root_ca_;
  Duration delay_;
  Timer timer_;
  std::set<std::string> terminating_;
};

}  // namespace kube::apiserver
