#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "hydrapool/connection.h"
#include "hydrapool/handler.h"

/// What a user writes, and how the pool reaches it.
///
/// A handler is any class H with
///
///     explicit H(WorkerContext&);                              one for each worker, built after the fork
///     Decision OnInput(Connection&, std::string_view input);   or NeedMore, Reply or Start alone
///     static std::string AbandonedReply();                     or AbandonedReply(Excuse): what a client gets
///     whose
///                                                              request can be neither finished nor run again
/// and, where it needs them,
///
///     Begun Begin(Exchange&, std::string_view input);          starts the request for which OnInput said
///     Start std::unique_ptr<Execution> Resume(Exchange&);            takes over a request whose process
///     outlived its worker std::optional<Reply> OnConnect(Connection&);             speaks first (consume 0);
///     once for each connection void OnClose(Connection&);                               the worker is about
///     to close it; not called where
///                                                              the worker is killed or the parent closes it
///     void OnWorkerStop();                                     the worker ends in peace
///
/// OnInput sees all bytes that wait on a connection, beginning with a request's first, and says what to do
/// with that request; it is asked again for the next. It is called again with the same bytes whenever more
/// have come, and in another worker if this one dies. An exception out of any of these costs its connection,
/// not its worker.
namespace hydrapool {

/// A handler behind one type, so that everything but a few lines is compiled once.
class AnyHandler {
 public:
  virtual ~AnyHandler() = default;
  virtual Decision OnInput(Connection& connection, std::string_view input) = 0;
  virtual Begun Begin(Exchange& exchange, std::string_view input) = 0;
  virtual std::unique_ptr<Execution> Resume(Exchange& exchange) = 0;
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
template <typename H> concept Begins = requires(H handler, Exchange& exchange, std::string_view input) {
  { handler.Begin(exchange, input) } -> std::convertible_to<Begun>; };
template <typename H> concept Resumes = requires(H handler, Exchange& exchange) {
  { handler.Resume(exchange) } -> std::convertible_to<std::unique_ptr<Execution>>; };
template <typename H> concept Greets = requires(H handler, Connection& connection) {
  { handler.OnConnect(connection) } -> std::convertible_to<std::optional<Reply>>; };
// A member of the name, right or wrong: a wrong one is an error, not left aside.
template <typename H> concept NamesBegin = Begins<H> || requires { &H::Begin; };
template <typename H> concept NamesResume = Resumes<H> || requires { &H::Resume; };
template <typename H> concept NamesOnConnect = Greets<H> || requires { &H::OnConnect; };
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
    if constexpr (NamesBegin<H>) {
      return handler_.Begin(exchange, input);
    } else {
      throw std::logic_error("OnInput returned Start, but the handler has no Begin");
    }
  }
  std::unique_ptr<Execution> Resume([[maybe_unused]] Exchange& exchange) override {
    if constexpr (NamesResume<H>) {
      return handler_.Resume(exchange);
    } else {
      return nullptr;
    }
  }
  std::optional<Reply> OnConnect([[maybe_unused]] Connection& connection) override {
    if constexpr (NamesOnConnect<H>) {
      return handler_.OnConnect(connection);
    } else {
      return std::nullopt;
    }
  }
  void OnClose([[maybe_unused]] Connection& connection) override {
    if constexpr (requires { handler_.OnClose(connection); }) handler_.OnClose(connection);
  }
  void OnWorkerStop() override {
    if constexpr (requires { handler_.OnWorkerStop(); }) handler_.OnWorkerStop();
  }

 private:
  H handler_;
};

template <typename H, bool kConstructed>
constexpr bool IsHandler() {
  constexpr bool kInput = AnswersInput<H>;
  constexpr bool kAbandoned = HasAbandonedReply<H>;
  constexpr bool kBegin = !NamesBegin<H> || Begins<H>;
  constexpr bool kResume = !NamesResume<H> || Resumes<H>;
  constexpr bool kConnect = !NamesOnConnect<H> || Greets<H>;
  if constexpr (!kInput) {
    static_assert(kInput, "a handler needs: Decision OnInput(Connection&, std::string_view)");
  } else if constexpr (!kAbandoned) {
    static_assert(kAbandoned,
                  "a handler needs: static std::string AbandonedReply(), or AbandonedReply(Excuse)");
  } else if constexpr (!kConstructed) {
    static_assert(kConstructed,
                  "a handler needs a constructor that takes WorkerContext&, or a function that makes it");
  } else if constexpr (!kBegin) {
    static_assert(kBegin, "a handler's Begin must be: Begun Begin(Exchange&, std::string_view)");
  } else if constexpr (!kResume) {
    static_assert(kResume, "a handler's Resume must be: std::unique_ptr<Execution> Resume(Exchange&)");
  } else if constexpr (!kConnect) {
    static_assert(kConnect, "a handler's OnConnect must be: std::optional<Reply> OnConnect(Connection&)");
  }
  return kInput && kAbandoned && kConstructed && kBegin && kResume && kConnect;
}

}  // namespace internal

/// The handler H, made by make(context). What is wrong with H is one error.
template <typename H, typename Make>
HandlerType MakeHandlerType(Make make) {
  if constexpr (internal::IsHandler<H, std::invocable<Make, WorkerContext&>>()) {
    return {[make](WorkerContext& context) -> std::unique_ptr<AnyHandler> {
              return std::make_unique<internal::HandlerAdapter<H>>(make, context);
            },
            &internal::AbandonedReplyOf<H>, internal::NamesOnConnect<H>};
  } else {
    return {};
  }
}

/// The handler H, made by its constructor.
template <typename H>
HandlerType MakeHandlerType() {
  if constexpr (internal::IsHandler<H, std::constructible_from<H, WorkerContext&>>()) {
    return MakeHandlerType<H>([](WorkerContext& context) { return H(context); });
  } else {
    return {};
  }
}

}  // namespace hydrapool
