#include "harness/fault/programs.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <chrono>
#include <nlohmann/json.hpp>
#include <sstream>

#include "harness/fault/process_tree.h"
#include "pool/sys/await.h"
#include "pool/sys/file.h"
#include "pool/sys/socket.h"

namespace hydrapool::harness {
namespace {

constexpr std::chrono::seconds kPatience(2);

/// The strings between the zeros.
std::vector<std::string> Strings(std::string_view text) {
  std::vector<std::string> strings;
  std::istringstream rest{std::string(text)};
  for (std::string each; std::getline(rest, each, '\0');) strings.push_back(each);
  return strings;
}

std::string ValueOf(const std::vector<std::string>& environment, std::string_view name) {
  for (const std::string& each : environment) {
    if (each.starts_with(name)) return each.substr(name.size());
  }
  return "";
}

/// As the pool writes it.
std::string ClientOf(pid_t program) {
  const auto environment = Strings(sys::ReadFile(fmt::format("/proc/{}/environ", program)));
  const std::string address = ValueOf(environment, "REMOTE_ADDR=");
  const bool is_v6 = address.find(':') != address.npos;
  return fmt::format("{}{}{}:{}", is_v6 ? "[" : "", address, is_v6 ? "]" : "",
                     ValueOf(environment, "REMOTE_PORT="));
}

sys::Result<std::string> Leases(const std::string& control) {
  const auto connection = sys::Connect("unix:" + control, kPatience);
  if (!connection) return tl::unexpected(connection.error());
  constexpr std::string_view kCommand = "leases\n";
  if (::send(connection->get(), kCommand.data(), kCommand.size(), MSG_NOSIGNAL) < 0)
    return sys::Failure(errno, control);
  std::string lines;
  std::array<char, 16 * 1024> buffer;
  while (lines.find("\"ok\":true") == lines.npos) {
    if (!sys::Await(connection->get(), POLLIN, kPatience)) return sys::Failure(ETIMEDOUT, control);
    const ssize_t got = ::recv(connection->get(), buffer.data(), buffer.size(), 0);
    if (got <= 0) return sys::Failure(control + " tells no leases");
    lines.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return lines;
}

}  // namespace

std::optional<std::string> ControlPathIn(std::string_view command_line) {
  constexpr std::string_view kOption = "--control";
  const auto words = Strings(command_line);
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == kOption && i + 1 < words.size()) return words[i + 1];
    if (words[i].starts_with("--control=")) return words[i].substr(kOption.size() + 1);
  }
  return std::nullopt;
}

std::map<std::string, int> SlotsOfPeers(std::string_view lines) {
  std::map<std::string, int> slots;
  std::istringstream rest{std::string(lines)};
  for (std::string line; std::getline(rest, line);) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object() || !json.contains("peer") || !json.contains("slot")) continue;
    if (json["peer"].is_string() && json["slot"].is_number_integer())
      slots[json["peer"].get<std::string>()] = json["slot"].get<int>();
  }
  return slots;
}

sys::Result<std::vector<ProcessView>> ProgramsOf(const ProcessView& worker, const ServerProcesses& server) {
  if (server.main() == nullptr || !server.parent || !worker.slot) return std::vector<ProcessView>();
  const pid_t main = server.main()->identity.pid;
  const auto control = ControlPathIn(sys::ReadFile(fmt::format("/proc/{}/cmdline", main)));
  if (!control) return sys::Failure("only a server that was started with --control tells whose a program is");
  const bool absolute = control->starts_with('/');
  const auto leases = Leases(absolute ? *control : fmt::format("/proc/{}/cwd/{}", main, *control));
  if (!leases) return tl::unexpected(leases.error());
  const auto slots = SlotsOfPeers(*leases);
  const auto own = ReadProgram(worker.identity.pid);
  std::vector<ProcessView> programs;
  for (const pid_t pid : ChildrenOf(server.parent->identity.pid)) {
    const auto process = ReadProcess(pid);
    const auto program = ReadProgram(pid);
    if (!process || !process->alive() || !program || !own || program->SameAs(*own)) continue;
    const auto its = slots.find(ClientOf(pid));
    if (its == slots.end() || its->second != *worker.slot) continue;
    programs.push_back(
        {.identity = process->identity, .slot = worker.slot, .busy = 1, .role = Role::kProgram});
  }
  return programs;
}

}  // namespace hydrapool::harness
