#pragma once

#include "hydrapool/unique_fd.h"

namespace hydrapool::sys {

using hydrapool::UniqueFd;

}  // namespace hydrapool::sys
