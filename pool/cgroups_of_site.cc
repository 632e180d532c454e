#include "pool/cgroups_of_site.h"

#include <unistd.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "pool/cgi/program_rules.h"
#include "pool/shared/process_cgroups.h"
#include "pool/sys/inheritance.h"
#include "pool/sys/privileges.h"

namespace hydrapool::server {
namespace {

std::optional<ProcessCgroups> CgroupsOf(const Options& options) {
  if (!options.site.cgi || options.site.cgi->cgroup.empty()) return std::nullopt;
  const cgi::Config& config = *options.site.cgi;
  return ProcessCgroups(config.cgroup, cgi::ControllersFor(config.limits, config.rules));
}

const std::string kCgroups = "--cgi-cgroup ";

}  // namespace

void TakeCgroups(const Options& options) {
  sys::UniqueFd inherited = sys::inheritance::Take("cgroups");
  auto cgroups = CgroupsOf(options);
  if (!cgroups) {
    if (inherited) throw std::runtime_error(kCgroups + "cannot be given up but by a new start");
    return;
  }
  if (const auto taken = cgroups->Take(std::move(inherited)); !taken)
    throw std::runtime_error(kCgroups + taken.error().message);
  sys::inheritance::Leave("cgroups", cgroups->lock());
  ProcessCgroups::SetOfPool(std::move(*cgroups));
}

void CheckCgroups(const Options& options) {
  const auto cgroups = CgroupsOf(options);
  if (!cgroups) return;
  if (options.user && ::geteuid() == 0) {
    if (const auto become = sys::Become(*options.user); !become)
      throw std::runtime_error(become.error().message);
  }
  if (const auto good = cgroups->Check(); !good) throw std::runtime_error(kCgroups + good.error().message);
}

}  // namespace hydrapool::server
