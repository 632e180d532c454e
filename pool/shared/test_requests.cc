#include "pool/shared/test_requests.h"

#include <gtest/gtest.h>

#include <random>

#include "pool/shared/rescue.h"

namespace hydrapool::testing {
namespace {

/// Carries a noted step to its end: what blocks is asked again, as the loop does.
void Finish(Machine& machine) {
  while (machine.Continue(0) != Machine::Progress::kDone) {
  }
}
void FinishFeeding(Machine& machine) {
  while (machine.ContinueFeeding() != Machine::Progress::kDone) {
  }
}

void SendFrom(World& world, Machine& machine, std::string prefix, std::uint32_t spliced, std::string suffix,
              std::uint32_t consume, Phase next) {
  world.slab = prefix + suffix;
  const auto at = static_cast<std::uint32_t>(prefix.size());
  machine.Begin({.send = static_cast<std::uint32_t>(world.slab.size()) + spliced,
                 .consume = consume,
                 .splice_at = at,
                 .spliced = spliced,
                 .end = {.next = next, .in_slab = true, .requests = 1},
                 .bytes = world.slab.data()});
  Finish(machine);
}

struct Part {
  std::uint64_t at;
  std::uint32_t size;
};

void SendFile(World& world, Machine& machine, std::string prefix, Part part, std::string suffix,
              std::uint32_t consume, Phase next) {
  world.slab = prefix + suffix;
  const auto at = static_cast<std::uint32_t>(prefix.size());
  machine.Begin({.send = static_cast<std::uint32_t>(world.slab.size()) + part.size,
                 .consume = consume,
                 .splice_at = at,
                 .spliced = part.size,
                 .file_at = part.at,
                 .end = {.next = next, .in_slab = true, .from_file = true, .requests = 1},
                 .bytes = world.slab.data()});
  Finish(machine);
}

/// A worker on the lease as it is: what a death has left in a step is finished first, as
/// LeasedConnection::TakeUp does.
void Work(const Kind& kind, World& world, ModelIo& io, const Rescue& rescue) {
  Machine machine(world.lease, world.detail, world.lease.Load().generation, io, kSecond);
  const Phase phase = world.lease.Load().phase;
  if (phase == Phase::kIdle) {
    ASSERT_TRUE(machine.Claim());
  } else {
    machine.Resume(static_cast<std::uint32_t>(rescue.step_sent),
                   static_cast<std::uint32_t>(rescue.step_consumed), world.slab.data());
  }
  if (phase == Phase::kResponding) Finish(machine);
  if (phase == Phase::kFeeding) FinishFeeding(machine);
  const bool finished = phase == Phase::kResponding && machine.done().next != Phase::kExecuting;
  if (phase == Phase::kClosing || (finished && machine.done().next != Phase::kReading)) return;
  if (world.lease.excuse != Excuse::kNone)
    return SendFrom(world, machine, "sorry", 0, "", 0, Phase::kClosing);
  if ((phase == Phase::kIdle || finished) && world.taken == world.request.size()) return machine.GoIdle();
  kind.serve(world, machine);
}

/// What the parent does when it has reaped the worker.
Rescue RescueIn(World& world) {
  const LeaseWord word = world.lease.Load();
  const StepEnd& before = world.lease.end[(word.steps + 1) & 1];
  const bool same = before.next == Phase::kExecuting;
  const Rescue rescue = DecideRescue({.word = word,
                                      .step = world.lease.step[word.steps & 1],
                                      .end = world.lease.end[word.steps & 1],
                                      .sent = world.answer.size(),
                                      .consumed = world.taken,
                                      .began_once = same && before.once,
                                      .answer_begun = same && before.begun,
                                      .process_running = world.process,
                                      .resumable = world.resumable});
  if (rescue.excuse != Excuse::kNone) world.lease.excuse = rescue.excuse;
  LeaseWord next = rescue.word;
  ++next.generation;
  if (rescue.action == Rescue::Action::kLease) world.lease.Store(next);
  return rescue;
}

}  // namespace

std::vector<Kind> Kinds() {
  std::vector<Kind> kinds;
  const std::string request = "GET\n";
  kinds.push_back({"a reply that is followed by idleness", request, "", "the answer", "",
                   [](World& w, Machine& m) { SendFrom(w, m, "the answer", 0, "", 4, Phase::kIdle); }});
  kinds.push_back({"a reply that ends the connection", request, "", "the answer", "",
                   [](World& w, Machine& m) { SendFrom(w, m, "the answer", 0, "", 4, Phase::kClosing); }});
  kinds.push_back(
      {"two pipelined requests in two steps", request + request, "", "one two", "", [](World& w, Machine& m) {
         if (m.total_sent() == 0) SendFrom(w, m, "one ", 0, "", 4, Phase::kReading);
         SendFrom(w, m, "two", 0, "", 4, Phase::kIdle);
       }});
  kinds.push_back({"a stream of a process's output in chunks", request, "abcdefghij", "head[abcd][efghij]end",
                   "", [](World& w, Machine& m) {
                     w.process = true;
                     if (m.total_sent() == 0) {
                       m.Execute();
                       SendFrom(w, m, "head", 0, "", 4, Phase::kExecuting);
                     }
                     if (m.total_sent() == 4) SendFrom(w, m, "[", 4, "]", 0, Phase::kExecuting);
                     if (m.total_sent() == 10) SendFrom(w, m, "[", 6, "]", 0, Phase::kExecuting);
                     SendFrom(w, m, "end", 0, "", 0, Phase::kIdle);
                   }});
  kinds.push_back(
      {"a body that is fed to a process", "POST\nthe body", "", "done", "the body", [](World& w, Machine& m) {
         w.process = true;
         if (m.total_consumed() == 0) {
           m.Execute();
           m.BeginFeeding({.consume = 13, .splice_at = 5, .end = {.next = Phase::kExecuting}});
           FinishFeeding(m);
         }
         SendFrom(w, m, "done", 0, "", 0, Phase::kIdle);
       }});
  kinds.push_back({"a request that is taken away before it is answered", "POST\nbody", "", "done", "",
                   [](World& w, Machine& m) {
                     m.ExecuteOnce();
                     m.Consume(5);
                     m.Consume(4);
                     SendFrom(w, m, "done", 0, "", 0, Phase::kClosing);
                   },
                   true});
  kinds.push_back({"a body that is made whole in a file, piece by piece", "POST\nthe body", "", "done",
                   "the body", [](World& w, Machine& m) {
                     w.resumable = true;
                     m.ExecuteOnce();
                     if (m.total_consumed() == 0) m.Consume(5);
                     for (std::uint64_t at; (at = m.total_consumed()) < 13;) {
                       const std::size_t piece = std::min<std::size_t>(3, 13 - at);
                       w.file.replace(at - 5, std::string::npos, w.request, at, piece);
                       m.Consume(static_cast<std::uint32_t>(piece));
                     }
                     w.input = w.file;
                     SendFrom(w, m, "done", 0, "", 0, Phase::kIdle);
                   }});
  kinds.push_back(
      {"two parts of a file, in steps", request, "", "head[cde][ghijkl]end", "", [](World& w, Machine& m) {
         w.resumable = true;
         w.file = "abcdefghijklmn";
         if (m.total_sent() == 0) {
           m.Execute();
           SendFile(w, m, "head[", {2, 3}, "]", 4, Phase::kExecuting);
         }
         if (m.total_sent() == 9) SendFile(w, m, "[", {6, 4}, "", 0, Phase::kExecuting);
         SendFile(w, m, "", {10, 2}, "]end", 0, Phase::kIdle);
       }});
  kinds.push_back({"a reply from the worker's own memory", request, "", "the long answer", "",
                   [](World&, Machine& m) {
                     static const std::string kBytes = "the long answer";
                     m.Begin({.send = 15,
                              .consume = 4,
                              .splice_at = 15,
                              .end = {.next = Phase::kIdle},
                              .bytes = kBytes.data()});
                     Finish(m);
                   },
                   false, true});
  return kinds;
}

Kind Twenty() {
  std::string request;
  std::string answer;
  for (char i = 'a'; i < 'u'; ++i) {
    request += {i, '\n'};
    answer += {'r', 'e', ':', i, '\n'};
  }
  return {"twenty pipelined requests", request, "", answer, "", [](World& w, Machine& m) {
            while (w.taken < w.request.size()) {
              const bool last = w.taken + 2 == w.request.size();
              SendFrom(w, m, {'r', 'e', ':', w.request[w.taken], '\n'}, 0, "", 2,
                       last ? Phase::kIdle : Phase::kReading);
            }
          }};
}

std::string Serve(const Kind& kind, const std::vector<int>& deaths, unsigned seed, Fault fault, int* calls) {
  std::mt19937 random(seed);
  World world;
  world.request = kind.request;
  world.output = kind.output;
  world.room = 3 + seed % 5;
  world.lease.Store({0, 1, Phase::kIdle});
  Rescue rescue;
  for (std::size_t life = 0; life <= deaths.size() + 2; ++life) {
    ModelIo io(world, life < deaths.size() ? deaths[life] : -1, random, fault);
    try {
      Work(kind, world, io, rescue);
      if (calls != nullptr) *calls = io.calls();
      break;
    } catch (const Died&) {
      rescue = RescueIn(world);
      if (rescue.action == Rescue::Action::kCut)
        return kind.may_be_cut && kind.answer.starts_with(world.answer) ? "" : "cut";
      if (rescue.action == Rescue::Action::kFree) return "freed";
    }
    if (world.answer.size() > 1000) return "endless";
  }
  if (kind.may_abandon && world.answer == "sorry") return "";
  if (world.answer != kind.answer) return "the client got '" + world.answer + "'";
  if (world.taken != world.request.size()) return "taken: " + std::to_string(world.taken);
  if (world.input != kind.input) return "the process got '" + world.input + "'";
  return "";
}

}  // namespace hydrapool::testing
