#include "harness/fault/fault.h"

#include <signal.h>

#include <cstdlib>

namespace hydrapool::harness {
namespace {

template <typename Enum>
std::string_view NameIn(const std::map<std::string, Enum>& names, Enum value) {
  for (const auto& [name, candidate] : names) {
    if (candidate == value) return name;
  }
  std::abort();
}

}  // namespace

int SignalOf(Fault fault) {
  switch (fault) {
    case Fault::kKill:
      return SIGKILL;
    case Fault::kTerm:
      return SIGTERM;
  }
  std::abort();
}

const std::map<std::string, Fault>& FaultNames() {
  static const std::map<std::string, Fault> names{{"kill", Fault::kKill}, {"term", Fault::kTerm}};
  return names;
}

const std::map<std::string, Target>& TargetNames() {
  static const std::map<std::string, Target> names{
      {"random", Target::kRandom}, {"busiest", Target::kBusiest}, {"all", Target::kAll}};
  return names;
}

std::string_view Name(Fault fault) { return NameIn(FaultNames(), fault); }
std::string_view Name(Target target) { return NameIn(TargetNames(), target); }

}  // namespace hydrapool::harness
