#pragma once

#include <yaml-cpp/yaml.h>

#include "harness/run/scenario.h"

namespace hydrapool::harness {

/// An element of `faults` in a scenario of which server, duration, disk and commands are read already. What
/// is wrong with it is thrown as a yaml::Mistake.
[[nodiscard]] FaultPlan ReadFault(const YAML::Node& node, const Scenario& scenario);
/// The map `commands`.
[[nodiscard]] Commands ReadCommands(const YAML::Node& node);

}  // namespace hydrapool::harness
