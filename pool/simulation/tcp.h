#pragma once

#include <linux/tcp.h>

#include <cstdint>
#include <memory>
#include <string>

#include "pool/simulation/file.h"
#include "pool/simulation/random.h"

namespace hydrapool::simulation {

class TcpFile;

/// How hostile the network is.
struct NetworkWeather {
  std::uint64_t local_drop = 0;  ///< one transmission in so many fails before it leaves
  std::uint64_t loss = 0;        ///< one in so many is lost on the way, and sent again
  std::size_t segment = 1460;    ///< at most so many bytes in one
  std::size_t send_buffer = 16 * 1024;
  std::size_t receive_buffer = 16 * 1024;
  std::size_t client_buffer = 16 * 1024;
  bool unix_sockets = false;  ///< instead of TCP: the kernel counts nothing, and loses nothing
};

/// One TCP connection, both ends, as Linux keeps it: the server's end is a File of several processes, the
/// client's is used directly. Everything in between is moved by Act, in small pieces, when the scheduler says
/// so.
///
/// Counters are those of TCP_INFO, and count as the kernel counts: a transmission that fails locally is in
/// bytes_sent, and again when it is tried again; what was lost on its way is in bytes_retrans too; a FIN
/// takes a sequence number of both directions.
class TcpConnection {
 public:
  TcpConnection(const NetworkWeather& weather, std::uint16_t port) : weather_(weather), port_(port) {}

  // ---- the client's end
  [[nodiscard]] std::size_t ClientRoom() const;
  void ClientSend(std::string_view bytes) { to_server_.append(bytes); }
  void ClientFinish() { client_finished_ = true; }
  void ClientReset();
  /// Closed without a reset: whatever comes is answered by one.
  void ClientClose();
  [[nodiscard]] std::string& client_inbox() { return client_inbox_; }
  [[nodiscard]] bool client_saw_end() const { return fin_delivered_; }
  [[nodiscard]] bool client_saw_reset() const { return client_saw_reset_; }
  /// Bytes that the server had sent and that a reset took with it.
  [[nodiscard]] std::size_t lost_by_reset() const { return lost_by_reset_; }

  // ---- the server's end; counts or -errno
  ssize_t Send(const char* bytes, std::size_t size);
  ssize_t Receive(char* into, std::size_t size, bool peek);
  int ShutdownWrite();
  void Disconnect();
  void ServerClosed();
  void SetReceiveBuffer(std::size_t bytes);
  [[nodiscard]] std::uint32_t Ready() const;
  [[nodiscard]] tcp_info Info() const;
  [[nodiscard]] std::uint64_t Unacknowledged() const { return write_seq_ - una_; }
  [[nodiscard]] std::uint64_t Waiting() const { return inbox_.size(); }
  /// TCP_CM_INQ.
  [[nodiscard]] std::uint64_t WaitingWithEnd() const { return inbox_.size() + (fin_arrived_ ? 1 : 0); }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// It stands for a UNIX socket, and has no counters.
  [[nodiscard]] bool is_unix() const { return weather_.unix_sockets; }
  void Attach(TcpFile* file) { file_ = file; }

  // ---- the network
  [[nodiscard]] bool CanAct() const;
  void Act(Random& random);
  [[nodiscard]] bool over() const { return file_ == nullptr && !CanAct(); }
  /// The faults stop: from here on the network only does its work.
  void Calm() {
    weather_ = {.segment = 65'536,
                .send_buffer = weather_.send_buffer,
                .receive_buffer = weather_.receive_buffer,
                .client_buffer = 65'536,
                .unix_sockets = weather_.unix_sockets};
  }

 private:
  [[nodiscard]] std::size_t Unsent() const { return outbox_.size() - in_flight_; }
  [[nodiscard]] std::size_t ClientSpace() const;
  [[nodiscard]] bool CanTransmit() const;
  [[nodiscard]] bool CanArrive() const;
  [[nodiscard]] bool CanAcknowledge() const { return !closed_ && (in_flight_ > 0 || fin_unacknowledged_); }
  void Transmit(Random& random);
  void Arrive(Random& random);
  void Acknowledge(Random& random);
  void ResetBoth();
  void ResetServer();
  void Wake() const;
  [[nodiscard]] bool HasSpace() const;

  NetworkWeather weather_;
  const std::uint16_t port_;
  TcpFile* file_ = nullptr;  // null: no process holds it (any more)
  bool server_closed_ = false;

  // server → client
  std::string outbox_;         // from una_ on
  std::size_t in_flight_ = 0;  // of it: delivered and not acknowledged
  std::uint64_t una_ = 0;
  std::uint64_t write_seq_ = 0;
  std::uint64_t bytes_sent_ = 0;
  std::uint64_t bytes_retrans_ = 0;
  bool fin_queued_ = false;
  bool fin_delivered_ = false;
  bool fin_unacknowledged_ = false;
  std::string client_inbox_;
  mutable bool wants_space_ = false;  // SOCK_NOSPACE: somebody has found too little, and is to be woken

  // client → server
  std::string to_server_;
  std::string inbox_;
  std::uint64_t received_ = 0;
  bool client_finished_ = false;
  bool client_closed_ = false;
  bool fin_arrived_ = false;

  bool reset_on_its_way_ = false;  // from the client
  bool closed_ = false;            // TCP_CLOSE at the server
  bool error_ = false;             // ECONNRESET, to be told once
  bool client_saw_reset_ = false;
  std::size_t lost_by_reset_ = 0;
};

/// The server's descriptors of a connection.
class TcpFile final : public File {
 public:
  explicit TcpFile(std::shared_ptr<TcpConnection> of) : connection(std::move(of)) {
    connection->Attach(this);
  }
  ~TcpFile() override { connection->ServerClosed(); }
  [[nodiscard]] std::uint32_t Ready() const override { return connection->Ready(); }
  ssize_t Read(char* into, std::size_t size) override { return connection->Receive(into, size, false); }
  ssize_t Write(const char* bytes, std::size_t size) override { return connection->Send(bytes, size); }
  void Wake() { File::Wake(); }
  const std::shared_ptr<TcpConnection> connection;
};

/// A listening socket.
class Listener final : public File {
 public:
  [[nodiscard]] std::uint32_t Ready() const override { return backlog.empty() ? 0u : EPOLLIN; }
  void Come(std::shared_ptr<TcpConnection> connection) {
    backlog.push_back(std::move(connection));
    Wake();
  }
  std::deque<std::shared_ptr<TcpConnection>> backlog;
};

}  // namespace hydrapool::simulation
