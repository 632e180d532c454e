#include "harness/observe/pool_fates.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

namespace hydrapool::harness {
namespace {

std::optional<int> PortOf(std::string_view peer) {
  const auto colon = peer.rfind(':');
  if (colon == peer.npos) return std::nullopt;
  const std::string_view digits = peer.substr(colon + 1);
  int port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size() || port <= 0) return std::nullopt;
  return port;
}

}  // namespace

sys::Result<PoolFates> ParsePoolFates(std::string_view text) {
  try {
    const auto json = nlohmann::json::parse(text);
    if (const int schema = json.at("schema"); schema != 1)
      return sys::Failure(fmt::format("fates.json has schema {}, not 1", schema));
    PoolFates fates;
    const auto& kept = json.at("fates");
    if (json.at("total") > kept.size() && !kept.empty()) fates.complete_since = kept.front().at("at_ns");
    for (const auto& each : kept) {
      const auto port = PortOf(each.at("peer").get<std::string>());
      if (!port) continue;
      PoolFate fate{
          .at = each.at("at_ns"), .port = *port, .phase = each.at("phase"), .fate = each.at("fate")};
      if (!each.at("pid").is_null()) fate.pid = each.at("pid").get<pid_t>();
      fates.fates.push_back(std::move(fate));
    }
    return fates;
  } catch (const nlohmann::json::exception& error) {
    return sys::Failure(fmt::format("fates.json: {}", error.what()));
  }
}

std::optional<bool> WasInPhase(const PoolFates& fates, pid_t pid, sys::Nanos since, Phase phase) {
  if (since < fates.complete_since) return std::nullopt;
  bool hit = phase == Phase::kIdle;
  for (const PoolFate& fate : fates.fates) {
    if (fate.pid != pid || fate.at < since) continue;
    if (phase == Phase::kIdle) {
      hit &= fate.phase == Name(phase);
    } else {
      hit |= fate.phase == Name(phase);
    }
  }
  return hit;
}

}  // namespace hydrapool::harness
