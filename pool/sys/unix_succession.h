#pragma once

#include <string>

#include "pool/sys/unique_fd.h"

namespace hydrapool::sys {

/// A listening socket at `path`, where another still listens: who connects from now on comes to this one, who
/// waits there stays the other's. There is a socket at `path` all the time. Whether the other one agrees is
/// for the caller to know.
///
/// Throws as Listen does.
UniqueFd ListenInPlaceOf(const std::string& path);

}  // namespace hydrapool::sys
