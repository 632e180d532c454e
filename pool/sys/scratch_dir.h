#pragma once

#include <filesystem>
#include <string>

namespace hydrapool::sys {

/// A directory of one's own below the system's directory for temporary files, removed with all that is in it
/// unless it is kept.
///
///     const ScratchDir scratch("hydrapool-test");
///     std::ofstream(scratch / "conf") << …;
class ScratchDir {
 public:
  /// Its name begins with `prefix`. Throws std::system_error or std::filesystem::filesystem_error.
  explicit ScratchDir(const std::string& prefix);
  ~ScratchDir();
  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;

  void Keep() { kept_ = true; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
  bool kept_ = false;
};

}  // namespace hydrapool::sys
