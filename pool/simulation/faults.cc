#include "pool/simulation/faults.h"

#include <algorithm>
#include <array>
#include <utility>

#include "pool/shared/lease_table.h"
#include "pool/simulation/heap.h"
#include "pool/simulation/world.h"

namespace hydrapool::simulation {

std::string_view FaultName(Fault fault) {
  constexpr std::array<std::string_view, static_cast<std::size_t>(kLastFault) + 1> kNames{
      "None",         "WordBeforeNote",   "SentBaseDropped",   "TakenBaseDropped", "BaseAtZero",
      "ConsumeFirst", "CommitBeforeSend", "BytesTried",        "OneRead",          "PeersEnd",
      "CountedLate",  "PlainSwap",        "PlainEnd",          "PlainGate",        "PlainPlace",
      "PlainTake",    "OldGeneration",    "LastGeneration",    "ForgottenLease",   "RunsAgain",
      "AnswerTwice",  "ReplayedStep",     "ForgottenNewcomer", "ForgottenBook",    "DeadlineAtSweep"};
  return kNames[static_cast<std::size_t>(fault)];
}

Lease* Faults::LeaseOf(std::uint32_t slot) const {
  return table_ == nullptr ? nullptr : &table_->lease(slot);
}

Lease* Faults::LeaseAt(const void* place) const {
  if (table_ == nullptr) return nullptr;
  for (std::size_t i = 0; i < table_->size(); ++i) {
    Lease& lease = table_->lease(i);
    if (place >= &lease && place < &lease + 1) return &lease;
  }
  return nullptr;
}

bool Faults::IsPlain(std::string_view name) const {
  return (name == "lease.swap" && Is(Fault::kPlainSwap)) ||
         (name == "process.ended" && Is(Fault::kPlainEnd)) ||
         (name == "process.gate" && Is(Fault::kPlainGate)) ||
         (name == "place.claimed" && Is(Fault::kPlainPlace));
}

void Faults::RememberNote(const void* place) {
  if (planted_ == Fault::kNone) return;
  Lease* const lease = LeaseAt(place);
  if (lease == nullptr) return;
  const Heap::Outside outside;
  for (std::size_t bank = 0; bank < lease->step.size(); ++bank) {
    if (place == &lease->step[bank])
      noting_[world_.self->pid] = {
          .lease = lease, .bank = bank, .step = lease->step[bank], .end = lease->end[bank]};
  }
}

void Faults::AtFailpoint(std::string_view name) {
  if (planted_ == Fault::kNone) return;
  const auto found = noting_.find(world_.self->pid);
  if (found == noting_.end() || found->second.lease == nullptr) return;
  if (name == "worker.noted") OnNoted(found->second);
  if (name == "worker.responding") OnResponding(found->second);
}

void Faults::OnNoted(Noting& noting) {
  Lease& lease = *noting.lease;
  LeaseStep& step = lease.step[noting.bank];
  StepEnd& end = lease.end[noting.bank];
  LeaseWord word = lease.Load();
  if (Is(Fault::kSentBaseDropped)) step.sent_base = noting.step.sent_base;
  if (Is(Fault::kTakenBaseDropped)) step.consumed_base = noting.step.consumed_base;
  if (Is(Fault::kBaseAtZero) && word.steps == 0) step.sent_base = step.consumed_base = 0;
  if (!Is(Fault::kWordBeforeNote)) return;
  const LeaseStep new_step = std::exchange(step, noting.step);
  const StepEnd new_end = std::exchange(end, noting.end);
  word.phase = Phase::kResponding;
  lease.word.store(word.Pack());
  world_.Pass("word before note");
  step = new_step;
  end = new_end;
}

void Faults::OnResponding(Noting& noting) {
  Lease& lease = *noting.lease;
  LeaseWord word = lease.Load();
  if (word.phase != Phase::kResponding) return;
  if (Is(Fault::kConsumeFirst)) noting.consume_first = lease.step[noting.bank].consume;
  if (!Is(Fault::kCommitBeforeSend)) return;
  word.phase = lease.end[noting.bank].next;
  ++word.steps;
  lease.word.store(word.Pack());
}

void Faults::BeforeSend(TcpConnection& connection) {
  const auto found = noting_.find(world_.self->pid);
  if (found == noting_.end() || found->second.consume_first == 0) return;
  Noting& noting = found->second;
  noting.consumed_first = std::exchange(noting.consume_first, 0);
  connection.Receive(nullptr, noting.consumed_first, false);
  world_.Pass("consumed first");
}

std::size_t Faults::TakenBefore(std::size_t size) {
  const auto found = noting_.find(world_.self->pid);
  if (found == noting_.end()) return 0;
  const std::size_t taken = std::min(size, found->second.consumed_first);
  found->second.consumed_first -= taken;
  return taken;
}

}  // namespace hydrapool::simulation
