#include "kube/admission/certificate_folder.h"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "kube/async/sim_loop.h"
#include "kube/async/task_group.h"
#include "kube/http/certificate.h"

using namespace kube;

namespace {

struct Folder {
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "certificates-XXXXXX").string();
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    path = pattern;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path + "/" + name) << text;
  }
  std::string path;
};

KeyedCertificate pair_of(const std::string& name) {
  const CertificateValidity validity{TimePoint{1'700'000'000s}, TimePoint{1'900'000'000s}};
  return std::move(make_certificate_authority(name, validity).value());
}

}  // namespace

TEST_CASE("files that change are served, files that do not fit are not", "[certificate_folder]") {
  const Folder folder;
  const KeyedCertificate first = pair_of("first"), second = pair_of("second");
  SimLoop loop;
  prometheus::Registry registry;
  CertificateMetrics metrics = CertificateMetrics::create(registry);
  CertificateFolderOptions options;
  options.folder = folder.path;
  options.metrics = &metrics;
  CertificateFolder certificates(loop, options);
  std::vector<std::string> served;
  certificates.on_serving([&](const ServingCertificate& now) { served.push_back(now.certificate); });

  TaskGroup group(loop);
  group.spawn("certificates", certificates.run());
  loop.run_for(25s);
  CHECK(served.empty());
  CHECK(metrics.read_errors.Value() == 3);

  folder.write("tls.crt", first.certificate);
  folder.write("tls.key", first.private_key);
  loop.run_for(10s);
  CHECK(served == std::vector{first.certificate});
  CHECK(metrics.expiry.Value() == 1'900'000'000);

  folder.write("tls.crt", second.certificate);  // half of a change
  loop.run_for(20s);
  CHECK(served == std::vector{first.certificate});
  folder.write("tls.key", second.private_key);
  loop.run_for(10s);
  CHECK(served == std::vector{first.certificate, second.certificate});
  loop.run_for(60s);
  CHECK(served.size() == 2);
  loop.run(group.cancel_and_join());
}
