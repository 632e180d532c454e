#pragma once

#include <string_view>

/// What the HTML report is made of, embedded when it is built: our own page, and dygraphs (Debian's
/// libjs-dygraphs, MIT licence) for its plots.
namespace hydrapool::loadgen::page {

extern const std::string_view kBody;
extern const std::string_view kStyle;
extern const std::string_view kScript;
extern const std::string_view kDygraphsStyle;
extern const std::string_view kDygraphsScript;

}  // namespace hydrapool::loadgen::page
