#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "pool/sys/clock.h"
#include "pool/sys/error.h"
#include "pool/sys/privileges.h"

/// What may stand behind an option of hydrapool, as CLI11 checks it: each returns what is wrong with a text,
/// or "".
namespace hydrapool::server {

std::string Address(const std::string& text);        ///< HOST:PORT, :PORT or unix:/PATH
std::string ListenAddress(const std::string& text);  ///< ListenAt::Parse
std::string TrustedPeer(const std::string& text);    ///< http::TrustedPeers::Add
std::string GuardLine(const std::string& text);      ///< cgi::Guard::Parse
std::string AllowLine(const std::string& text);      ///< cgi::Guard::ParseAllowed
std::string LimitLine(const std::string& text);      ///< cgi::SetLimit
std::string RuleLine(const std::string& text);       ///< cgi::ProgramRule::Parse
std::string Realm(const std::string& text);          ///< what may stand in quotes
std::string MountLine(const std::string& text);      ///< cgi::Mount::Parse
std::string FileName(const std::string& text);       ///< not empty, without '/'
std::string Mode(const std::string& text);           ///< octal, as chmod takes it
std::string NameAndValue(const std::string& text);   ///< NAME=VALUE
std::string Prefix(const std::string& text);         ///< begins and ends with '/'
std::string Patience(const std::string& text);       ///< a duration from 100ms to 24h
std::string TimeOrNever(const std::string& text);    ///< one up to 24h, or 0
std::string Truth(const std::string& text);          ///< of a flag: true, 1, yes, on and their opposites
std::string KnownUser(const std::string& text);      ///< NAME or NAME:GROUP of this machine

/// Where to listen: HOST:PORT, :PORT, systemd, systemd:NAME, or a UNIX socket, which may have a mode and an
/// owner of its own: unix:/PATH,mode=660,owner=NAME:GROUP.
struct ListenAt {
  std::string address;
  std::optional<mode_t> mode{};
  std::optional<sys::User> owner{};

  static sys::Result<ListenAt> Parse(const std::string& text);
};

/// A TimeOrNever: 0 is never.
sys::Result<sys::Nanos> ParseTimeOrNever(const std::string& text);

}  // namespace hydrapool::server
