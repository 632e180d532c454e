#include "pool/testing/scratch.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace hydrapool::support {

namespace fs = std::filesystem;

std::string TailOf(const std::string& path, std::size_t bytes) {
  std::string text = ReadFile(path);
  if (text.size() > bytes) text.erase(0, text.size() - bytes);
  return text;
}

std::string SamplesDir() { return fs::path(HYDRAPOOL_BIN_DIR "/../cgi-bin").lexically_normal().string(); }

void WriteProgram(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
  fs::permissions(path, fs::perms::owner_all);
}

void MakeCountingPrograms(const ScratchDir& directory, const std::vector<std::string>& names,
                          const std::string& record) {
  for (const std::string& name : names) {
    WriteProgram(directory / name,
                 fmt::format("#!/bin/sh\necho \"$REQUEST_METHOD $QUERY_STRING $$\" >> {}\nexec {}/{}\n",
                             record, SamplesDir(), name));
  }
}

std::map<std::string, int> Executions(const std::string& record) {
  std::map<std::string, int> counts;
  std::ifstream file(record);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string method, id;
    words >> method >> id;
    ++counts[id];
  }
  return counts;
}

}  // namespace hydrapool::support
