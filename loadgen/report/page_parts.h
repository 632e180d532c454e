#pragma once

#include <string_view>

/// What is the HTML report's own beside page/page.h, embedded when it is built.
namespace hydrapool::page {

extern const std::string_view kReportBody;
extern const std::string_view kReportScript;

}  // namespace hydrapool::page
