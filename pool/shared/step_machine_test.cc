// The shipped step machine, driven through a death at every call of its seam and between every two of its
// stores, for every kind of step. The parent's DecideRescue and a second machine finish what the first has
// left; what the client and the process get is compared with the only right answer. Machines with a fault
// planted behind the seam show that the comparison bites.
#include "pool/shared/step_machine.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

#include "pool/shared/rescue.h"

namespace hydrapool {
namespace {

struct Died {};

/// What outlives a worker: the kernel's side of a connection, the request's process, the lease.
struct World {
  std::string request;    // what the client has sent
  std::size_t taken = 0;  // of it, as the kernel counts
  std::string answer;     // what the client has got
  std::string output;     // what waits in the process's output
  std::string input;      // what the process has been given
  std::string slab;
  bool process = false;         // one answers the request
  std::size_t room = SIZE_MAX;  // bytes that move before the next EAGAIN
  Lease lease;
  LeaseDetail detail;
};

enum class Fault : std::uint8_t {
  kNone,
  kWordBeforeNote,  // two stores swapped: the word that says responding comes before its note
  kNoSentBase,      // a base is dropped
  kNoConsumedBase,
  kConsumeFirst,      // the request is taken away before its answer is sent
  kCommitBeforeSend,  // the step is committed before it is carried out
};

/// The seam: dies at the call of a given number, before or after its effect. A store that dies has written
/// any part of its value.
class ModelIo {
 public:
  ModelIo(World& world, int dies_at, std::mt19937& random, Fault fault)
      : world_(world), dies_at_(dies_at), random_(random), fault_(fault) {}

  ssize_t Send(const char* bytes, std::size_t size, bool) {
    Pass();
    const std::size_t count = Move(size);
    if (count == 0) return -EAGAIN;
    world_.answer.append(bytes, count);
    Pass();
    return static_cast<ssize_t>(count);
  }
  ssize_t Splice(std::size_t size, bool) {
    Pass();
    const std::size_t count = Move(std::min(size, world_.output.size()));
    if (count == 0) return world_.output.empty() ? 0 : -EAGAIN;
    world_.answer += world_.output.substr(0, count);
    world_.output.erase(0, count);
    Pass();
    return static_cast<ssize_t>(count);
  }
  ssize_t Feed(std::size_t size) {
    Pass();
    const std::size_t count = Move(size);
    if (count == 0) return -EAGAIN;
    world_.input += world_.request.substr(world_.taken, count);
    world_.taken += count;
    Pass();
    return static_cast<ssize_t>(count);
  }
  ssize_t Discard(std::size_t size) {
    if (std::exchange(consumed_first_, false)) return static_cast<ssize_t>(size);
    Pass();
    const std::size_t count = std::min<std::size_t>(size, 1 + random_() % size);
    world_.taken += count;
    Pass();
    return static_cast<ssize_t>(count);
  }

  template <typename T>
  void Store(T& place, const T& value) {
    T next = value;
    if constexpr (std::is_same_v<T, LeaseStep>) {
      if (fault_ == Fault::kNoSentBase) next.sent_base = place.sent_base;
      if (fault_ == Fault::kNoConsumedBase) next.consumed_base = place.consumed_base;
      if (fault_ == Fault::kWordBeforeNote) {
        LeaseWord word = world_.lease.Load();
        word.phase = Phase::kResponding;
        Write(world_.lease.word, word.Pack());
      }
    }
    Write(place, next);
  }
  template <typename T>
  void Store(std::atomic<T>& place, std::type_identity_t<T> value) {
    if constexpr (std::is_same_v<T, std::uint64_t>) {
      if (LeaseWord::Unpack(value).phase == Phase::kResponding) OnResponding(value);
    }
    Write(place, value);
  }
  [[nodiscard]] Nanos Now() const { return 1; }

  [[nodiscard]] int calls() const { return calls_; }

 private:
  void Pass() {
    if (calls_++ == dies_at_) throw Died{};
  }
  std::size_t Move(std::size_t most) {
    const std::size_t count = std::min({most, 1 + random_() % std::max<std::size_t>(most, 1), world_.room});
    world_.room = world_.room == 0 ? 16 : world_.room - count;
    return count;
  }
  template <typename T>
  void Write(T& place, const T& value) {
    if (calls_ == dies_at_) {  // torn: any of its bytes are written
      auto* to = reinterpret_cast<char*>(&place);
      const auto* from = reinterpret_cast<const char*>(&value);
      for (std::size_t i = 0; i < sizeof(T); ++i) {
        if (random_() % 2 == 0) to[i] = from[i];
      }
    }
    Pass();
    place = value;
    Pass();
  }
  template <typename T>
  void Write(std::atomic<T>& place, T value) {
    Pass();
    place.store(value);
    Pass();
  }
  // What a machine in the wrong order would have done before it stored this word.
  void OnResponding(std::uint64_t value) {
    const LeaseStep& step = world_.lease.step[LeaseWord::Unpack(value).steps & 1];
    if (fault_ == Fault::kConsumeFirst && step.consume > 0) {
      Write(world_.lease.word, value);
      world_.taken += step.consume;
      consumed_first_ = true;
      Pass();
    }
    if (fault_ == Fault::kCommitBeforeSend) {
      LeaseWord word = LeaseWord::Unpack(value);
      word.phase = world_.lease.end[word.steps & 1].next;
      ++word.steps;
      Write(world_.lease.word, word.Pack());
    }
  }

  World& world_;
  const int dies_at_;
  std::mt19937& random_;
  const Fault fault_;
  int calls_ = 0;
  bool consumed_first_ = false;
};

using Machine = StepMachine<ModelIo>;

/// One kind of request: how it is answered, and what the client, the process and the kernel must have seen in
/// the end.
struct Kind {
  std::string name;
  std::string request;
  std::string output;  // of its process, where it has one
  std::string answer;
  std::string input;
  /// Carries the request on from wherever the lease stands; called again by each worker.
  std::function<void(World&, Machine&)> serve;
  bool may_abandon = false;  // it must not run twice: a death may be answered by an excuse instead
  bool may_be_cut = false;   // its answer lies in its worker's memory: a death may end it by a reset
};

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

/// Twenty pipelined requests, answered one after the other.
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
                                      .process_running = world.process});
  if (rescue.excuse != Excuse::kNone) world.lease.excuse = rescue.excuse;
  LeaseWord next = rescue.word;
  ++next.generation;
  if (rescue.action == Rescue::Action::kLease) world.lease.Store(next);
  return rescue;
}

/// Serves one request of a kind while workers die at the seam calls of the given numbers, one number for each
/// worker. Returns what is wrong with what the client got: "" for nothing. `calls`: of the last worker.
std::string Serve(const Kind& kind, const std::vector<int>& deaths, unsigned seed, Fault fault,
                  int* calls = nullptr) {
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

constexpr unsigned kSeeds = 8;

std::string Describe(const Kind& kind, unsigned seed, const std::vector<int>& deaths,
                     const std::string& wrong) {
  std::string text = kind.name + ", seed " + std::to_string(seed) + ", deaths at";
  for (const int death : deaths) text += " " + std::to_string(death);
  return text + ": " + wrong;
}

/// The first thing that goes wrong for any kind when workers die once and twice at every point; "" if
/// nothing.
std::string FirstWrong(Fault fault, int* cases = nullptr) {
  for (const Kind& kind : Kinds()) {
    for (unsigned seed = 0; seed < kSeeds; ++seed) {
      int calls = 0;
      if (const auto wrong = Serve(kind, {}, seed, fault, &calls); !wrong.empty())
        return kind.name + ": " + wrong;
      for (int first = 0; first < calls; ++first) {
        int calls_of_second = 0;
        const auto wrong = Serve(kind, {first}, seed, fault, &calls_of_second);
        if (!wrong.empty()) return Describe(kind, seed, {first}, wrong);
        for (int second = 0; second < calls_of_second; ++second) {
          const auto again = Serve(kind, {first, second}, seed, fault);
          if (!again.empty()) return Describe(kind, seed, {first, second}, again);
          if (cases != nullptr) ++*cases;
        }
      }
    }
  }
  return "";
}

TEST(StepMachineTest, DeathsAtEveryCallAndBetweenEveryTwoStoresChangeNothingForTheClient) {
  int cases = 0;
  EXPECT_EQ(FirstWrong(Fault::kNone, &cases), "");
  EXPECT_GT(cases, 10'000);
}

TEST(StepMachineTest, HoweverManyWorkersDieEachOfManyRequestsIsAnsweredOnce) {
  std::mt19937 random(1);
  for (unsigned seed = 0; seed < 2000; ++seed) {
    std::vector<int> deaths(random() % 60);
    for (int& death : deaths) death = static_cast<int>(random() % 70);
    ASSERT_EQ(Serve(Twenty(), deaths, seed, Fault::kNone), "") << "seed " << seed;
  }
}

class StepMachineMutantTest : public testing::TestWithParam<Fault> {};

TEST_P(StepMachineMutantTest, IsFound) { EXPECT_NE(FirstWrong(GetParam()), ""); }

INSTANTIATE_TEST_SUITE_P(EachFault, StepMachineMutantTest,
                         testing::Values(Fault::kWordBeforeNote, Fault::kNoSentBase, Fault::kNoConsumedBase,
                                         Fault::kConsumeFirst, Fault::kCommitBeforeSend));

}  // namespace
}  // namespace hydrapool
