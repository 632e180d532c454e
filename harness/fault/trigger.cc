#include "harness/fault/trigger.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "pool/sys/nearest_name.h"

namespace hydrapool::harness {
namespace {

template <typename Value>
using Names = std::pair<std::string_view, Value>;

constexpr std::array kPaces{Names<Pace>{"poisson", Pace::kPoisson}, Names<Pace>{"steady", Pace::kSteady}};
constexpr std::array kPhases{Names<Phase>{"executing", Phase::kExecuting}, Names<Phase>{"idle", Phase::kIdle},
                             Names<Phase>{"reading", Phase::kReading},
                             Names<Phase>{"responding", Phase::kResponding}};

template <typename Table>
auto Parse(const Table& table, std::string_view text)
    -> sys::Result<typename Table::value_type::second_type> {
  std::vector<std::string_view> names;
  for (const auto& [name, value] : table) {
    if (name == text) return value;
    names.push_back(name);
  }
  return sys::Failure(sys::NoSuchName(text, names));
}

template <typename Table, typename Value>
std::string_view NameIn(const Table& table, Value value) {
  return std::ranges::find(table, value, &Names<Value>::second)->first;
}

}  // namespace

std::string_view Name(Pace pace) { return NameIn(kPaces, pace); }
sys::Result<Pace> ParsePace(std::string_view text) { return Parse(kPaces, text); }
std::string_view Name(Phase phase) { return NameIn(kPhases, phase); }
sys::Result<Phase> ParsePhase(std::string_view text) { return Parse(kPhases, text); }

std::vector<ProcessView> InPhase(std::span<const ProcessView> workers, Phase phase) {
  const auto is_in_it = [phase](const ProcessView& each) {
    switch (phase) {
      case Phase::kIdle:
        return each.busy == 0;
      case Phase::kReading:
        return each.leases > each.busy;
      case Phase::kExecuting:
      case Phase::kResponding:
        return each.busy > 0;
    }
    std::abort();
  };
  std::vector<ProcessView> those;
  std::ranges::copy_if(workers, std::back_inserter(those), is_in_it);
  return those;
}

std::optional<std::string> WhyNotTogether(const Trigger& trigger, const Target& target) {
  if (trigger.pace == Pace::kPoisson && trigger.requests) return "pace poisson is of times, not of requests";
  const bool is_worker = target != Target::kParent && target != Target::kSupervisor &&
                         target != Target::kAny && target != Target::kServer && target.kind != Target::kCgiOf;
  if (trigger.phase && !is_worker)
    return fmt::format("phase {} is of a worker, not of target {}", Name(*trigger.phase), Name(target));
  return std::nullopt;
}

}  // namespace hydrapool::harness
