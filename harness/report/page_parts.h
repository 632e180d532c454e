#pragma once

#include <string_view>

/// What is the page of a run's own (page/*), embedded when it is built.
namespace hydrapool::harness::parts {

extern const std::string_view kBody;
extern const std::string_view kStyle;
extern const std::string_view kScript;

}  // namespace hydrapool::harness::parts
