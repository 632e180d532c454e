#pragma once

#include <string_view>

/// What all HTML pages of ours are made of, embedded when it is built: styles, functions that draw, and
/// dygraphs (Debian's libjs-dygraphs, MIT licence) for plots.
namespace hydrapool::page {

extern const std::string_view kStyle;
extern const std::string_view kScript;
extern const std::string_view kDygraphsStyle;
extern const std::string_view kDygraphsScript;

}  // namespace hydrapool::page
