#include "pool/cgi/launch_server.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>
#include <variant>

#include "pool/cgi/launch_order.h"
#include "pool/cgi/program_start.h"
#include "pool/sys/child.h"
#include "pool/sys/log.h"
#include "pool/sys/oom_score.h"
#include "pool/sys/signals.h"

namespace hydrapool::cgi {
namespace {

/// What a descriptor holds, at most LaunchOrder::kMost bytes of it: others may write to it meanwhile. Nothing
/// but memory is read, for all else could make its reader wait.
std::string ReadOrder(int fd) {
  if (::fcntl(fd, F_GET_SEALS) < 0) return {};
  std::string text(LaunchOrder::kMost, '\0');
  const ssize_t count = ::pread(fd, text.data(), text.size(), 0);
  text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return text;
}

/// A head that a worker has taken is longer as an order says it: "a:b" as "a: b".
http::Limits Wider(http::Limits heads) {
  heads.max_head = heads.max_target = LaunchOrder::kMost;
  return heads;
}

/// Nobody is left who could send anything: an empty packet reads as that end does.
bool HasEnded(int channel) {
  pollfd ends{channel, POLLRDHUP, 0};
  return ::poll(&ends, 1, 0) > 0 && (ends.revents & (POLLRDHUP | POLLHUP)) != 0;
}

}  // namespace

bool TellEnd(const LaunchSeat& seat, LauncherLife& life, pid_t pid, const sys::ExitStatus& status) {
  if (!life.obituaries.Put({pid, status})) return false;
  if (seat.bell.parent_sleeps.load() != 0 && seat.bell.parent_sleeps.exchange(0) != 0) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto ignored = ::write(seat.doorbell, &one, sizeof one);
  }
  return true;
}

LaunchServer::LaunchServer(std::string user, sys::Channel channel, const Config& config, const Mounts& mounts,
                           const LaunchSeat& seat, LauncherLife& life)
    : user_(std::move(user)),
      channel_(std::move(channel)),
      config_(config),
      mounts_(mounts),
      seat_(seat),
      life_(life),
      facts_(config.server),
      rules_({.patience = config.patience, .limits = config.limits, .environment = config.server.extra},
             config.rules),
      parser_(Wider(config.heads)),
      oom_score_(sys::OomScore()) {}

void LaunchServer::Run() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  sys::SignalEvents signals(loop_, {SIGCHLD}, [this](int) { Reap(); });
  sys::IgnoreStraySignals();
  for (const int signal : {SIGTERM, SIGINT, SIGQUIT}) ::signal(signal, SIG_IGN);
  sys::CatchIgnoredSignals();
  ignored_ = sys::IgnoredSignals();
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const auto watch = loop_.Add(channel_.fd(), EPOLLIN, [this](std::uint32_t) { OnMessages(); });
  for (;;) loop_.RunOnce();
}

void LaunchServer::OnMessages() {
  alignas(ToLauncher) std::array<std::byte, sys::Channel::kMaxPacket> buffer;
  while (auto packet = channel_.Receive(buffer)) {
    if (packet->bytes.empty() && HasEnded(channel_.fd())) ::_exit(0);
    if (packet->bytes.size() != sizeof(ToLauncher)) continue;
    ToLauncher message;
    std::memcpy(&message, packet->bytes.data(), sizeof message);
    if (message.kind == ToLauncher::Kind::kSignal) Signal(message.pid, message.signal);
    if (message.kind != ToLauncher::Kind::kStart || packet->descriptors.size() != kLaunchDescriptors)
      continue;
    const int error = Start(message, packet->descriptors);
    [[maybe_unused]] const auto ignored = ::write(packet->descriptors[3].get(), &error, sizeof error);
  }
}

int LaunchServer::Start(const ToLauncher& message, std::vector<sys::UniqueFd>& fds) {
  ::fcntl(fds[3].get(), F_SETFL, O_NONBLOCK);
  if (message.slot >= seat_.table.size()) return EINVAL;
  if (programs_.size() > config_.max_processes) return EAGAIN;  // one more than that for a local redirect
  const auto order = LaunchOrder::Read(ReadOrder(fds[4].get()));
  if (!order) return EINVAL;
  const auto parsed = parser_.Parse(order->head);
  const auto* const request = std::get_if<const http::Request*>(&parsed);
  if (request == nullptr) return EINVAL;
  http::Request asked = **request;
  if (!order->host.empty()) asked.host = order->host;
  return StartFor(asked, *order, message, fds);
}

int LaunchServer::StartFor(const http::Request& request, const LaunchOrder& order, const ToLauncher& message,
                           const std::vector<sys::UniqueFd>& fds) {
  const auto target = mounts_.Find(request.path, request.host);
  const Script* const script = target ? std::get_if<Script>(&*target) : nullptr;
  if (script == nullptr) return target ? ENOENT : target.error().status == 404 ? ENOENT : EACCES;
  ProgramSettings settings = rules_.OfDecoded(script->name + script->path_info);
  if (settings.user != user_) return EPERM;
  ServerFacts facts = facts_;
  facts.extra = std::move(settings.environment);
  if (facts.document_root.empty()) facts.document_root = mounts_.document_root(request.host);
  const auto environment = Environment::Build(request, *script, facts, order.client);
  if (!environment) return E2BIG;
  LaunchGate gate{.place = seat_.table.places().Find(message.claimant),
                  .claimant = message.claimant,
                  .bodies = &seat_.table.bodies(),
                  .lease = message.slot,
                  .detail = &seat_.table.detail(message.slot),
                  .preparer = message.preparer};
  if (gate.place == nullptr) return ESTALE;
  const auto spawned = StartProgram({.script = *script,
                                     .envp = environment->envp(),
                                     .limits = settings.limits,
                                     .input = fds[0].get(),
                                     .output = fds[1].get(),
                                     .errors = fds[2].get(),
                                     .gate = gate.Gate(),
                                     .expected_parent = ::getpid(),
                                     .lifeline = seat_.lifeline.c_str(),
                                     .clone_parent = false,
                                     .set_id = config_.set_id,
                                     .ignored = ignored_,
                                     .oom_score = oom_score_});
  if (!spawned) return spawned.error().code != 0 ? spawned.error().code : EAGAIN;
  programs_.try_emplace(spawned->pid);
  return spawned->start == Spawned::Start::kRefused ? ESTALE : spawned->error;
}

void LaunchServer::Signal(pid_t pid, int signal) {
  if (signal != SIGTERM && signal != SIGKILL) return;
  if (const auto found = programs_.find(pid); found != programs_.end()) {
    found->second.terminating = true;
    sys::SignalTree(pid, found->second.below, signal);
  } else if (IsLeft(pid)) {
    std::vector<sys::FoundProcess> below;
    sys::SignalTree(pid, below, signal);
  }
}

// Where it is another user's, the kernel lets no signal through.
bool LaunchServer::IsLeft(pid_t pid) const {
  const auto is_launcher = [pid](const LauncherLife& each) { return each.pid == pid; };
  const pid_t keeper = ::getppid();
  return pid > 1 && sys::ParentOf(pid) == keeper && seat_.life.launchers[0].pid == keeper &&
         std::ranges::none_of(seat_.life.launchers, is_launcher);
}

// Before each is reaped: its number is its own until then.
void LaunchServer::Reap() {
  while (const auto dead = sys::NextDeadChild()) {
    if (const auto found = programs_.find(dead->pid); found != programs_.end()) {
      if (found->second.terminating) sys::SignalTree(dead->pid, found->second.below, SIGKILL);
      if (!TellEnd(seat_, life_, dead->pid, dead->status)) {
        again_ = loop_.At(sys::Now() + 100 * sys::kMillisecond, [this] { Reap(); });
        return;
      }
      programs_.erase(found);
    }
    sys::ReapChild(dead->pid);
  }
}

}  // namespace hydrapool::cgi
