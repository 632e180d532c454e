#include "harness/run/machine.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "harness/fault/network_harm.h"
#include "harness/fault/process_tree.h"
#include "harness/fault/small_disk.h"
#include "harness/fault/victim_group.h"
#include "pool/sys/file.h"
#include "pool/sys/socket.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::harness {
namespace {

bool IsAttached(const Scenario& scenario) { return std::holds_alternative<Attachment>(scenario.server); }

std::string FreePort() {
  const std::string address = sys::LocalAddress(sys::Listen("127.0.0.1:0").get());
  return address.substr(address.rfind(':') + 1);
}

/// Logs and journals are written to beside it: where there is no room at all, a server seems to say nothing.
sys::Result<void> CheckRoom(const std::string& directory) {
  const std::string path = directory + "/.room";
  const sys::UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  const int error = file ? sys::WriteAll(file.get(), std::string(64 << 10, '.')) : errno;
  ::unlink(path.c_str());
  if (error != 0) return sys::Failure(error, "cannot write to " + directory);
  return {};
}

std::optional<std::string> WhyNot(const FaultPlan& plan, const Scenario& scenario, const Place& place) {
  switch (plan.fault) {
    case Fault::kNetwork:
      return WhyNoHarm(*plan.network);
    case Fault::kFullDisk:
      return WhyNoFilling(place.disk);
    case Fault::kProcesses:  // workers of another server may be another user's, for whom a limit will do
      if (!std::holds_alternative<HydrapoolStart>(scenario.server)) return std::nullopt;
      return WhyNoGroup(plan.fault, ::getpid());
    default: {
      const auto* attach = std::get_if<Attachment>(&scenario.server);
      if (attach != nullptr && !ReadProcess(attach->parent)) return std::nullopt;  // which is another mistake
      return WhyNoGroup(plan.fault, attach != nullptr ? attach->parent : ::getpid());
    }
  }
}

tl::unexpected<sys::Error> Refused(const Scenario& scenario, const FaultPlan& plan, const std::string& why) {
  const std::string where = plan.line > 0 ? fmt::format("{}:{}: ", scenario.file, plan.line) : "";
  return tl::unexpected(
      sys::Error{.code = kCannotHere, .message = fmt::format("{}{}: {}", where, Name(plan.fault), why)});
}

}  // namespace

sys::Result<Scenario> MakePlace(const Scenario& scenario, const ScratchDir& scratch) {
  Place place{.work = scratch / "work", .port = {}, .disk = scenario.disk.directory};
  // Workers of another user are to find their files.
  constexpr mode_t kAnybodyMayPass = 0711;
  constexpr mode_t kAnybodyMayWrite = 01777;
  if (::chmod(scratch.path().c_str(), kAnybodyMayPass) != 0 || ::mkdir(place.work.c_str(), 0755) != 0 ||
      ::chmod(place.work.c_str(), kAnybodyMayWrite) != 0)
    return sys::Failure(errno, place.work);
  if (auto room = CheckRoom(place.work); !room) return tl::unexpected(room.error());
  const auto network = std::ranges::find(scenario.faults, Fault::kNetwork, &FaultPlan::fault);
  if (network != scenario.faults.end() && !IsAttached(scenario)) {
    if (const auto entered = EnterOwnNetwork(); !entered)
      return Refused(scenario, *network, entered.error().message);
  }
  const auto full = std::ranges::find(scenario.faults, Fault::kFullDisk, &FaultPlan::fault);
  if (scenario.disk.bytes > 0) {
    place.disk = scratch / "disk";
    const auto mounted = MountSmallDisk(place.disk, scenario.disk.bytes);
    if (!mounted && full != scenario.faults.end()) return Refused(scenario, *full, mounted.error().message);
    if (!mounted) return tl::unexpected(mounted.error());
  }
  for (const FaultPlan& plan : scenario.faults) {
    if (const auto why = WhyNot(plan, scenario, place)) return Refused(scenario, plan, *why);
  }
  place.port = FreePort();
  return At(place, scenario);
}

void LeavePlace(const Scenario& scenario, const ScratchDir& scratch) {
  if (scenario.disk.bytes > 0) UnmountSmallDisk(scratch / "disk");
}

}  // namespace hydrapool::harness
