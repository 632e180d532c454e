#include "pool/testing/server_process.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include "pool/admin/client.h"
#include "pool/sys/clock.h"
#include "pool/sys/kill.h"
#include "pool/sys/program.h"
#include "pool/testing/json.h"

namespace hydrapool::support {
namespace {

constexpr sys::Nanos kPatience = 20 * sys::kSecond;

/// The address in a line of the log, of the form "listening on [http://]HOST:PORT[/...]" or "… unix:/PATH";
/// "" until the line is whole.
std::string AddressAfter(const std::string& log, const std::string& words) {
  auto begin = log.find(words);
  if (begin == log.npos || log.find('\n', begin) == log.npos) return {};
  begin += words.size();
  if (log.compare(begin, 7, "http://") == 0) begin += 7;
  const bool local = log.compare(begin, 5, "unix:") == 0;
  return log.substr(begin, log.find_first_of(local ? " \n" : "/ \n", begin) - begin);
}

}  // namespace

bool Eventually(const std::function<bool()>& holds) {
  for (const sys::Nanos deadline = sys::Now() + kPatience; sys::Now() < deadline;) {
    if (holds()) return true;
    ::poll(nullptr, 0, 5);
  }
  return holds();
}

std::vector<pid_t> ChildrenOf(pid_t parent) {
  std::ifstream file(fmt::format("/proc/{}/task/{}/children", parent, parent));
  return {std::istream_iterator<pid_t>(file), {}};
}

bool Alive(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string stat;
  if (!std::getline(file, stat)) return false;
  const auto name_end = stat.rfind(") ");
  return name_end != stat.npos && stat[name_end + 2] != 'Z' && stat[name_end + 2] != 'X';
}

ServerProcess::ServerProcess(const ServerOptions& options)
    : supervised_(options.supervised),
      before_(options.before),
      log_(options.log_file.empty() ? scratch_ / "log" : options.log_file) {
  std::vector<std::string> arguments = options.before;
  arguments.insert(arguments.end(), {options.program, "--admin", options.admin});
  if (!options.supervised) arguments.emplace_back("--no-supervisor");
  if (!options.listen.empty()) arguments.insert(arguments.end(), {"--listen", options.listen});
  if (options.workers > 0) arguments.insert(arguments.end(), {"--workers", std::to_string(options.workers)});
  if (!options.cgi_dir.empty()) {
    arguments.insert(arguments.end(),
                     {"--cgi-dir", options.cgi_dir, "--cgi-env", "HYDRAPOOL_RECORD_FILE=" + record()});
  }
  if (!options.log_file.empty()) arguments.insert(arguments.end(), {"--log-file", options.log_file});
  arguments.insert(arguments.end(), options.flags.begin(), options.flags.end());
  Environment environment = options.environment;
  environment.emplace_back("HYDRAPOOL_FAILPOINTS", options.failpoints);
  child_ = sys::StartProgram(arguments, {.output = scratch_ / "log", .environment = environment});
  AwaitReady();
}

void ServerProcess::AwaitReady() {
  const bool listens = Eventually([this] {
    if (Readable(child_.pidfd(), std::chrono::milliseconds(0))) return true;
    const std::string log = Log();
    address_ = AddressAfter(log, "listening on ");
    admin_ = AddressAfter(log, "admin on ");
    return !address_.empty() && !admin_.empty();
  });
  const bool up = listens && !admin_.empty() && (!before_.empty() || AwaitQuiet());
  if (up) return;
  child_.Signal(SIGKILL);
  throw std::runtime_error("hydrapool does not come up:\n" + Log());
}

ServerProcess::~ServerProcess() {
  if (::testing::Test::HasFailure()) fmt::print(stderr, "--- the server's log\n{}\n---\n", TailOf(log_));
  if (!child_ && !supervised_) return;
  if (const auto page = admin::HttpGet(admin_, "/status.json", std::chrono::seconds(1)))
    sys::Kill(nlohmann::json::parse(page->body).at("pid").get<pid_t>(), SIGINT);  // who has taken its place
  if (!child_) return;
  child_.Signal(SIGINT);
  if (!Readable(child_.pidfd(), std::chrono::seconds(5))) child_.Signal(SIGKILL);
}

nlohmann::json ServerProcess::Status() const {
  auto page = admin::HttpGet(admin_, "/status.json", std::chrono::seconds(10));
  // A parent that dies takes those along who ask it.
  if (!page && supervised_) {
    Eventually([&] {
      page = admin::HttpGet(admin_, "/status.json", std::chrono::seconds(10));
      return page.has_value();
    });
  }
  if (!page) {
    ADD_FAILURE() << "status.json: " << page.error().message;
    return {};
  }
  return ParseJson(page->body);
}

std::uint64_t ServerProcess::Total(const std::string& name) const {
  const auto status = Status();
  return status.is_null() ? 0 : status.at("totals").at(name).get<std::uint64_t>();
}

bool ServerProcess::Await(const std::function<bool(const nlohmann::json&)>& holds) const {
  return Eventually([&] {
    const auto page = admin::HttpGet(admin_, "/status.json", std::chrono::seconds(10));
    return page && holds(ParseJson(page->body));
  });
}

bool ServerProcess::AwaitTotal(const std::string& name, std::uint64_t at_least) const {
  return Await([&](const auto& status) { return status.at("totals").at(name) >= at_least; });
}

bool ServerProcess::AwaitQuiet() const {
  return Await([](const auto& status) {
    const auto& workers = status.at("workers");
    return std::ranges::all_of(workers, [](const auto& each) { return each.at("state") == "ready"; }) &&
           status.at("leases").at("busy") == 0 && status.at("leases").at("unassigned") == 0;
  });
}

std::vector<pid_t> ServerProcess::Workers() const {
  std::vector<pid_t> pids;
  const nlohmann::json status = Status();
  for (const auto& each : status.at("workers")) {
    if (const auto pid = each.at("pid").get<pid_t>(); pid > 0) pids.push_back(pid);
  }
  return pids;
}

void ServerProcess::SignalWorker(pid_t worker, int signal) const {
  const auto pidfd = sys::OpenPidfd(worker);
  if (!pidfd || std::ranges::count(ChildrenOf(pid()), worker) == 0) return;
  sys::SignalPidfd(pidfd.get(), signal);
}

std::vector<pid_t> ServerProcess::Programs() const {
  std::vector<pid_t> children = ChildrenOf(pid());
  const std::vector<pid_t> workers = Workers();
  std::erase_if(children, [&](pid_t child) { return std::ranges::count(workers, child) > 0; });
  return children;
}

sys::ExitStatus ServerProcess::Stop(std::chrono::milliseconds deadline) {
  child_.Signal(SIGTERM);
  return WaitForEnd(deadline);
}

sys::ExitStatus ServerProcess::WaitForEnd(std::chrono::milliseconds deadline) {
  if (!Readable(child_.pidfd(), deadline)) {
    ADD_FAILURE() << "the server does not end";
    child_.Signal(SIGKILL);
    Readable(child_.pidfd(), std::chrono::seconds(10));
  }
  return child_.TryReap().value_or(sys::ExitStatus{.signal = SIGKILL, .code = 0});
}

}  // namespace hydrapool::support
