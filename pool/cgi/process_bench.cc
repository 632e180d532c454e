#include "pool/cgi/process.h"

#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "pool/sys/clock.h"

namespace {

/// One start and end of the smallest sample program, from a process with `MiB` touched and `fds` descriptors
/// open. `start_us` is what the caller waits in Spawn, `least_start_us` the best of it, which a busy machine
/// does not blur; the whole iteration includes the program's run and its reaping.
void BM_Spawn(benchmark::State& state) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  const std::vector<char> touched(static_cast<std::size_t>(state.range(0)) << 20, 'x');
  const hydrapool::sys::UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const hydrapool::sys::UniqueFd directory(::open(HYDRAPOOL_CGI_BIN_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC));
  std::vector<hydrapool::sys::UniqueFd> open;
  for (int i = 0; i < state.range(1); ++i) open.emplace_back(::fcntl(null.get(), F_DUPFD_CLOEXEC, 3));

  char* argv[] = {const_cast<char*>("hello"), nullptr};
  char* envp[] = {nullptr};
  hydrapool::sys::Nanos starting = 0;
  hydrapool::sys::Nanos least = hydrapool::sys::kSecond;
  for (auto _ : state) {
    const hydrapool::sys::Nanos before = hydrapool::sys::Now();
    const auto spawned = hydrapool::cgi::Spawn({.directory_fd = directory.get(),
                                                .program = "hello",
                                                .argv = argv,
                                                .envp = envp,
                                                .stdin_fd = null.get(),
                                                .stdout_fd = null.get(),
                                                .stderr_fd = null.get(),
                                                .expected_parent = ::getpid(),
                                                .clone_parent = false});
    const hydrapool::sys::Nanos taken = hydrapool::sys::Now() - before;
    starting += taken;
    least = std::min(least, taken);
    if (!spawned || ::waitpid(spawned->pid, nullptr, 0) < 0) return state.SkipWithError("cannot start");
  }
  state.counters["start_us"] =
      benchmark::Counter(static_cast<double>(starting) / 1e3, benchmark::Counter::kAvgIterations);
  state.counters["least_start_us"] = static_cast<double>(least) / 1e3;
}
BENCHMARK(BM_Spawn)
    ->ArgNames({"MiB", "fds"})
    ->Args({1, 0})
    ->Args({64, 0})
    ->Args({512, 0})
    ->Args({1, 1000})
    ->Args({1, 10000})
    ->UseRealTime()
    ->Unit(benchmark::kMicrosecond);

}  // namespace
