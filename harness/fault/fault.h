#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pool/sys/error.h"

namespace hydrapool::harness {

/// What is done to a process.
enum class Fault {
  kKill,
  kTerm,
  kInt,
  kQuit,
  kHup,
  kUsr1,
  kUsr2,
  kSegv,
  kAbrt,
  kStop,          ///< Stopped (SIGSTOP) for a time.
  kDescriptors,   ///< For a time it can open nothing more.
  kAddressSpace,  ///< For a time it can map no more memory.
  kCpu,           ///< For a time another process spins on the core that it last ran on.
  kProcesses,     ///< For a time it can start no process.
  kThrottle,      ///< For a time it gets a twentieth of a core.
  kOom,           ///< The kernel's OOM killer ends it.
  kNetwork,       ///< For a time the network between the server and its clients is hurt.
  kFullDisk,      ///< For a time the disk that the server writes to is full.
  kReload,        ///< The server is told to read its configuration again.
  kUpgrade,       ///< The server is told to go on as the program that is installed by now.
  kRestart,       ///< The server is told to start its workers again.
};

/// What a fault is meant to do; that decides how it is proved (proof.h).
enum class Effect {
  kEnds,    ///< Its victim dies of the signal.
  kAsks,    ///< Its victim is asked to leave; a good worker finishes what it has in hand.
  kTells,   ///< The signal means what the server says it means.
  kHolds,   ///< It lasts for a time and is then taken back.
  kRenews,  ///< The whole server replaces its workers by others.
};

struct FaultInfo {
  Fault fault;
  std::string_view name;  ///< As in a scenario: "kill".
  Effect effect;
  int signal;  ///< 0: none is sent. Of a fault that renews: where the server has no command for it.
  std::string_view words;  ///< For --help: "SIGKILL: gone at whatever instruction it was".
};
[[nodiscard]] const std::vector<FaultInfo>& AllFaults();
[[nodiscard]] const FaultInfo& InfoOf(Fault fault);
[[nodiscard]] std::string_view Name(Fault fault);
/// An Error names those that there are, and the one that was probably meant.
[[nodiscard]] sys::Result<Fault> ParseFault(std::string_view text);

/// To which processes.
struct Target {
  enum Kind {
    kRandom,      ///< One worker, drawn from the seed.
    kBusiest,     ///< The one with most requests in execution, then most leases; drawn among equals.
    kIdle,        ///< One that executes no request, drawn among those.
    kOldest,      ///< The one that lives longest, drawn among equals.
    kYoungest,    ///< The one that was started last, drawn among equals.
    kSlot,        ///< The one of a slot.
    kAll,         ///< Every worker, at once.
    kAllButOne,   ///< Every worker but one, which is drawn.
    kParent,      ///< The process whose children the workers are.
    kSupervisor,  ///< The one that makes the parent again.
    kAny,         ///< One of all these, drawn from the seed.
    kCgiOf,       ///< A program that the worker of a slot has started, drawn from those that run.
    kServer,      ///< The whole server.
  };
  Kind kind = kRandom;
  int slot = 0;  ///< For kSlot and kCgiOf.

  Target() = default;
  Target(Kind of, int number = 0) : kind(of), slot(number) {}  // a Kind is a Target
  bool operator==(const Target&) const = default;
  [[nodiscard]] bool has_slot() const { return kind == kSlot || kind == kCgiOf; }
  /// Only a pool's /status.json tells who is one.
  [[nodiscard]] bool needs_status() const {
    return kind == kBusiest || kind == kIdle || kind == kSupervisor || has_slot();
  }
};

/// "slot=3", "cgi-of=3", and the other kinds' names, both ways.
[[nodiscard]] std::string Name(const Target& target);
[[nodiscard]] sys::Result<Target> ParseTarget(std::string_view text);

/// The target of a fault that names none: the server where it is of the whole server, else a random worker.
[[nodiscard]] Target DefaultTarget(Fault fault);
/// Descriptors, address space, processes: what a process starts meanwhile keeps the limit for good.
[[nodiscard]] bool IsALimit(Fault fault);
/// A limit, or a full disk: the server may have to say that it cannot.
[[nodiscard]] bool Starves(Fault fault);
/// Of no process, but of the whole server: its target is `server`.
[[nodiscard]] bool IsOfServer(Fault fault);
/// Why the two do not go together; nullopt: they do.
[[nodiscard]] std::optional<std::string> WhyNotTogether(Fault fault, const Target& target);

/// The code, no errno, of an Error that refuses a fault because it cannot or must not be done on this
/// machine.
inline constexpr int kCannotHere = -1;

/// Lists for --help: "kill, term, …"; "random, …, slot=N".
[[nodiscard]] std::string FaultNames();
[[nodiscard]] std::string TargetNames();

}  // namespace hydrapool::harness
