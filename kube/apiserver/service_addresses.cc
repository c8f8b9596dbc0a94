#include "kube/apiserver/service_addresses.h"

#include <charconv>
#include <set>

namespace kube::apiserver {

namespace {

bool parse_cidr(std::string_view text, std::uint32_t& base, std::uint32_t& size) {
  std::uint32_t address = 0;
  for (int part = 0; part < 4; ++part) {
    unsigned value = 0;
    auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    const char wanted = part == 3 ? '/' : '.';
    if (failed != std::errc() || value > 255 || end == text.data() + text.size() || *end != wanted)
      return false;
    address = address << 8 | value;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  }
  unsigned bits = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), bits);
  if (failed != std::errc() || end != text.data() + text.size() || bits < 8 || bits > 28) return false;
  size = std::min<std::uint32_t>(1u << (32 - bits), 65536);
  base = address & ~((1u << (32 - bits)) - 1);
  return true;
}

}  // namespace

ServiceAddresses::ServiceAddresses(Cluster& cluster, const std::string& cidr) : cluster_(cluster) {
  if (!parse_cidr(cidr, base_, size_)) parse_cidr("10.96.0.0/16", base_, size_);
}

std::string ServiceAddresses::text_of(std::uint32_t address) {
  return std::to_string(address >> 24) + "." + std::to_string(address >> 16 & 255) + "." +
         std::to_string(address >> 8 & 255) + "." + std::to_string(address & 255);
}

Granted<> ServiceAddresses::assign(Json& service) {
  Json& spec = service["spec"];
  const std::string type = spec.value("type", "ClusterIP");
  if (type == "ExternalName") {
    spec.erase("clusterIP");
    spec.erase("clusterIPs");
    return {};
  }
  std::string address = string_at(spec, {"clusterIP"});
  const bool wants_ports = type == "NodePort" || type == "LoadBalancer";
  std::set<std::string> taken;
  std::set<std::int64_t> ports;
  const ObjectKey self{string_at(service, {"metadata", "namespace"}),
                       string_at(service, {"metadata", "name"})};
  // A headless service takes nothing from anybody, so nobody's need be looked at.
  static const Store::Table kNone;
  for (const auto& [key, other] :
       address == "None" && !wants_ports ? kNone : cluster_.store.table("services")) {
    if (key == self) continue;
    taken.insert(string_at(other->json(), {"spec", "clusterIP"}));
    if (const Json* list = find_path(other->json(), {"spec", "ports"}); list && list->is_array())
      for (const Json& port : *list) ports.insert(port.value("nodePort", std::int64_t{0}));
  }
  if (address.empty()) {
    for (std::uint32_t tried = 0; tried < size_ && address.empty(); ++tried) {
      const std::uint32_t offset = 10 + (next_ - 10 + tried) % (size_ - 11);
      std::string candidate = text_of(base_ + offset);
      if (taken.contains(candidate)) continue;
      address = std::move(candidate);
      next_ = offset + 1;
    }
    if (address.empty()) return refuse(Refusal::internal("failed to allocate a serviceIP: range is full"));
    spec["clusterIP"] = address;
  } else if (address != "None" && taken.contains(address)) {
    return refuse(
        Refusal::invalid({"", "v1", "Service"}, self.name,
                         {{FieldProblem::Type::Invalid, "spec.clusterIPs", Json::array({address}),
                           "failed to allocate IP " + address + ": provided IP is already allocated"}}));
  }
  spec["clusterIPs"] = Json::array({address});
  if (wants_ports) {
    for (Json& port : spec["ports"]) {
      if (port.value("nodePort", 0) != 0) continue;
      while (ports.contains(next_port_)) next_port_ = next_port_ == 32767 ? 30000 : next_port_ + 1;
      port["nodePort"] = next_port_;
      ports.insert(next_port_);
    }
  } else if (auto list = spec.find("ports"); list != spec.end() && list->is_array()) {
    for (Json& port : *list) port.erase("nodePort");
  }
  return {};
}

}  // namespace kube::apiserver
