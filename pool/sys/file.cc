#include "pool/sys/file.h"

#include <fstream>
#include <iterator>

namespace hydrapool::sys {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace hydrapool::sys
