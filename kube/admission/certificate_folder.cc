#include "kube/admission/certificate_folder.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include "kube/async/blocking.h"
#include "kube/async/timer.h"
#include "kube/http/certificate.h"

namespace kube {

namespace {

enum class Missing { IsAnError, IsEmpty };

Result<std::string> read_file(const std::string& path, Missing missing) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    if (missing == Missing::IsEmpty && errno == ENOENT) return std::string();
    return fail(ErrorKind::Io, "read " + path + ": " + std::strerror(errno));
  }
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (file.bad()) return fail(ErrorKind::Io, "read " + path + " failed");
  return text;
}

Result<ServingCertificate> read_files(const CertificateFolderOptions& options) {
  const std::string folder = options.folder + "/";
  auto certificate = read_file(folder + options.certificate_name, Missing::IsAnError);
  if (!certificate) return fail(certificate);
  auto key = read_file(folder + options.key_name, Missing::IsAnError);
  if (!key) return fail(key);
  auto authorities = read_file(folder + options.authorities_name, Missing::IsEmpty);
  if (!authorities) return fail(authorities);
  ServingCertificate read;
  read.certificate = std::move(*certificate);
  read.private_key = std::move(*key);
  read.authorities = std::move(*authorities);
  const auto fits = is_key_of(read.private_key, read.certificate);
  if (!fits) return fail(Error(fits.error()).while_doing(options.folder));
  if (!*fits)
    return fail(ErrorKind::InvalidInput,
                options.folder + ": " + options.key_name + " is not the key of " + options.certificate_name);
  return read;
}

}  // namespace

CertificateFolder::CertificateFolder(Loop& loop, CertificateFolderOptions options)
    : loop_(loop), options_(std::move(options)) {}

void CertificateFolder::on_serving(std::function<void(const ServingCertificate&)> tell) {
  told_.push_back(std::move(tell));
}

Task<Result<ServingCertificate>> CertificateFolder::read() {
  const CertificateFolderOptions options = options_;
  auto work = [options] { return read_files(options); };
  auto read = co_await run_blocking(loop_, std::move(work));
  if (options_.metrics != nullptr)
    (read ? options_.metrics->reads : options_.metrics->read_errors).Increment();
  if (!read || (serving_ && *serving_ == *read)) co_return read;
  serving_ = *read;
  if (const auto end = expiry_of(*serving_)) {
    if (options_.metrics != nullptr)
      options_.metrics->expiry.Set(std::chrono::duration<double>(end->time_since_epoch()).count());
    options_.log.info("serving certificate in use",
                      {{"folder", options_.folder}, {"notAfter", to_rfc3339(*end)}});
  }
  for (const auto& tell : told_) tell(*serving_);
  co_return read;
}

Task<> CertificateFolder::run() {
  while (true) {
    if (serving_) co_await sleep(loop_, options_.poll_interval);
    if (auto looked = co_await read(); !looked) {
      options_.log.error("webhook certificate cannot be read; the one in use stays",
                         {{"error", looked.error()}});
      if (!serving_) co_await sleep(loop_, options_.poll_interval);
    }
  }
}

}  // namespace kube
