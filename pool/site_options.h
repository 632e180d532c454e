#pragma once

#include <string>
#include <vector>

#include "pool/site.h"

namespace CLI {
class App;
}

namespace hydrapool::server {

/// The flags that say what is served: mounts, passwords, programs, who is believed, how large a body may be.
///
///     SiteOptions flags;
///     flags.AddTo(app);
///     app.parse(argc, argv);
///     flags.Fill(options.site);
///
/// `flags` must stay where it is until the app has parsed.
class SiteOptions {
 public:
  void AddTo(CLI::App& app);
  void Fill(SiteConfig& site) const;
  [[nodiscard]] const std::string& program_dir() const { return cgi_dir_; }

 private:
  void AddMounts(CLI::App& app);
  void AddGuards(CLI::App& app);
  void AddPrograms(CLI::App& app);
  void AddQueue(CLI::App& app);
  void AddRules(CLI::App& app);
  void AddProxies(CLI::App& app);
  void AddBodies(CLI::App& app);

  cgi::Config cgi_;
  std::vector<std::string> mounts_;
  cgi::MountRules rules_;
  std::vector<std::string> guards_;
  std::vector<std::string> allowed_;
  std::string group_file_;
  std::string realm_ = "restricted";
  std::string cgi_dir_;  ///< a mount like any other
  std::string cgi_prefix_ = "/cgi-bin/";
  std::string cgi_timeout_ = "60s";
  std::vector<std::string> limits_;
  std::vector<std::string> rules_of_programs_;
  std::string cgi_queue_timeout_ = "10s";
  bool raw_targets_ = false;
  bool cgi_strict_ = false;
  std::vector<std::string> trusted_;
};

}  // namespace hydrapool::server
