#include "loadgen/plan/replica.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace hydrapool::loadgen {
namespace {

constexpr int kMost = 100'000;

std::optional<int> Number(std::string_view text) {
  int number = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || number < 0 || number > kMost) return std::nullopt;
  return number;
}

sys::Result<Replica> FromPair(const char* index_name, const char* index, const char* total_name,
                              const char* total) {
  if (total == nullptr) return sys::Failure(fmt::format("{} is set, but {} is not", index_name, total_name));
  const auto i = Number(index);
  const auto n = Number(total);
  if (!i || !n || *i >= *n) {
    return sys::Failure(fmt::format("{}={} and {}={} do not name a replica (counted from 0)", index_name,
                                    index, total_name, total));
  }
  return Replica{.index = *i, .of = *n};
}

}  // namespace

sys::Result<Replica> ParseReplica(std::string_view text) {
  const auto slash = text.find('/');
  const auto index = Number(text.substr(0, slash));
  const auto of = slash == text.npos ? std::nullopt : Number(text.substr(slash + 1));
  if (!index || !of || *index < 1 || *index > *of) {
    return sys::Failure(fmt::format("'{}' is not a replica (like 2/3: the second of three)", text));
  }
  return Replica{.index = *index - 1, .of = *of};
}

sys::Result<Replica> ReplicaFromEnvironment(const std::function<const char*(const char*)>& variable) {
  if (const char* text = variable("LOADGEN_REPLICA")) return ParseReplica(text);
  if (const char* index = variable("JOB_COMPLETION_INDEX")) {
    return FromPair("JOB_COMPLETION_INDEX", index, "LOADGEN_REPLICAS", variable("LOADGEN_REPLICAS"));
  }
  if (const char* index = variable("SLURM_PROCID")) {
    return FromPair("SLURM_PROCID", index, "SLURM_NTASKS", variable("SLURM_NTASKS"));
  }
  return sys::Failure(
      "--replica auto: none of LOADGEN_REPLICA, JOB_COMPLETION_INDEX and SLURM_PROCID is in the environment");
}

int ConnectionsOf(const Replica& replica, int total) {
  return total / replica.of + (replica.index < total % replica.of ? 1 : 0);
}

}  // namespace hydrapool::loadgen
