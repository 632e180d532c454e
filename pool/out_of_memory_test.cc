#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "pool/admin/client.h"
#include "pool/sys/oom_kills.h"
#include "pool/testing/http_client.h"
#include "pool/testing/server_process.h"

namespace hydrapool::support {
namespace {

namespace fs = std::filesystem;

/// A memory cgroup of its own below this process's, with a limit.
class MemoryGroup {
 public:
  explicit MemoryGroup(const std::string& bytes) {
    const std::string here = fs::path(sys::OomKillFile()).parent_path();
    const std::string limit =
        here.starts_with("/sys/fs/cgroup/memory") ? "memory.limit_in_bytes" : "memory.max";
    path_ = here + "/hydrapool-test-" + std::to_string(::getpid());
    std::error_code refused;
    fs::create_directory(path_, refused);
    std::ofstream file(path_ + "/" + limit);
    file << bytes << std::flush;
    usable_ = !refused && file.good();
  }
  ~MemoryGroup() {
    Eventually([this] { return ::rmdir(path_.c_str()) == 0 || errno != EBUSY; });
  }
  MemoryGroup(const MemoryGroup&) = delete;
  MemoryGroup& operator=(const MemoryGroup&) = delete;

  [[nodiscard]] bool usable() const { return usable_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  bool usable_ = false;
};

double Metric(const ServerProcess& server, const std::string& series) {
  const auto page = admin::HttpGet(server.admin(), "/metrics", std::chrono::seconds(20));
  const auto at = page ? page->body.find("\n" + series + " ") : std::string::npos;
  return at == std::string::npos ? -1 : std::stod(page->body.substr(at + series.size() + 2));
}

TEST(OutOfMemoryTest, IsToldFromAKillByAnybodyElse) {
  const MemoryGroup group("400000000");
  if (!group.usable()) GTEST_SKIP() << "no memory cgroup can be made here: " << group.path();
  const ScratchDir directory;
  WriteProgram(directory / "eats",
               "#!/usr/bin/python3 -S\nfor i in range(64): globals()[str(i)] = bytes(range(256)) * 65536\n");
  const ServerProcess server(
      {.cgi_dir = directory.path().string(),
       .before = {"sh", "-c", "echo $$ >'" + group.path() + "/cgroup.procs'; exec \"$@\"", "sh"}});
  ASSERT_TRUE(server.AwaitQuiet());
  EXPECT_EQ(HttpClient(server.address()).Ask(Get("/cgi-bin/eats")).value_or(HttpAnswer{}).status, 502);
  EXPECT_TRUE(
      Eventually([&] { return Metric(server, "hydrapool_cgi_ended_total{cause=\"out_of_memory\"}") == 1; }));
  EXPECT_NE(server.Log().find(") killed by the kernel: out of memory\n"), std::string::npos) << server.Log();
  EXPECT_EQ(Metric(server, "hydrapool_cgi_ended_total{cause=\"signal\"}"), 0);

  server.SignalWorker(server.Workers().at(0), SIGKILL);
  ASSERT_TRUE(server.AwaitTotal("exits", 1));
  EXPECT_EQ(Metric(server, "hydrapool_worker_exits_total{cause=\"SIGKILL\"}"), 1);
  EXPECT_EQ(Metric(server, "hydrapool_worker_exits_total{cause=\"out_of_memory\"}"), 0);
}

}  // namespace
}  // namespace hydrapool::support
