#pragma once

#include <functional>
#include <memory>

#include "loadgen/engine/stop_signal.h"
#include "loadgen/plan/agenda.h"
#include "loadgen/plan/plan.h"
#include "loadgen/stats/recorder.h"

namespace hydrapool::loadgen {

/// Sends one thread's share of a run, over at most as many connections as it was made for.
///
///     made (descriptors and memory taken) → Run → done
///
/// An engine takes arrivals from the agenda whenever it has a free connection, reports each to the recorder
/// when it is sent and when it ends, and keeps these promises, whatever it speaks:
///   - one request on the wire has one outcome: it never sends a request again by itself;
///   - each request ends within `plan.wire.timeout` of its sending;
///   - it stops sending when the agenda ends or `stop` is requested (it then tells the agenda so), waits at
///     most `plan.wire.drain` for what is in flight and reports what remains as in flight at the end; where
///     only a number of requests ends the run, it waits for the last one.
///
/// Times are its own, read from CLOCK_MONOTONIC.
///
/// Threads: made, run and destroyed by one thread; nothing is shared with other engines. Errors: the
/// constructor throws std::system_error where it cannot take what it needs; Run has only outcomes.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual void Run(Agenda& agenda, Recorder& recorder) = 0;
};

/// Makes the engine of one thread. `plan` and `stop` outlive the engine.
using EngineFactory =
    std::function<std::unique_ptr<Engine>(const Plan& plan, int connections, const StopSignal& stop)>;

}  // namespace hydrapool::loadgen
