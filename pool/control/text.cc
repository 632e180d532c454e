#include "pool/control/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <ctime>
#include <nlohmann/json.hpp>
#include <vector>

#include "pool/sys/clock.h"

namespace hydrapool::control {
namespace {

using Json = nlohmann::ordered_json;
using Row = std::vector<std::string>;

Json Parse(const std::string& line) { return Json::parse(line, nullptr, false); }

std::string Word(const Json& value) {
  if (value.is_null()) return "-";
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string Word(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? "-" : Word(*found);
}

std::uint64_t Number(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number() ? found->get<std::uint64_t>() : 0;
}

std::string Seconds(const Json& object, const char* name) {
  const auto found = object.find(name);
  const double seconds = found != object.end() && found->is_number() ? found->get<double>() : 0;
  return seconds == 0 ? "-" : fmt::format("{:.{}f}s", seconds, seconds < 10 ? 1 : 0);
}

std::string State(const Json& worker) {
  const std::string state = Word(worker, "state");
  const bool leaves = worker.value("leaves", false) && state != "draining";
  return leaves ? state + ", leaves" : state;
}

std::string Workers(const Reply& reply) {
  std::vector<Row> rows{{"SLOT", "PID", "STATE", "LEASES", "BUSY", "REQUESTS", "MEMORY", "AGE", "PROGRAM"}};
  for (const std::string& line : reply.lines) {
    const Json worker = Parse(line);
    const bool lives = Number(worker, "pid") != 0;
    rows.push_back({Word(worker, "slot"), lives ? Word(worker, "pid") : "-", State(worker),
                    Word(worker, "leases"), Word(worker, "busy"), Word(worker, "requests"),
                    lives ? fmt::format("{}K", Number(worker, "memory") / 1024) : "-",
                    Seconds(worker, "age_s"), lives ? Word(worker, "program") : "-"});
  }
  return Table(rows);
}

std::string Leases(const Reply& reply) {
  std::vector<Row> rows{{"LEASE", "SLOT", "PID", "PHASE", "STEPS", "EXECUTING", "PEER"}};
  for (const std::string& line : reply.lines) {
    const Json lease = Parse(line);
    rows.push_back({Word(lease, "lease"), Word(lease, "slot"), Word(lease, "pid"), Word(lease, "phase"),
                    Word(lease, "steps"), Seconds(lease, "executing_s"), Word(lease, "peer")});
  }
  return Table(rows) + fmt::format("{} connections\n", reply.lines.size());
}

std::string Losses(const Reply& reply) {
  std::vector<Row> rows{{"AGO", "FATE", "PHASE", "SLOT", "PID", "PEER"}};
  for (const std::string& line : reply.lines) {
    const Json loss = Parse(line);
    rows.push_back({Seconds(loss, "ago_s"), Word(loss, "fate"), Word(loss, "phase"), Word(loss, "slot"),
                    Word(loss, "pid"), Word(loss, "peer")});
  }
  const Json totals = Parse(reply.last);
  return (reply.lines.empty() ? "" : Table(rows)) +
         fmt::format("lost {}, cut {}, abandoned {}, poison {}, unavailable {}; carried on {}\n",
                     Word(totals, "lost"), Word(totals, "cut"), Word(totals, "abandoned"),
                     Word(totals, "poison"), Word(totals, "unavailable"), Word(totals, "rescued"));
}

std::string Clock(const Json& event) {
  const auto at = static_cast<sys::Nanos>(Number(event, "at_ns"));
  const std::time_t seconds = at / sys::kSecond;
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  return fmt::format("{:02}:{:02}:{:02}.{:03}", parts.tm_hour, parts.tm_min, parts.tm_sec,
                     at % sys::kSecond / sys::kMillisecond);
}

std::string Harm(const Json& event) {
  std::string text;
  for (const char* name : {"lost", "cut", "abandoned", "poison", "unavailable"}) {
    if (event.contains(name))
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", Word(event, name), name);
  }
  return "not answered well: " + text;
}

std::string Story(const Json& event) {
  const std::string what = Word(event, "event");
  if (what == "watching") return fmt::format("watching: {} workers", Word(event, "workers"));
  if (what == "worker-ended") {
    return fmt::format("worker {} (process {}) ended: {} after {}; {} carried on, {} harmed",
                       Word(event, "slot"), Word(event, "pid"), Word(event, "cause"),
                       Seconds(event, "lived_s"), Word(event, "carried"), Word(event, "harmed"));
  }
  if (what == "missed-ends") return fmt::format("{} more workers ended", Word(event, "ends"));
  if (what == "worker-ready")
    return fmt::format("worker {} is ready, number {} in its slot", Word(event, "slot"),
                       Word(event, "incarnation"));
  if (what == "slot-drained") return fmt::format("slot {} is drained", Word(event, "slot"));
  if (what == "slot-filled") return fmt::format("slot {} is to have a worker again", Word(event, "slot"));
  if (what == "rescued")
    return fmt::format("carried on: {} idle, {} in hand", Word(event, "idle"), Word(event, "in_hand"));
  if (what == "harmed") return Harm(event);
  if (what == "parent-replaced") return fmt::format("a new parent serves, number {}", Word(event, "parents"));
  if (what == "program-replaced")
    return fmt::format("a new program serves, number {}", Word(event, "program"));
  if (what == "program-refused") return "a new program was refused: the log says why";
  if (what == "resized") return fmt::format("{} workers are wanted", Word(event, "workers"));
  if (what == "draining") return "the server is on its way out";
  return event.dump();
}

}  // namespace

std::string Table(std::span<const Row> rows) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const bool last = i + 1 == row.size();
      const bool number = !row[i].empty() && std::isdigit(static_cast<unsigned char>(row[i].front())) != 0;
      if (number && !last) {
        line += fmt::format("{:>{}}", row[i], widths[i]);
      } else {
        line += last ? row[i] : fmt::format("{:<{}}", row[i], widths[i]);
      }
      if (!last) line += "  ";
    }
    text += line + "\n";
  }
  return text;
}

std::string Text(const std::string& command, const Reply& reply) {
  if (command == "workers") return Workers(reply);
  if (command == "leases") return Leases(reply);
  if (command == "losses") return Losses(reply);
  const Json last = Parse(reply.last);
  if (command == "drain")
    return fmt::format("slot {} is being drained: it stays empty until it is recycled\n", Word(last, "slot"));
  if (command == "recycle") return fmt::format("slot {} gets a new worker\n", Word(last, "slot"));
  if (command == "resize") return fmt::format("{} workers are wanted\n", Word(last, "workers"));
  return fmt::format("a new program serves, number {}\n", Word(last, "program"));
}

std::string Text(const Json& event) { return Clock(event) + " " + Story(event) + "\n"; }

}  // namespace hydrapool::control
