#pragma once

#include <optional>
#include <string>

namespace hydrapool::cgi {

/// Whether a password has a hash; nullopt: the hash is of no kind that is known. Takes as long as the hash is
/// dear: with bcrypt of cost 14 about a second.
[[nodiscard]] std::optional<bool> HasHash(const std::string& password, const std::string& hash);

/// It has the form of a hash that HasHash knows. None is computed: what only looks like one is no password's.
[[nodiscard]] bool IsHash(const std::string& hash);

/// How dear it is, in microseconds or so, to be compared with that of another hash. 0: of no known kind.
[[nodiscard]] double CostOf(const std::string& hash);

}  // namespace hydrapool::cgi
