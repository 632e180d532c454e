#include "hydrapool/unique_fd.h"

#include <unistd.h>

namespace hydrapool {

void UniqueFd::Close(int fd) { ::close(fd); }

}  // namespace hydrapool
