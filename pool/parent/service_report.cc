#include "pool/parent/service_report.h"

#include <fmt/format.h>

#include "pool/shared/readiness.h"
#include "pool/sys/service.h"

namespace hydrapool {

void ServiceReport::Look(sys::Nanos now) {
  const bool ends = scoreboard_.signs().draining || life_.stage != PoolStage::kServing;
  if (ends && !stopping_) {
    stopping_ = true;
    sys::service::Tell("STOPPING=1\nSTATUS=draining");
  }
  if (!ready_ && !ends && JudgeReadiness(scoreboard_, now) == Readiness::kReady) {
    ready_ = true;
    TellReady();
  }
  if (const sys::Nanos period = sys::service::WatchdogPeriod(); period > 0 && now >= next_sign_) {
    next_sign_ = now + period / 3;
    sys::service::Tell("WATCHDOG=1");
  }
}

void ServiceReport::TellReady() {
  sys::service::Tell(fmt::format("READY=1\nMAINPID={}\nSTATUS=serving with {} workers",
                                 scoreboard_.counts().main_process.load(), life_.workers.load()));
}

}  // namespace hydrapool
