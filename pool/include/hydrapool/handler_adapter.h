#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "hydrapool/connection.h"
#include "hydrapool/handler.h"

/// What a user writes, and how the pool reaches it.
///
/// A handler is any class H with
///
///     // One for each worker, built after the fork.
///     explicit H(WorkerContext&);
///     // What to do with the request at the beginning of the input.
///     Decision OnInput(Connection&, std::string_view input);
///     // What a client gets whose request can be neither finished nor run again.
///     static std::string AbandonedReply(Excuse);  // or without parameter
///
/// and, where it needs them,
///
///     // Starts the request for which OnInput said Start.
///     Begun Begin(Exchange&, std::string_view input);
///     // Takes over a request whose process outlived its worker.
///     std::unique_ptr<Execution> Resume(Exchange&);
///     // AbandonedReply in a worker that lives, for this connection.
///     std::string OwedReply(Connection&, Excuse);
///     // Speaks first, once for each connection: its reply's `consume` counts for nothing.
///     std::optional<Reply> OnConnect(Connection&);
///     // The worker is about to close the connection; not called where the worker is killed, nor where the
///     // parent closes it.
///     void OnClose(Connection&);
///     // The worker ends in peace.
///     void OnWorkerStop();
///
/// OnInput sees all bytes that wait on a connection, beginning with a request's first; it is asked again for
/// the next. It is called again with the same bytes whenever more have come, and in another worker if this
/// one dies. OnConnect may be called again where a worker died in it; its bytes are sent once. An exception
/// out of any of these costs its connection, not its worker. A mistake (to consume nothing, or more than has
/// come; no execution) resets the connection, with a line in the log.
namespace hydrapool {

/// A handler behind one type, so that everything but a few lines is compiled once.
class AnyHandler {
 public:
  virtual ~AnyHandler() = default;
  virtual Decision OnInput(Connection& connection, std::string_view input) = 0;
  virtual Begun Begin(Exchange& exchange, std::string_view input) = 0;
  virtual std::unique_ptr<Execution> Resume(Exchange& exchange) = 0;
  virtual std::string OwedReply(Connection& connection, Excuse excuse) = 0;
  virtual std::optional<Reply> OnConnect(Connection& connection) = 0;
  virtual void OnClose(Connection& connection) = 0;
  virtual void OnWorkerStop() = 0;
};

struct HandlerType {
  std::function<std::unique_ptr<AnyHandler>(WorkerContext&)> make;
  std::string (*abandoned_reply)(Excuse) = nullptr;
  bool speaks_first = false;
};

namespace internal {

// clang-format off
template <typename H> concept AnswersInput = requires(H handler, Connection& connection, std::string_view input) {
  { handler.OnInput(connection, input) } -> std::convertible_to<Decision>; };
template <typename H> concept HasAbandonedReply =
    requires(Excuse excuse) { { H::AbandonedReply(excuse) } -> std::convertible_to<std::string>; } ||
    requires { { H::AbandonedReply() } -> std::convertible_to<std::string>; };
template <typename H> concept HasBegin = requires(H handler, Exchange& exchange, std::string_view input) {
  { handler.Begin(exchange, input) } -> std::convertible_to<Begun>; };
template <typename H> concept HasResume = requires(H handler, Exchange& exchange) {
  { handler.Resume(exchange) } -> std::convertible_to<std::unique_ptr<Execution>>; };
template <typename H> concept HasOwedReply = requires(H handler, Connection& connection, Excuse excuse) {
  { handler.OwedReply(connection, excuse) } -> std::convertible_to<std::string>; };
template <typename H> concept HasOnConnect = requires(H handler, Connection& connection) {
  { handler.OnConnect(connection) } -> std::convertible_to<std::optional<Reply>>; };
template <typename H> concept HasOnClose = requires(H handler, Connection& connection) {
  { handler.OnClose(connection) } -> std::same_as<void>; };
template <typename H> concept HasOnWorkerStop = requires(H handler) {
  { handler.OnWorkerStop() } -> std::same_as<void>; };
template <typename H, typename Make> concept Makes =
    std::copy_constructible<Make> && requires(const Make& make, WorkerContext& context) { H(make(context)); };
// clang-format on

// Each of these names, once more: a class that has one of its own makes it ambiguous. So a hook of the wrong
// type is told from none at all, also where it is overloaded or private.
struct HookNames {
  int Begin, Resume, OwedReply, OnConnect, OnClose, OnWorkerStop;
};
// clang-format off
template <typename H> struct WithHookNames : H, HookNames {};
template <typename H> requires std::is_final_v<H> struct WithHookNames<H> : HookNames {};

template <typename H> concept RightBegin = HasBegin<H> || requires { &WithHookNames<H>::Begin; };
template <typename H> concept RightResume = HasResume<H> || requires { &WithHookNames<H>::Resume; };
template <typename H> concept RightOwedReply = HasOwedReply<H> || requires { &WithHookNames<H>::OwedReply; };
template <typename H> concept RightOnConnect = HasOnConnect<H> || requires { &WithHookNames<H>::OnConnect; };
template <typename H> concept RightOnClose = HasOnClose<H> || requires { &WithHookNames<H>::OnClose; };
template <typename H> concept RightOnWorkerStop =
    HasOnWorkerStop<H> || requires { &WithHookNames<H>::OnWorkerStop; };
// clang-format on

template <typename H>
std::string AbandonedReplyOf(Excuse excuse) {
  if constexpr (requires { H::AbandonedReply(excuse); }) {
    return H::AbandonedReply(excuse);
  } else {
    return H::AbandonedReply();
  }
}

template <typename H>
class HandlerAdapter final : public AnyHandler {
 public:
  template <typename Make>
  HandlerAdapter(const Make& make, WorkerContext& context) : handler_(make(context)) {}

  Decision OnInput(Connection& connection, std::string_view input) override {
    return handler_.OnInput(connection, input);
  }
  Begun Begin([[maybe_unused]] Exchange& exchange, [[maybe_unused]] std::string_view input) override {
    if constexpr (HasBegin<H>) return handler_.Begin(exchange, input);
    return std::unique_ptr<Execution>();
  }
  std::unique_ptr<Execution> Resume([[maybe_unused]] Exchange& exchange) override {
    if constexpr (HasResume<H>) return handler_.Resume(exchange);
    return nullptr;
  }
  std::string OwedReply([[maybe_unused]] Connection& connection, Excuse excuse) override {
    if constexpr (HasOwedReply<H>) return handler_.OwedReply(connection, excuse);
    return AbandonedReplyOf<H>(excuse);
  }
  std::optional<Reply> OnConnect([[maybe_unused]] Connection& connection) override {
    if constexpr (HasOnConnect<H>) return handler_.OnConnect(connection);
    return std::nullopt;
  }
  void OnClose([[maybe_unused]] Connection& connection) override {
    if constexpr (HasOnClose<H>) handler_.OnClose(connection);
  }
  void OnWorkerStop() override {
    if constexpr (HasOnWorkerStop<H>) handler_.OnWorkerStop();
  }

 private:
  H handler_;
};

template <typename H>
constexpr bool kNever = false;

// What is wrong with H is one error: the first of these that fails.
template <typename H, bool kMade>
constexpr bool IsHandler() {
  if constexpr (!AnswersInput<H>) {
    static_assert(kNever<H>, "a handler needs: Decision OnInput(Connection&, std::string_view)");
  } else if constexpr (!HasAbandonedReply<H>) {
    static_assert(kNever<H>,
                  "a handler needs: static std::string AbandonedReply(), or AbandonedReply(Excuse)");
  } else if constexpr (!kMade) {
    static_assert(kNever<H>,
                  "a handler needs a constructor that takes WorkerContext&, or a function that makes it");
  } else if constexpr (!RightBegin<H>) {
    static_assert(kNever<H>, "a handler's Begin must be: Begun Begin(Exchange&, std::string_view)");
  } else if constexpr (!RightResume<H>) {
    static_assert(kNever<H>, "a handler's Resume must be: std::unique_ptr<Execution> Resume(Exchange&)");
  } else if constexpr (!RightOwedReply<H>) {
    static_assert(kNever<H>, "a handler's OwedReply must be: std::string OwedReply(Connection&, Excuse)");
  } else if constexpr (!RightOnConnect<H>) {
    static_assert(kNever<H>, "a handler's OnConnect must be: std::optional<Reply> OnConnect(Connection&)");
  } else if constexpr (!RightOnClose<H>) {
    static_assert(kNever<H>, "a handler's OnClose must be: void OnClose(Connection&)");
  } else if constexpr (!RightOnWorkerStop<H>) {
    static_assert(kNever<H>, "a handler's OnWorkerStop must be: void OnWorkerStop()");
  } else {
    return true;
  }
  return false;
}

}  // namespace internal

/// The handler H, made by make(context). What is wrong with H is one error.
template <typename H, typename Make>
HandlerType MakeHandlerType(Make make) {
  if constexpr (internal::IsHandler<H, internal::Makes<H, Make>>()) {
    return {[make](WorkerContext& context) -> std::unique_ptr<AnyHandler> {
              return std::make_unique<internal::HandlerAdapter<H>>(make, context);
            },
            &internal::AbandonedReplyOf<H>, internal::HasOnConnect<H>};
  }
  return {};
}

/// The handler H, made by its constructor.
template <typename H>
HandlerType MakeHandlerType() {
  if constexpr (internal::IsHandler<H, std::constructible_from<H, WorkerContext&>>()) {
    return MakeHandlerType<H>([](WorkerContext& context) { return H(context); });
  }
  return {};
}

}  // namespace hydrapool
