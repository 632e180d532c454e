#include "harness/fault/network_harm.h"

#include <fmt/format.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "harness/fault/bytes.h"
#include "harness/fault/sock_destroy.h"
#include "pool/sys/nearest_name.h"
#include "pool/sys/unique_fd.h"
#include "pool/sys/units.h"

namespace hydrapool::harness {
namespace {

using Kind = NetworkHarm::Kind;

constexpr int kNobodysPort = 9;  // discard
constexpr std::string_view kOfNetem = "netem_";
constexpr std::string_view kOfDisconnects = "disconnect_";

struct Said {
  bool well = false;
  std::string text;
};

/// Runs a line for sh and waits for its end.
Said Run(const std::string& line) {
  const auto close = [](std::FILE* pipe) { return ::pclose(pipe); };
  std::unique_ptr<std::FILE, decltype(close)> pipe(::popen((line + " </dev/null 2>&1").c_str(), "re"), close);
  if (!pipe) return {.text = std::strerror(errno)};
  Said said;
  std::array<char, 4096> buffer;
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe.get()))
    said.text.append(buffer.data(), got);
  said.well = ::pclose(pipe.release()) == 0;
  return said;
}

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

bool IsNetem(const std::string& name) { return name.starts_with(kOfNetem); }

/// Of a queueing discipline, 1 to fffe: "4861:".
std::string HandleOf(const std::string& name) { return name.substr(kOfNetem.size()) + ":"; }

bool IsDisconnect(const std::string& name) { return name.starts_with(kOfDisconnects); }

std::map<std::string, std::vector<int>> disconnected;  // clients' ports, by name; by this process

sys::Result<void> Disconnect(const NetworkHarm& harm, int port, const std::string& name) {
  const auto ended = DestroyConnections(port, harm.part);
  if (!ended) return tl::unexpected(ended.error());
  if (ended->empty()) return sys::Failure("no connection was there");
  disconnected[name] = *ended;
  return {};
}

std::string TableOf(const std::string& name) { return "inet " + name; }

std::string Statement(const NetworkHarm& harm) {
  const std::string drawn =
      fmt::format("numgen random mod 100000 < {} ", static_cast<int>(harm.part * 100'000));
  switch (harm.kind) {
    case Kind::kLoss:
      return drawn + "counter drop";
    case Kind::kReset:
      return drawn + "counter reject with tcp reset";
    case Kind::kRate:
      return fmt::format("limit rate over {} bytes/second burst {} bytes counter drop", harm.bytes,
                         std::max<std::uint64_t>(harm.bytes / 10, 65'536));
    default:
      return "counter drop";
  }
}

std::string NetemWords(const NetworkHarm& harm) {
  if (harm.kind == Kind::kDelay) return fmt::format("delay {}us", harm.delay / sys::kMicrosecond);
  return fmt::format("delay 10ms reorder {:.3f}%", harm.part * 100);
}

sys::Result<void> Told(const Said& said, const char* tool) {
  if (said.well) return {};
  return sys::Failure(fmt::format("{}: {}", tool, FirstLine(said.text)));
}

/// The number after each `word` in `text`, added up; nullopt: it is not there.
std::optional<std::uint64_t> SumAfter(const std::string& text, std::string_view word) {
  std::optional<std::uint64_t> sum;
  for (auto at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
    std::uint64_t number = 0;
    std::from_chars(text.data() + at + word.size(), text.data() + text.size(), number);
    sum = sum.value_or(0) + number;
  }
  return sum;
}

std::optional<double> PartIn(std::string_view text) {
  double percent = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), percent);
  const bool is_percent = error == std::errc{} && text.data() + text.size() - end == 1 && *end == '%';
  if (!is_percent || percent <= 0 || percent > 100) return std::nullopt;
  return percent / 100;
}

bool has_own_network = false;  // this process's, made by EnterOwnNetwork

/// Or it may be: /proc tells not everybody whose network pid 1 has.
bool IsTheMachinesNetwork() {
  if (has_own_network) return false;
  std::error_code error;
  const auto own = std::filesystem::read_symlink("/proc/self/ns/net", error);
  const auto of_init = std::filesystem::read_symlink("/proc/1/ns/net", error);
  return static_cast<bool>(error) || own == of_init;
}

}  // namespace

bool IsByNetem(const NetworkHarm& harm) { return harm.kind == Kind::kDelay || harm.kind == Kind::kReorder; }

sys::Result<NetworkHarm> ParseNetworkHarm(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, Kind>, 7> kKinds{{{"delay", Kind::kDelay},
                                                                            {"disconnect", Kind::kDisconnect},
                                                                            {"loss", Kind::kLoss},
                                                                            {"partition", Kind::kPartition},
                                                                            {"rate", Kind::kRate},
                                                                            {"reorder", Kind::kReorder},
                                                                            {"reset", Kind::kReset}}};
  const auto space = text.find(' ');
  const std::string_view word = text.substr(0, space);
  const std::string_view amount = space == text.npos ? "" : text.substr(space + 1);
  const auto found = std::ranges::find(kKinds, word, &std::pair<std::string_view, Kind>::first);
  if (found == kKinds.end()) {
    std::vector<std::string_view> names;
    for (const auto& [name, kind] : kKinds) names.push_back(name);
    return sys::Failure(sys::NoSuchName(word, names));
  }
  NetworkHarm harm{.kind = found->second, .text = std::string(text)};
  if (harm.kind == Kind::kPartition) {
    if (!amount.empty()) return sys::Failure(fmt::format("'{}': partition has no amount", text));
  } else if (harm.kind == Kind::kDelay) {
    const auto delay = sys::ParseDuration(amount);
    if (!delay) return sys::Failure(fmt::format("'{}': {}", text, delay.error().message));
    harm.delay = *delay;
  } else if (harm.kind == Kind::kRate) {
    const auto bytes = ParseBytes(amount);
    if (!bytes) return sys::Failure(fmt::format("'{}' names no rate such as rate 100kb", text));
    harm.bytes = *bytes;
  } else {
    const auto part = PartIn(amount);
    if (!part) return sys::Failure(fmt::format("'{}' names no part such as {} 5%", text, word));
    harm.part = *part;
  }
  return harm;
}

sys::Result<void> EnterOwnNetwork() {
  if (::unshare(CLONE_NEWNET) != 0)
    return sys::Failure(errno, "a network of its own (root, or CAP_SYS_ADMIN, makes one)");
  const sys::UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq loopback{};
  std::strncpy(loopback.ifr_name, "lo", sizeof loopback.ifr_name - 1);
  loopback.ifr_flags = IFF_UP;
  if (::ioctl(socket.get(), SIOCSIFFLAGS, &loopback) != 0) return sys::Failure(errno, "its loopback");
  has_own_network = true;
  return {};
}

std::optional<std::string> WhyNoHarm(const NetworkHarm& harm) {
  if (IsTheMachinesNetwork())
    return "the machine's own network is never hurt: start the server and the harness in one of their own "
           "(ip netns exec)";
  if (harm.kind == Kind::kDisconnect) {
    const auto can = CheckDestroying();
    return can ? std::nullopt : std::optional(can.error().message);
  }
  const std::string name = NameOfHarm(harm, fmt::format("trial_{}", ::getpid()));
  if (const auto begun = BeginHarm(harm, kNobodysPort, name); !begun) return begun.error().message;
  return EndHarm(name) ? std::nullopt : std::optional<std::string>("it cannot be taken back");
}

std::string NameOfHarm(const NetworkHarm& harm, std::string_view token) {
  constexpr std::size_t kHandles = 0xfffe;
  if (harm.kind == Kind::kDisconnect) return fmt::format("{}{}", kOfDisconnects, token);
  if (!IsByNetem(harm)) return fmt::format("harness_{}", token);
  return fmt::format("{}{:x}", kOfNetem, std::hash<std::string_view>()(token) % kHandles + 1);
}

sys::Result<void> BeginHarm(const NetworkHarm& harm, int port, const std::string& name) {
  if (harm.kind == Kind::kDisconnect) return Disconnect(harm, port, name);
  if (IsByNetem(harm)) {
    if (Run("tc qdisc show dev lo").text.find("netem") != std::string::npos)
      return sys::Failure("one delay or reorder is held already; there can be no other");
    const auto said =
        Run(fmt::format("tc qdisc add dev lo root handle {} netem {}", HandleOf(name), NetemWords(harm)));
    return Told(said, "netem");
  }
  const std::string table = TableOf(name);
  std::string rules;
  for (const char* side : {"dport", "sport"})
    rules += fmt::format("; add rule {} i tcp {} {} {}", table, side, port, Statement(harm));
  return Told(
      Run(fmt::format("nft 'add table {0}; add chain {0} i {{ type filter hook input priority 0; }}{1}'",
                      table, rules)),
      "nft");
}

std::optional<std::uint64_t> PacketsHarmed(const std::string& name) {
  if (IsDisconnect(name)) {
    const auto found = disconnected.find(name);
    return found == disconnected.end() ? std::nullopt : std::optional<std::uint64_t>(found->second.size());
  }
  if (!IsNetem(name)) {
    const Said table = Run("nft list table " + TableOf(name));
    return table.well ? SumAfter(table.text, "packets ") : std::nullopt;
  }
  const Said qdisc = Run("tc -s qdisc show dev lo");
  if (!qdisc.well || qdisc.text.find("netem " + HandleOf(name)) == qdisc.text.npos) return std::nullopt;
  return SumAfter(qdisc.text, " bytes ");
}

std::vector<int> PortsDisconnected(const std::string& name) {
  const auto found = disconnected.find(name);
  return found == disconnected.end() ? std::vector<int>() : found->second;
}

bool IsAbsent(const std::string& name) {
  if (IsDisconnect(name)) return true;
  const Said all = Run(IsNetem(name) ? "tc qdisc show dev lo" : "nft list tables inet");
  const std::string own =
      IsNetem(name) ? "netem " + HandleOf(name) : fmt::format("table {}\n", TableOf(name));
  return all.well && all.text.find(own) == all.text.npos;
}

bool EndHarm(const std::string& name) {
  if (IsDisconnect(name)) {
    disconnected.erase(name);
    return true;
  }
  const std::string end = IsNetem(name) ? "tc qdisc del dev lo root handle " + HandleOf(name)
                                        : "nft delete table " + TableOf(name);
  return Run(end).well || IsAbsent(name);
}

}  // namespace hydrapool::harness
