#pragma once

#include <map>
#include <string>
#include <vector>

#include "pool/sys/file.h"
#include "pool/sys/scratch_dir.h"

namespace hydrapool::support {

using sys::ReadFile;

struct ScratchDir : sys::ScratchDir {
  ScratchDir() : sys::ScratchDir("hydrapool-test") {}
};

/// The end of a log, for a failure's message.
std::string TailOf(const std::string& path, std::size_t bytes = 4000);

/// The sample CGI programs of the build.
std::string SamplesDir();
/// A program in a file of its own that its owner may execute.
void WriteProgram(const std::string& path, const std::string& text);
/// A directory of CGI programs in which each of `names` first appends "METHOD QUERY PID" as a line to the
/// file `record` and then becomes the sample of that name: so its executions can be counted, whatever it is.
void MakeCountingPrograms(const ScratchDir& directory, const std::vector<std::string>& names,
                          const std::string& record);

/// How often each id was executed: the second word of each line of what `record` (scripts/cgi/record.c) and
/// the counting programs leave.
std::map<std::string, int> Executions(const std::string& record);

}  // namespace hydrapool::support
