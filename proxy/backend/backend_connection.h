// One connection to one server: connects, logs in, and then sends commands and takes their replies
// in order. Loop thread only.
//
//   resolving → connecting → login → setup → ready ─┐
//        └──────────┴──────────┴───────┴────────────┴──> dead
//
// A connection answers for a queue of expected replies, each with a tracker that knows where it
// ends and a purpose that says who wants it. Several commands may be under way at once; that only
// one client's command is, is the user's policy.

#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "protocol/auth/client_auth.h"
#include "protocol/reply_tracker.h"
#include "proxy/auth/account_store.h"
#include "proxy/backend/server_slots.h"
#include "proxy/config/network.h"
#include "proxy/core/state_table.h"
#include "proxy/core/topology.h"
#include "proxy/net/stream.h"
#include "proxy/net/tls_session.h"

namespace weir {

class BackendConnection;

// Whose reply it is.
enum class ReplyPurpose : std::uint8_t {
  client,    // the client's: forwarded
  repair,    // of a statement that adjusted the session state: swallowed
  wait,      // of a statement that waits for replication, before a read: looked at, and swallowed
  prepare,   // of a COM_STMT_PREPARE of weir's own, before an execute: swallowed
  reset,     // of the COM_RESET_CONNECTION between two sessions: swallowed
  schema,    // of the COM_INIT_DB that follows that: never seen by the user
  setup,     // of the statement that follows the login: likewise
  defaults,  // of the question for what cannot be tracked from the start: likewise
  errand,    // of what weir asks a server in the course of a command: looked at, and swallowed
  position,  // of a question for the primary's position, behind a read: likewise
  harvest,   // of a SELECT LAST_INSERT_ID() for a session that had the connection before: likewise
};

// How a connection ended, or why it never began.
struct BackendFailure {
  enum class Kind : std::uint8_t {
    unreachable,      // no connection, or none in time
    denied,           // the server refused the login: `packet` is its error packet
    full,             // no place among the server's max_connections came free in time
    refused,          // weir refused to go on with the login, see `text`
    password_wanted,  // the same, because the client has only proved its password
    lost,             // it was logged in, and then the server or the network ended it
  };
  Kind kind = Kind::lost;
  std::string text;    // for people: "Connection refused"
  std::string packet;  // payload of the server's error packet, if it sent one
};

// Who uses a connection. Calls come from the loop, never from inside a call to the connection,
// except where noted. Every call may close the connection; it is deleted later by whoever owns it.
class BackendUser {
 public:
  virtual void on_backend_ready(BackendConnection& connection) = 0;
  // The connection is dead. What it still owed is lost; current_purpose() and current_reply() still
  // tell how far it came.
  virtual void on_backend_failed(BackendConnection& connection, const BackendFailure& failure) = 0;
  // Bytes of the reply, to be forwarded as they are. Valid until on_reply_flush.
  virtual void on_reply_bytes(BackendConnection& connection, ReplyPurpose purpose, Bytes bytes) = 0;
  // A packet of the reply that may have to be replaced; comes after the bytes before it.
  virtual void on_reply_packet(BackendConnection& connection, ReplyPurpose purpose,
                               const protocol::ReplyTracker::Step& step) = 0;
  // The reply is complete.
  virtual void on_reply_end(BackendConnection& connection, ReplyPurpose purpose) = 0;
  // The read is used up: what on_reply_bytes showed is about to become invalid.
  virtual void on_reply_flush(BackendConnection& connection) = 0;
  // What was queued for the server has been taken by the kernel.
  virtual void on_backend_drained(BackendConnection& connection) = 0;

 protected:
  ~BackendUser() = default;
};

// A statement that was prepared on one connection.
struct BackendStatement {
  std::uint32_t id = 0;             // the server's
  std::uint64_t types_version = 0;  // of the parameter types that the server has seen; 0: none
  std::string taken_for;            // see take_types(); empty: not executed yet, or on MariaDB
  std::uint64_t used = 0;           // when, in uses of the connection's statements
  StatePtr executed_in;             // the session state of its last execute; null: none so far
};

// The statements that are prepared on one connection, by the ids of what they are
// (SharedStatement::id). Bounded: whoever adds one may have to close another.
class BackendStatements {
 public:
  // Null when it is not prepared here. Counts as a use.
  BackendStatement* find(std::uint64_t id);
  void add(std::uint64_t id, std::uint32_t server_id);
  // Forgets a statement; returns the server's id of it, if it was there.
  std::optional<std::uint32_t> erase(std::uint64_t id);
  // Forgets the one that was not used for longest, if there are `limit` or more; returns as
  // erase().
  std::optional<std::uint32_t> make_room(std::size_t limit);
  void clear() { statements_.clear(); }
  std::size_t size() const { return statements_.size(); }

 private:
  std::unordered_map<std::uint64_t, BackendStatement> statements_;
  std::uint64_t uses_ = 0;
};

// The end of a reply in numbers.
struct ReplyTotals {
  bool has_rows = false;            // it was a set of rows
  std::uint64_t rows = 0;           // of it
  std::uint64_t affected_rows = 0;  // otherwise
  std::uint64_t insert_id = 0;      // a key that was generated or given; 0: none
};

// A command of a session on a server: what a connection ran last.
struct CommandMark {
  std::size_t server = 0;
  std::uint32_t session = 0;  // 0: none
  std::uint64_t command = 0;  // the session's count
  bool operator==(const CommandMark&) const = default;
};

class BackendConnection;

// LAST_INSERT_ID() of a session. Shared with the connection that knows it better: what a server
// reports of an INSERT is a key that it has generated, which is the new value, or one that was
// given to it, which changes nothing.
struct InsertIdValues {
  std::uint64_t value = 0;      // as far as the session knows
  std::uint64_t otherwise = 0;  // what it is if the holder's own is another one than `value`
  bool adjusted = false;        // the holder's own is the session's, whatever that is
};
struct InsertId : InsertIdValues {
  const BackendConnection* holder = nullptr;  // where that can be asked; null: `value` is right
  bool asked = false;                         // an answer with the value is on its way
  std::function<void()> on_answer;            // told when it has come; may be empty
};

class BackendConnection final : private StreamHandler {
 public:
  struct Options {
    std::size_t server = 0;  // index in the topology
    std::string server_name;
    Endpoint address;
    CredentialsPtr credentials;
    std::string schema;                       // to log in with; empty: none
    std::uint8_t collation = 0;               // as the client's login asked for
    protocol::Capabilities capabilities = 0;  // the client's, as far as they change replies
    std::uint64_t settings = 0;               // changes of global variables before it was opened
    TimePoint expires = TimePoint::max();     // not to be kept beyond
    protocol::Compression compression = protocol::Compression::none;
    bool proxy_protocol = false;          // it begins with a PROXY header,
    std::optional<IpAddress> client;      // about this client; nothing: about weir itself
    CompressionShared* shared = nullptr;  // outlives the connection; for compression
    TlsContextPtr tls;                    // null: never TLS
    bool tls_optional = true;             // a server that offers none is good, too
    TlsShared* tls_shared = nullptr;      // outlives the connection; for TLS
    TlsTicket* tls_ticket = nullptr;      // likewise
  };

  // `slot` is kept until the connection is closed. `states` is the worker's.
  BackendConnection(uv_loop_t* loop, ReadBuffer& buffer, StateTable& states, Options options,
                    ServerSlot slot);
  ~BackendConnection();

  // Begins to connect. False when that fails at once, without a call to the user; every later
  // failure is reported from the loop.
  [[nodiscard]] bool open(BackendUser& user);
  // Changes who is told; the connection is idle.
  void set_user(BackendUser& user) { user_ = &user; }
  // Ends it without a word to the user. An idle connection says COM_QUIT first.
  void close();
  // Ends it as if the server had: whoever waits for a reply is told that there will be none.
  void give_up(std::string why) { fail(BackendFailure::Kind::lost, std::move(why)); }
  bool dead() const { return phase_ == Phase::dead; }
  bool ready() const { return phase_ == Phase::ready; }

  // Queues an expectation for the reply to a command that is about to be sent. The tracker is valid
  // until the next call.
  protocol::ReplyTracker& expect(ReplyPurpose purpose, protocol::ReplyShape shape);
  // What the newest expected reply reports of variables is over by its end.
  void ignore_variables() { expected_.back().ignores_variables = true; }
  // Sends bytes: whole commands for which replies are expected, or the next part of a command.
  void send(std::span<const Bytes> slices);
  void send(std::initializer_list<Bytes> slices) { send(std::span(slices.begin(), slices.size())); }
  std::size_t queued() const { return stream_.queued(); }

  // No command is under way.
  bool idle() const { return expected_.empty(); }
  // The reply being received; there is one.
  const protocol::ReplyTracker& current_reply() const { return expected_.front().tracker; }
  // The purpose of the reply being received; there is one.
  ReplyPurpose current_purpose() const { return expected_.front().purpose; }

  // Back-pressure: whoever takes the replies cannot keep up.
  void pause() { stream_.stop_reading(); }
  void resume() { stream_.start_reading(); }

  const Options& options() const { return options_; }
  std::size_t server() const { return options_.server; }
  protocol::Capabilities capabilities() const { return capabilities_; }
  // Status flags of the last OK or EOF packet.
  protocol::ServerStatus status() const { return status_; }
  bool is_mariadb() const { return is_mariadb_; }
  bool in_transaction() const { return (status_ & protocol::kStatusInTransaction) != 0; }

  // The connection's id on its server, as KILL takes it.
  std::uint32_t thread_id() const { return thread_id_; }
  // What the last OK or EOF packet was about.
  const ReplyTotals& last_totals() const { return totals_; }
  // Warnings of the last statement; an error counts as one.
  unsigned warnings() const { return warnings_; }
  // Known from elsewhere: a statement that asks for warnings leaves them as they are.
  void set_warnings(unsigned count) {
    warnings_ = count;
    holds_diagnostics_ = holds_diagnostics_ || count > 0;
  }
  // Questions about the statement before may be answered with warnings, and which command left
  // them. Whoever uses the connection says so.
  bool holds_diagnostics() const { return holds_diagnostics_; }
  bool holds_diagnostics_of(const CommandMark& mark) const {
    return holds_diagnostics_ && mark.session != 0 && diagnostics_of_ == mark;
  }
  void set_diagnostics_of(const CommandMark& mark) { diagnostics_of_ = mark; }
  void forget_diagnostics() { holds_diagnostics_ = false; }

  // The session state that the server holds for this connection, and the one that it began with
  // (without a schema).
  const StatePtr& state() const { return state_; }
  const StatePtr& initial_state() const { return initial_state_; }
  bool initial_autocommit() const { return initial_autocommit_; }
  // Known from other sources than the server's reports.
  void set_state(StatePtr state) { state_ = std::move(state); }
  // Several statements in one text are allowed, see COM_SET_OPTION.
  bool multi_statements() const { return multi_statements_; }
  void set_multi_statements(bool on) { multi_statements_ = on; }

  // Never for another session: a KILL is on its way here and may come late, or the schema is gone.
  void doom() { doomed_ = true; }
  bool doomed() const { return doomed_; }

  // Which command ran last. Whoever uses the connection says so.
  const CommandMark& last_command() const { return last_command_; }
  void set_last_command(const CommandMark& mark);
  // No other session has run a command here.
  bool is_only_of(std::uint32_t session) const {
    return !shared_ && (first_session_ == 0 || first_session_ == session);
  }
  // Whose LAST_INSERT_ID() the server holds; null: of nobody who could still ask.
  std::shared_ptr<InsertId> insert_id() const;
  // From now on the owner's, and nobody else's. `adjusted`: see InsertId.
  void hold_insert_id(const std::shared_ptr<InsertId>& owner, bool adjusted);
  // Appends the question for its value, to be sent in front of the next command of another session.
  void append_harvest(std::string& commands);
  // Instead of close(), when a session wants to know it: asks for it, and ends, which the user is
  // told as a failure. False, and nothing has happened, when there is nothing to ask or to be
  // asked.
  bool close_after_harvest(BackendUser& user);
  // The GTIDs of what was committed here since the last call, as the server reported them.
  std::string take_reported_gtids() { return std::exchange(reported_gtids_, {}); }
  // The server reports GTIDs: what it committed without one changed nothing that replicas could
  // lack.
  bool reports_gtids() const { return reports_gtids_; }
  BackendStatements& statements() { return statements_; }

  // Sends COM_RESET_CONNECTION and what must follow it; ends with on_reply_end(reset). Idle only.
  void reset();

 private:
  enum class Phase : std::uint8_t { idle, resolving, connecting, login, setup, ready, dead };
  struct Expected {
    ReplyPurpose purpose;
    protocol::ReplyTracker tracker;
    bool ignores_variables = false;
  };
  struct Login;    // what only the login needs
  struct Resolve;  // survives the connection until libuv has called back
  struct Connect;

  int resolve();
  int connect(const sockaddr* address);
  int connect_next();
  static void on_resolve(uv_getaddrinfo_t* request, int status, addrinfo* found);
  static void on_connect(uv_connect_t* request, int status);
  void on_stream_read(std::span<std::uint8_t> bytes) override;
  void on_stream_ended(int error) override;
  void on_stream_drained() override;
  void on_login_bytes(Bytes in);
  void on_login_packet(Bytes payload, std::uint8_t sequence);
  bool look_for_tls(Bytes greeting);
  void begin_tls(Bytes response, std::uint8_t& sequence);
  void begin_setup(Bytes ok_payload);
  bool begin_compression();
  void on_replies(std::span<std::uint8_t> in);
  bool take_step(const protocol::ReplyTracker::Step& step, Bytes in);
  bool take_own_step(ReplyPurpose purpose, const protocol::ReplyTracker::Step& step);
  void fold(const protocol::ReplyTracker::Step& step);
  void collect_gtids(Bytes session_changes);
  void end_harvest();
  void let_go_of_insert_id();
  void send_setup(std::string commands);
  void end_setup();
  void fail(BackendFailure::Kind kind, std::string text, std::string packet = {});

  Options options_;
  BackendUser* user_ = nullptr;
  uv_loop_t* loop_;
  Stream stream_;
  Phase phase_ = Phase::idle;
  bool is_mariadb_ = false;
  bool reports_gtids_ = false;
  protocol::ServerStatus status_ = 0;
  protocol::Capabilities capabilities_ = 0;
  std::vector<Expected> expected_;
  std::uint32_t thread_id_ = 0;
  ReplyTotals totals_;
  unsigned warnings_ = 0;
  bool holds_diagnostics_ = false;
  CommandMark diagnostics_of_;
  bool initial_autocommit_ = true;
  bool multi_statements_ = false;
  bool doomed_ = false;
  StateTable& states_;
  StatePtr state_;
  StatePtr initial_state_;
  CommandMark last_command_;
  std::uint32_t first_session_ = 0;  // that ran a command here; 0: none so far
  bool shared_ = false;              // others have, too
  std::weak_ptr<InsertId> insert_id_;
  std::shared_ptr<InsertId> harvested_for_;  // while a harvest is under way
  InsertIdValues harvested_;                 // of it, when it was asked for
  std::string own_reply_;                    // to what the connection itself has asked
  std::string reported_gtids_;
  BackendStatements statements_;
  std::unique_ptr<Login> login_;
  Resolve* resolve_ = nullptr;
  std::vector<sockaddr_storage>
      addresses_;  // of a host name, those not tried yet, the next one last
  Connect* connect_ = nullptr;
  ServerSlot slot_;
};

}  // namespace weir
