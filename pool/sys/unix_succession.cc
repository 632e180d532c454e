#include "pool/sys/unix_succession.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "pool/sys/error.h"
#include "pool/sys/inheritance.h"
#include "pool/sys/unix_socket.h"

namespace hydrapool::sys {

UniqueFd ListenInPlaceOf(const std::string& path) {
  const std::string beside = path + "~";
  UniqueFd fd = ListenUnix(beside, {});
  if (::rename(beside.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(beside.c_str());
    ThrowErrno(error, "cannot listen on unix:" + path);
  }
  inheritance::Leave("listen unix:" + path, fd.get());  // as Listen does
  return fd;
}

}  // namespace hydrapool::sys
