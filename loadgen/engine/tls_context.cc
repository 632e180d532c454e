#include "loadgen/engine/tls_context.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <cerrno>
#include <new>
#include <system_error>

#include "loadgen/engine/source_addresses.h"

namespace hydrapool::loadgen {
namespace {

/// A key that is encrypted cannot be used: nobody is asked for its pass phrase in a run.
int NoPassPhrase(char* /*to*/, int /*size*/, int /*writing*/, void* /*ours*/) { return -1; }

/// The library's first word of what went wrong, which is the particular one, for a file that `flag` names.
std::string WrongFile(std::string_view flag, const std::string& path) {
  const auto code = ERR_get_error();
  ERR_clear_error();
  const char* reason = ERR_reason_error_string(code);
  const bool other_key =
      ERR_GET_LIB(code) == ERR_LIB_X509 && ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH;
  if (other_key) return fmt::format("{}: {} is not the key of the certificate", flag, path);
  return fmt::format("{}: {} is of no use ({})", flag, path, reason != nullptr ? reason : "TLS failed");
}

/// Returns what is wrong; empty where nothing is.
std::string LoadCertificates(SSL_CTX* context, const Extras& extras) {
  const auto& certificate = extras.certificate;
  const auto& key = extras.key.empty() ? certificate : extras.key;
  ERR_clear_error();
  if (!extras.ca.empty()) {
    if (SSL_CTX_load_verify_locations(context, extras.ca.c_str(), nullptr) != 1)
      return WrongFile("--cacert", extras.ca);
  } else if (!extras.insecure && SSL_CTX_set_default_verify_paths(context) != 1) {
    return WrongFile("--cacert", "the system's");
  }
  if (certificate.empty()) return {};
  SSL_CTX_set_default_passwd_cb(context, &NoPassPhrase);
  if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1)
    return WrongFile("--cert", certificate);
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1)
    return WrongFile(extras.key.empty() ? "--cert without --key" : "--key", key);
  return {};
}

}  // namespace

std::string WrongCertificates(const Extras& extras) {
  if (extras.ca.empty() && extras.certificate.empty()) return {};
  const std::unique_ptr<SSL_CTX, FreeSsl> context(SSL_CTX_new(TLS_client_method()));
  if (!context) throw std::bad_alloc();
  return LoadCertificates(context.get(), extras);
}

void FreeSsl::operator()(SSL* ssl) const {
  SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN);
  SSL_free(ssl);
}
void FreeSsl::operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
void FreeSsl::operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }

std::string TakeTlsError() {
  const auto code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  return reason != nullptr ? reason : "TLS failed";
}

int TlsError(const SSL* ssl) {
  const int error_number = errno;
  const int why = SSL_get_error(ssl, 0);
  ERR_clear_error();
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return EAGAIN;
  if (why == SSL_ERROR_ZERO_RETURN) return 0;
  return why == SSL_ERROR_SYSCALL && error_number != 0 ? error_number : EPROTO;
}

std::string HandshakeError(const SSL* ssl, int error_number) {
  const auto verified = SSL_get_verify_result(ssl);
  const auto words = TakeTlsError();
  if (verified != X509_V_OK && SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE)
    return X509_verify_cert_error_string(verified);
  return error_number != 0 ? std::generic_category().message(error_number) : words;
}

TlsContext::TlsContext(const Plan& plan, std::string_view protocol)
    : context_(SSL_CTX_new(TLS_client_method())), protocol_(protocol), verify_(!plan.wire.extras.insecure) {
  if (!context_) throw std::bad_alloc();
  auto* context = context_.get();
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(context, verify_ ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  const std::string offer = std::string(1, static_cast<char>(protocol.size())).append(protocol);
  SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(offer.data()),
                          static_cast<unsigned>(offer.size()));
  SSL_CTX_set_session_cache_mode(context, plan.wire.extras.resume
                                              ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL
                                              : SSL_SESS_CACHE_OFF);
  SSL_CTX_sess_set_new_cb(context, &OnNewSession);
  error_ = LoadCertificates(context, plan.wire.extras);
}

SslPointer TlsContext::Begin(int fd, const std::string& host) {
  if (!error_.empty()) return nullptr;
  SslPointer ssl(SSL_new(context_.get()));
  if (!ssl || SSL_set_fd(ssl.get(), fd) != 1) throw std::bad_alloc();
  if (ParseAddress(host)) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), host.c_str());
  } else {
    SSL_set_tlsext_host_name(ssl.get(), host.c_str());
    SSL_set1_host(ssl.get(), host.c_str());
  }
  auto& session = sessions_[host];
  SSL_set_app_data(ssl.get(), &session);
  if (session) SSL_set_session(ssl.get(), session.get());
  SSL_set_connect_state(ssl.get());
  return ssl;
}

bool TlsContext::Agreed(const SSL* ssl) const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl, &name, &size);
  return protocol_ != "h2" || std::string_view(reinterpret_cast<const char*>(name), size) == protocol_;
}

int TlsContext::OnNewSession(SSL* ssl, SSL_SESSION* session) {
  static_cast<Session*>(SSL_get_app_data(ssl))->reset(session);
  return 1;
}

}  // namespace hydrapool::loadgen
