#include "pool/shared/vital_signs.h"

#include <algorithm>

namespace hydrapool {
namespace {

std::size_t IndexOf(std::string_view cause) {
  return static_cast<std::size_t>(std::ranges::find(kProgramEnds, cause) - kProgramEnds.begin());
}

}  // namespace

std::size_t ProgramEnd(const sys::ExitStatus& status, EndedBy by) {
  switch (by) {
    case EndedBy::kTimeout:
      return IndexOf("timeout");
    case EndedBy::kPool:
      return IndexOf("terminated");
    case EndedBy::kOutOfMemory:
      return IndexOf("out_of_memory");
    case EndedBy::kItself:
      break;
  }
  if (status.signal != 0) return IndexOf("signal");
  return IndexOf(status.code == 0 ? "exit_0" : "exit_nonzero");
}

std::size_t UnknownProgramEnd() { return IndexOf("unknown"); }

}  // namespace hydrapool
