#pragma once

#include <sys/stat.h>

#include <string>
#include <utility>
#include <vector>

#include "pool/sys/error.h"
#include "pool/sys/unique_fd.h"

namespace hydrapool::loadgen {

/// Opens files to be written such that no two are one, whatever they are called: two reports in a file would
/// destroy each other.
///
///     DistinctFiles files;
///     files.Spare("--faults", "faults.jsonl");   // is read, so it must not be emptied
///     auto json = files.Open("--json", "x");     // created; what is in it stays until it is written
///     auto csv = files.Open("--csv", "./x");     // Error: --json and --csv cannot both be written to ./x
///
/// Standard output and standard error are among them. Nothing is emptied here: whoever opened all that it
/// needs does that, so that a command that is refused destroys nothing (output_files.h). Pipes and devices,
/// like a terminal or /dev/null, may be there several times: in them nothing is destroyed.
class DistinctFiles {
 public:
  DistinctFiles();
  /// That spares these.
  explicit DistinctFiles(const std::vector<std::pair<std::string, std::string>>& paths_by_flag);

  /// Names a file that is only read; one that is not there, like "" and "-", is none.
  void Spare(const std::string& flag, const std::string& path);
  /// The error names the flag, the path and the reason.
  sys::Result<sys::UniqueFd> Open(const std::string& flag, const std::string& path);

 private:
  struct File {
    std::string flag;
    dev_t device;
    ino_t inode;
    bool is_read;
  };
  /// Nothing where it is no regular file.
  void Note(const std::string& flag, const struct stat& facts, bool is_read);

  std::vector<File> files_;
};

}  // namespace hydrapool::loadgen
