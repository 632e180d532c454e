#include "loadgen/command/dry_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "loadgen/command/secrets.h"
#include "loadgen/plan/agenda.h"
#include "loadgen/plan/replica.h"
#include "loadgen/plan/scenario.h"
#include "loadgen/plan/text_template.h"
#include "loadgen/report/report.h"
#include "loadgen/report/terminal_text.h"

namespace hydrapool::loadgen {
namespace {

constexpr std::size_t kMostBody = 200;
constexpr std::size_t kIndent = 14;
constexpr sys::Nanos kLate = std::numeric_limits<sys::Nanos>::max() / 2;

/// What the threads of a run would send, in the order in which it is due.
class Schedule {
 public:
  explicit Schedule(const Plan& plan) : open_loop_(plan.arrivals.rate.has_value()) {
    taken_.resize(static_cast<std::size_t>(plan.threads));
    for (int i = 0; i < plan.threads; ++i) {
      agendas_.emplace_back(plan, i, -plan.arrivals.warmup);
      at_once_.push_back(ConnectionsOf({.index = i, .of = plan.threads}, plan.connections));
    }
  }

  [[nodiscard]] std::uint64_t scheduled() const {
    std::uint64_t n = 0;
    for (const auto& agenda : agendas_) n += agenda.Scheduled();
    return n;
  }
  /// `at_once`: in a closed loop, whether it waits for no other's answer.
  std::optional<Arrival> Take(bool& at_once) {
    const auto i = open_loop_ ? First() : next_++ % agendas_.size();
    at_once = open_loop_ || at_once_[i]-- > 0;
    const auto due = agendas_[i].NextDue();
    ++taken_[i];
    return due == Agenda::kNever ? std::nullopt : agendas_[i].Take(open_loop_ ? kLate : due, due);
  }

 private:
  /// Of those that are due at the same time the threads have one each in turn.
  [[nodiscard]] std::size_t First() const {
    std::size_t first = 0;
    for (std::size_t i = 1; i < agendas_.size(); ++i) {
      if (std::pair(agendas_[i].NextDue(), taken_[i]) < std::pair(agendas_[first].NextDue(), taken_[first]))
        first = i;
    }
    return first;
  }

  bool open_loop_;
  std::vector<Agenda> agendas_;
  std::vector<int> at_once_;
  std::vector<std::uint64_t> taken_;
  std::size_t next_ = 0;
};

std::string Expanded(const Plan& plan, std::string_view text, std::uint64_t turn) {
  std::string expanded;
  TextTemplate(text, plan.lines).Expand(plan.seed, turn, expanded);
  return expanded;
}

std::string RequestText(const Plan& plan, const Arrival& arrival) {
  const auto* session = plan.scenario ? &plan.scenario->sessions[arrival.url] : nullptr;
  const auto& target = plan.targets[session != nullptr ? session->steps.front().index : arrival.url];
  const auto everything = [](const std::string& line) { return Printable(line, line.size()); };
  const auto name = session == nullptr ? "" : fmt::format("session '{}': ", everything(session->name));
  auto text =
      fmt::format("{}{} {}\n", name, target.method, everything(Expanded(plan, target.url, arrival.turn)));
  for (const auto& header : target.headers) {
    text += fmt::format("{:<{}}{}\n", "", kIndent,
                        everything(WithoutSecrets("-H", Expanded(plan, header, arrival.turn))));
  }
  if (!target.body || target.body.text().empty()) return text;
  std::string body;
  TextTemplate::OfBody(target.body, plan.lines).Expand(plan.seed, arrival.turn, body);
  return text + fmt::format("{:<{}}body of {} bytes: {}\n", "", kIndent, body.size(),
                            Printable(std::string_view(body).substr(0, kMostBody)));
}

}  // namespace

std::string DryRunText(const Plan& plan, const std::string& engine, int most) {
  Schedule schedule(plan);
  const bool counted = plan.arrivals.rate || plan.arrivals.count;
  const auto total = plan.arrivals.rate ? schedule.scheduled() : plan.arrivals.count.value_or(0);
  auto text =
      fmt::format("{}\nnothing was sent; {} {}, of which these are the first:\n\n", Describe(plan, engine),
                  counted ? std::to_string(total) : "as many as answers leave time for",
                  plan.scenario && !plan.scenario->of_requests ? "sessions" : "requests");
  for (int i = 0; i < most; ++i) {
    bool at_once = true;
    const auto arrival = schedule.Take(at_once);
    if (!arrival) break;
    text += at_once ? fmt::format("{:.6f} s", sys::ToSeconds(arrival->due)) : "then";
    text.append(kIndent - std::min(kIndent, text.size() - text.rfind('\n') - 1), ' ');
    const bool known = i == 0 || !plan.scenario || !plan.scenario->of_requests;
    text +=
        known ? RequestText(plan, *arrival) : "the next request of a session, or the first of a new one\n";
  }
  return text;
}

}  // namespace hydrapool::loadgen
