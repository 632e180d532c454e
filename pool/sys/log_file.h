#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "pool/sys/error.h"

namespace hydrapool::sys {

struct User;

/// When the files of logs are to be opened again, in memory that all their writers share.
struct LogFileTurns {
  static constexpr std::size_t kFiles = 4;
  std::atomic<std::uint32_t> turn{0};  ///< counts the times it was asked for
  std::array<std::atomic<std::uint32_t>, kFiles>
      told{};                                    ///< by file: the turn whose failure the log has told of
  std::array<std::atomic<bool>, kFiles> torn{};  ///< the file ends in the middle of a line
};

/// A log that is a file, which several processes append to, and which a rotation may move away.
///
///     auto file = LogFile::Open("/var/log/hydrapool/access.log");   // before the fork
///     LogFile::TurnBy(&turns);                                      // the same memory in every process
///     (*file)->Write("a line\n");
///     LogFile::AskForTurn();                                        // in any of them: all open it again
///
/// A turn is taken by each process at its next Write or RefreshAll, so nothing is written to the old file
/// from then on, and no signal needs to reach anyone. A process that cannot open the file keeps the one it
/// has; the first to fail says so in the log. Since each opens it by its own rights, the file must be
/// writable by the user that the server becomes; what Open creates is given to that user.
///
/// A line is one write(2), whole or counted as dropped by its caller. Where a disk has taken a part of one,
/// the next begins a line of its own. A pipe's reader is never waited for, a disk is.
///
/// Not for several threads.
class LogFile {
 public:
  ~LogFile();
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  /// Creates it where it is missing, with 0640. `as`: takes the place of that descriptor; -1: of a new one.
  ///
  /// Root with a `user`, who may have prepared the path: what that user may open is opened, or made, as that
  /// user. The rest only where no part of the path is a symbolic link and the file has no other name; what
  /// had to be made is given to the user.
  [[nodiscard]] static Result<std::unique_ptr<LogFile>> Open(std::string path, int as = -1,
                                                             const User* user = nullptr);
  /// On a descriptor that is open and stays: never opened again.
  [[nodiscard]] static std::unique_ptr<LogFile> On(int fd);

  /// False: dropped; errno is in `error`.
  bool Write(std::string_view line);
  /// Opens it again, if that was asked for.
  void Refresh();
  /// All of this process.
  static void RefreshAll();
  [[nodiscard]] static std::vector<int> Descriptors();
  [[nodiscard]] int error() const { return error_; }
  [[nodiscard]] const std::string& path() const { return path_; }

  /// null: in this process alone.
  static void TurnBy(LogFileTurns* shared);
  static void AskForTurn();

 private:
  LogFile(std::string path, int fd);
  [[nodiscard]] Result<void> OpenAgain() const;

  std::string path_;  // empty: not opened again
  int fd_ = -1;       // for good
  std::size_t index_ = 0;
  std::uint32_t turn_ = 0;
  bool regular_ = false;
  int error_ = 0;
};

}  // namespace hydrapool::sys
