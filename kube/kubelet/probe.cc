#include "kube/kubelet/probe.h"

#include <array>

#include "kube/async/timer.h"

namespace kube {

namespace {

std::uint16_t port_of(const Json& container, const Json& action) {
  const Json port = action.value("port", Json());
  if (port.is_number_integer()) return port.get<std::uint16_t>();
  for (const Json& known : container.value("ports", Json::array())) {
    if (port.is_string() && known.value("name", "") == port.get<std::string>()) {
      return known.value("containerPort", std::uint16_t{0});
    }
  }
  return 0;
}

}  // namespace

Task<bool> network_probe(Network& network, Json container, Json probe, std::string pod_ip,
                         SteadyTime deadline) {
  const bool http = probe.contains("httpGet");
  if (!http && !probe.contains("tcpSocket")) co_return true;
  const Json action = probe[http ? "httpGet" : "tcpSocket"];
  const std::string host = action.value("host", pod_ip);
  auto stream = co_await network.connect({host, port_of(container, action)}, deadline);
  if (!stream) co_return false;
  if (!http) co_return true;
  (*stream)->set_deadline(deadline);
  const std::string request = "GET " + action.value("path", "/") + " HTTP/1.0\r\nHost: " + host + "\r\n\r\n";
  if (auto sent = co_await (*stream)->write(request); !sent) co_return false;
  std::string head;
  std::array<char, 64> buffer;
  while (head.size() < 12) {
    auto size = co_await (*stream)->read_some(buffer);
    if (!size || *size == 0) co_return false;
    head.append(buffer.data(), *size);
  }
  // "HTTP/1.1 200"
  co_return head[9] == '2' || head[9] == '3';
}

Task<bool> exec_probe(Loop& loop, const PodProcess& container, LaunchPlan command, SteadyTime deadline) {
  auto process = co_await container.start_inside(command);
  if (!process) co_return false;
  Timer limit(loop, [&] { (*process)->kill(); });
  limit.set(deadline);
  auto exit = co_await (*process)->wait();
  co_return exit && exit->code == 0;
}

}  // namespace kube
