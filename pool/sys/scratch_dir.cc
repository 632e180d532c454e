#include "pool/sys/scratch_dir.h"

#include <stdlib.h>

#include <cerrno>

#include "pool/sys/error.h"

namespace hydrapool::sys {

namespace fs = std::filesystem;

ScratchDir::ScratchDir(const std::string& prefix) {
  std::string name = (fs::temp_directory_path() / (prefix + "-XXXXXX")).string();
  if (::mkdtemp(name.data()) == nullptr) ThrowErrno(errno, name);
  path_ = name;
}

ScratchDir::~ScratchDir() {
  std::error_code ignored;
  if (!kept_) fs::remove_all(path_, ignored);
}

}  // namespace hydrapool::sys
