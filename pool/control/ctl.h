#pragma once

namespace hydrapool::control {

/// `hydrapool ctl …`: asks a server that runs (`hydrapool ctl --help`). `arguments`: from "ctl" on. The exit
/// code: 0 done, 1 refused or no server, 2 usage.
int Ctl(int count, char** arguments);

}  // namespace hydrapool::control
