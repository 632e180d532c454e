#include "pool/shared/worker_stage.h"

#include <array>
#include <cstddef>

namespace hydrapool {
namespace {

using Action = WorkerAction;
using Stage = WorkerStage;

constexpr std::size_t kStages = 5;
constexpr std::size_t kEvents = 5;

// clang-format off
constexpr StageStep kSteps[kStages][kEvents] = {
    //           forked                ready                               first reply                           drains                              reaped
    /* none */     {{Stage::kStarting},  {Stage::kNone},                     {Stage::kNone},                       {Stage::kNone},                     {Stage::kNone}},
    /* starting */ {{Stage::kStarting},  {Stage::kProving, Action::kWelcome}, {Stage::kStarting},                  {Stage::kStarting},                 {Stage::kNone, Action::kRespawn}},
    /* proving */  {{Stage::kProving},   {Stage::kProving},                  {Stage::kServing, Action::kRecovered}, {Stage::kLeaving, Action::kReplace}, {Stage::kNone, Action::kRespawn}},
    /* serving */  {{Stage::kServing},   {Stage::kServing},                  {Stage::kServing},                    {Stage::kLeaving, Action::kReplace}, {Stage::kNone, Action::kRespawn}},
    /* leaving */  {{Stage::kLeaving},   {Stage::kLeaving},                  {Stage::kLeaving},                    {Stage::kLeaving},                  {Stage::kNone, Action::kBury}},
};
// clang-format on

}  // namespace

StageStep Advance(WorkerStage stage, WorkerEvent event) {
  return kSteps[static_cast<std::size_t>(stage)][static_cast<std::size_t>(event)];
}

std::optional<WorkerEvent> NextEvent(WorkerStage stage, WorkerState state, bool has_replied) {
  switch (stage) {
    case Stage::kNone:
    case Stage::kLeaving:
      return std::nullopt;
    case Stage::kStarting:
      if (state == WorkerState::kReady || state == WorkerState::kDraining) return WorkerEvent::kReady;
      return std::nullopt;
    case Stage::kProving:
      if (has_replied) return WorkerEvent::kFirstReply;
      break;
    case Stage::kServing:
      break;
  }
  if (state == WorkerState::kDraining) return WorkerEvent::kDrains;
  return std::nullopt;
}

}  // namespace hydrapool
