// A model of connections, the kernel's counters and workers that may die between any two stores: whatever the
// deaths, each request is answered exactly once, in order, to the byte.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "pool/shared/rescue.h"

namespace hydrapool {
namespace {

struct Died {};

/// What outlives a worker: the kernel's side of a connection and the shared record of its lease.
struct World {
  std::string request_stream;  // what the client sends: lines
  std::size_t taken = 0;       // consumed by workers, as the kernel counts
  std::string reply_stream;    // what the client gets
  bool reset = false;
  Lease lease;
  std::string slab;
  std::uint64_t step_sent = 0;  // what the parent tells the worker that takes the lease up
  std::uint64_t step_consumed = 0;
  int abandoned = 0;
};

std::string AnswerTo(std::string_view line) {
  const std::string text(line.substr(0, line.size() - 1));
  return text.ends_with('L') ? text + std::string(40, '!') + "\n"
                             : "re:" + text + "\n";  // L: too large for the slab
}
constexpr std::size_t kModelSlab = 24;

/// Does in order the stores of connection_step.cc; dies before any of them at random.
class ModelWorker {
 public:
  ModelWorker(World& world, std::mt19937& random, unsigned lethality)
      : world_(world), random_(random), lethality_(lethality) {}

  void Run() {
    const LeaseWord word = world_.lease.Load();
    steps_ = word.steps;
    generation_ = word.generation;
    if (word.phase == Phase::kResponding) {
      sent_ = world_.step_sent;
      consumed_ = world_.step_consumed;
      Continue();
    }
    while (Serve()) {
    }
  }

 private:
  void MayDie() {
    if (random_() % lethality_ == 0) throw Died{};
  }
  void Store(Phase phase) {
    MayDie();
    world_.lease.Store({steps_, generation_, phase});
    MayDie();
  }
  LeaseStep& step() { return world_.lease.step[steps_ & 1]; }

  bool Serve() {
    if (world_.lease.Load().phase == Phase::kClosing) return false;
    Store(Phase::kReading);
    if (world_.lease.verdict != Verdict::kNone) {
      Answer("abandoned\n", 0, Phase::kClosing);
      return true;
    }
    const std::string_view peeked = std::string_view(world_.request_stream).substr(world_.taken);
    if (peeked.empty()) {
      Store(Phase::kIdle);
      return false;
    }
    std::size_t used = peeked.find('\n') + 1;
    std::string answers = AnswerTo(peeked.substr(0, used));
    if (peeked[used - 2] == 'O') return ExecuteOnce(used, answers);
    while (used < peeked.size() && answers.size() <= kModelSlab && random_() % 2 == 0) {  // a batch
      const std::string_view next = peeked.substr(used, peeked.find('\n', used) + 1 - used);
      const std::string answer = AnswerTo(next);
      if (next[next.size() - 2] == 'O' || answers.size() + answer.size() > kModelSlab) break;
      used += next.size();
      answers += answer;
    }
    Answer(answers, used, used == peeked.size() ? Phase::kIdle : Phase::kReading);
    return true;
  }

  // Takes its request away before it answers, as Connection::Consume does.
  bool ExecuteOnce(std::size_t size, const std::string& answer) {
    Store(Phase::kExecutingOnce);
    MayDie();
    world_.taken += size;
    MayDie();
    LeaseStep noted = world_.lease.NextBase(steps_);
    noted.consume = static_cast<std::uint32_t>(size);
    Note(noted, {.next = Phase::kExecutingOnce});
    ++steps_;
    Store(Phase::kExecutingOnce);
    Answer(answer, 0, Phase::kReading);
    return true;
  }

  void Note(const LeaseStep& noted, StepEnd end) {
    MayDie();
    step().sent_base = noted.sent_base;
    MayDie();
    step().consumed_base = noted.consumed_base;
    MayDie();
    step().send = noted.send;
    MayDie();
    step().consume = noted.consume;
    MayDie();
    world_.lease.end[steps_ & 1] = end;
    MayDie();
  }

  void Answer(const std::string& bytes, std::size_t consume, Phase next) {
    const bool in_slab = bytes.size() <= kModelSlab;
    if (in_slab) {
      world_.slab = bytes.substr(0, bytes.size() / 2);
      MayDie();
      world_.slab = bytes;
    } else {
      own_ = bytes;
    }
    LeaseStep noted = world_.lease.NextBase(steps_);
    noted.send = static_cast<std::uint32_t>(bytes.size());
    noted.consume = static_cast<std::uint32_t>(consume);
    Note(noted, {.next = next, .in_slab = in_slab});
    sent_ = consumed_ = 0;
    Store(Phase::kResponding);
    Continue();
  }

  void Continue() {
    const std::string& bytes = world_.lease.end[steps_ & 1].in_slab ? world_.slab : own_;
    while (sent_ < step().send) {
      MayDie();
      const std::size_t piece = 1 + random_() % (step().send - sent_);
      world_.reply_stream += bytes.substr(sent_, piece);
      sent_ += piece;
    }
    while (consumed_ < step().consume) {
      MayDie();
      const std::size_t piece = 1 + random_() % (step().consume - consumed_);
      world_.taken += piece;
      consumed_ += piece;
    }
    MayDie();
    const Phase next = world_.lease.end[steps_ & 1].next;
    ++steps_;
    Store(next);
  }

  World& world_;
  std::mt19937& random_;
  const unsigned lethality_;
  std::uint32_t steps_ = 0;
  std::uint32_t generation_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t consumed_ = 0;
  std::string own_;
};

/// What the parent does after it has reaped the worker.
void RescueIn(World& world) {
  const LeaseWord word = world.lease.Load();
  const Rescue rescue = DecideRescue({.word = word,
                                      .step = world.lease.step[word.steps & 1],
                                      .end = world.lease.end[word.steps & 1],
                                      .sent = world.reply_stream.size(),
                                      .consumed = world.taken});
  world.reset = rescue.action == Rescue::Action::kCut;
  if (rescue.action != Rescue::Action::kLease) return;
  if (rescue.verdict != Verdict::kNone) {
    ++world.abandoned;
    world.lease.verdict = rescue.verdict;
  }
  world.step_sent = rescue.step_sent;
  world.step_consumed = rescue.step_consumed;
  LeaseWord next = rescue.word;
  ++next.generation;
  world.lease.Store(next);
}

struct Story {
  std::string got;
  std::string expected;
  int deaths = 0;
  int abandoned = 0;
  bool reset = false;
};

/// Serves 20 requests; `kinds`: characters that end a request's line and say what it is.
Story Play(unsigned seed, unsigned lethality, std::string_view kinds) {
  std::mt19937 random(seed);
  World world;
  Story story;
  for (int i = 0; i < 20; ++i) {
    const std::string line = std::to_string(i) + std::string(1, kinds[random() % kinds.size()]) + "\n";
    world.request_stream += line;
    story.expected += AnswerTo(line);
  }
  world.lease.Store({0, 1, Phase::kIdle});
  for (bool over = false; !over && !world.reset;) {
    try {
      ModelWorker(world, random, lethality).Run();
      over = true;
    } catch (const Died&) {
      ++story.deaths;
      RescueIn(world);
    }
  }
  story.got = world.reply_stream;
  story.abandoned = world.abandoned;
  story.reset = world.reset;
  return story;
}

constexpr unsigned kStories = 3000;

TEST(RescueModelTest, WhateverTheDeathsEachRequestIsAnsweredOnceToTheByte) {
  int deaths = 0;
  for (unsigned seed = 0; seed < kStories; ++seed) {
    const Story story = Play(seed, 5 + seed % 60, ".");
    ASSERT_EQ(story.got, story.expected) << "seed " << seed;
    ASSERT_FALSE(story.reset) << "seed " << seed;
    deaths += story.deaths;
  }
  EXPECT_GT(deaths, 10'000);
}

TEST(RescueModelTest, WhatIsTooLargeForTheSlabIsWholeOrCutNeverWrong) {
  int cut = 0;
  int whole = 0;
  for (unsigned seed = 0; seed < kStories; ++seed) {
    const Story story = Play(seed, 20 + seed % 60, "..L");
    ASSERT_TRUE(story.expected.starts_with(story.got)) << "seed " << seed;
    if (!story.reset) {
      ASSERT_EQ(story.got, story.expected) << "seed " << seed;
    }
    ++(story.reset ? cut : whole);
  }
  EXPECT_GT(cut, 100);
  EXPECT_GT(whole, 100);
}

TEST(RescueModelTest, WhatMustNotRunAgainGetsItsAnswerOrExactlyOneThatSaysSo) {
  int abandoned = 0;
  for (unsigned seed = 0; seed < kStories; ++seed) {
    const Story story = Play(seed, 20 + seed % 60, "..O");
    ASSERT_FALSE(story.reset) << "seed " << seed;
    ASSERT_LE(story.abandoned, 1) << "seed " << seed;
    if (story.abandoned == 0) {
      ASSERT_EQ(story.got, story.expected) << "seed " << seed;
      continue;
    }
    ++abandoned;
    ASSERT_TRUE(story.got.ends_with("abandoned\n")) << "seed " << seed;
    ASSERT_TRUE(story.expected.starts_with(story.got.substr(0, story.got.size() - 10))) << "seed " << seed;
  }
  EXPECT_GT(abandoned, 100);
}

}  // namespace
}  // namespace hydrapool
