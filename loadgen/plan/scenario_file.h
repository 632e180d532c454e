#pragma once

#include <string>
#include <vector>

#include "loadgen/plan/plan.h"
#include "pool/sys/error.h"

namespace hydrapool::loadgen {

/// Reads a file of sessions (YAML) into a plan: its scenario, its targets.
///
///     arrivals: sessions              # what -R and -n count: sessions (default) or requests
///     headers: {Accept: application/json}          # of all requests
///     sessions:
///       - name: buyer
///         weight: 3
///         steps:
///           - name: login
///             request: POST /login    # METHOD URL, or a URL; what is not whole belongs to `base`
///             headers: {Content-Type: application/json}
///             body: '{"user": "u{counter}"}'
///             extract:
///               token: {json: /token}            # or header: NAME, cookie: NAME, regex: 'id=([0-9]+)'
///             check: {status: [200, 201], contains: welcome, json: {/ok: true}}
///           - think: 1s               # or {normal: [1s, 200ms]}, {exponential: 1s}
///           - repeat: 3
///             steps:
///               - request: GET /items?page={random}
///                 headers: {Authorization: "Bearer {token}"}
///
/// `steps` alone, without `sessions`, is one session. Errors name the file and the line.
sys::Result<void> FillScenario(const std::string& path, const std::string& base,
                               const std::vector<std::string>& headers, Plan& plan);

/// The same from text; `name` is for errors. Pure.
sys::Result<void> ParseScenario(const std::string& text, const std::string& name, const std::string& base,
                                const std::vector<std::string>& headers, Plan& plan);

}  // namespace hydrapool::loadgen
