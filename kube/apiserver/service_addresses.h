// ServiceAddresses allots cluster IPs and node ports; what is taken is read from the stored services, so that
// nothing has to be given back. Thread: the loop's only.
#pragma once

#include <cstdint>
#include <string>

#include "kube/apiserver/cluster.h"
#include "kube/apiserver/refusal.h"

namespace kube::apiserver {

class ServiceAddresses {
 public:
  // "10.96.0.0/16"; a range that cannot be read is the default one.
  ServiceAddresses(Cluster& cluster, const std::string& cidr);

  // Fills spec.clusterIP(s) and nodePort of a new or changed service.
  Granted<> assign(Json& service);
  // The address of the service "kubernetes" in the namespace "default": the first of the range.
  std::string api_address() const { return text_of(base_ + 1); }

 private:
  static std::string text_of(std::uint32_t address);

  Cluster& cluster_;
  std::uint32_t base_ = 0;
  std::uint32_t size_ = 0;
  std::uint32_t next_ = 10;
  std::uint32_t next_port_ = 30000;
};

}  // namespace kube::apiserver
