#include "kube/kubelet/pod_network.h"

#include <charconv>

#include "kube/kubelet/environment.h"
#include "kube/kubelet/file_tree.h"

namespace kube {

Result<std::string> AddressCounter::next() {
  constexpr unsigned kFirst = 2, kEnd = 0xFFFF;
  unsigned number = kFirst;
  Result<std::string> text = read_file(file_);
  if (text) std::from_chars(text->data(), text->data() + text->size(), number);
  if (!text && !text.error().is_not_found()) return fail(text);
  if (number < kFirst || number >= kEnd) number = kFirst;
  Result<> written = write_file(file_, std::to_string(number + 1), 0644);
  if (!written) return fail(written);
  return prefix_ + "." + std::to_string(number >> 8) + "." + std::to_string(number & 255);
}

std::string hosts_file(const Json& pod, const std::string& address, const std::string& api_address,
                       const std::vector<HostName>& names) {
  const std::string ns = string_at(pod, {"metadata", "namespace"});
  std::string out = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";
  out += api_address +
         "\tkubernetes.default.svc.cluster.local kubernetes.default.svc kubernetes.default kubernetes\n";
  out += address + "\t" + pod_hostname(pod) + "\n";
  for (const HostName& name : names) {
    const std::string base = name.short_name + "." + name.ns;
    out += name.address + "\t" + base + ".svc.cluster.local " + base + ".svc " + base;
    if (name.ns == ns) out += " " + name.short_name;
    out += "\n";
  }
  return out;
}

}  // namespace kube
