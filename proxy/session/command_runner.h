// Runs the commands of one session, one at a time: decides where each goes, gets a connection
// there, makes its state the session's, sends the command, relays the reply, and copes when any of
// it fails.
//
// The stages of a command:
//
//              ┌──────────── waiting (no server to send it to yet)
//   run() ─────┼──────────── connecting (the pool is asked)
//              │                 │
//              ├─> repairing ────┤   (the connection's state is being made the session's)
//              ├─> preparing ────┤   (the statement is being prepared there)
//              └─> running <─────┘ ──> done
//                    └─ infile ─┘      (the client sends a file)
//
// A transaction that was lost with its server may be run again first, see runner_replay.cc: then
// its commands pass through the same stages, while the client's own waits in Replay::held.
//
// proceed() is the one way forward: it is called again whenever what the command waited for has
// come.

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/command.h"
#include "protocol/command_reader.h"
#include "protocol/infile_reader.h"
#include "protocol/result_set.h"
#include "proxy/backend/pool.h"
#include "proxy/core/admission.h"
#include "proxy/core/client_error.h"
#include "proxy/core/loss_policy.h"
#include "proxy/core/own_setting.h"
#include "proxy/core/pin_counts.h"
#include "proxy/core/pins.h"
#include "proxy/core/prepared_statements.h"
#include "proxy/core/process_list.h"
#include "proxy/core/replica_selector.h"
#include "proxy/core/router.h"
#include "proxy/core/routine_changes.h"
#include "proxy/core/session_objects.h"
#include "proxy/core/session_state.h"
#include "proxy/core/substitution.h"
#include "proxy/core/transaction_log.h"
#include "proxy/core/write_position.h"
#include "proxy/session/current_command.h"
#include "proxy/session/kill_target.h"
#include "proxy/session/login.h"
#include "proxy/session/reply_relay.h"
#include "proxy/session/session_info.h"
#include "proxy/session/session_links.h"
#include "proxy/session/statement_kill.h"
#include "proxy/worker_context.h"

namespace weir {

class ClientSession;

// The client's side of a session, as the runner needs it.
class RunnerHost {
 public:
  virtual Stream& client() = 0;
  // Where the client connects from, by a proxy's word if it has said one; nothing: a unix socket.
  virtual const std::optional<IpAddress>& client_address() const = 0;
  // The id of the session, as its client knows it.
  virtual std::uint32_t session_id() const = 0;
  // The sequence number for an answer of weir's own to the current command.
  virtual std::uint8_t answer_sequence() const = 0;
  // open() has succeeded; `status` is what the server's last packet said.
  virtual void on_opened(protocol::ServerStatus status) = 0;
  // open() has failed; `error_payload` is an error packet for the client.
  virtual void on_open_failed(const std::string& error_payload) = 0;
  // open() has failed, because the password cannot be proven to be right.
  virtual void on_open_denied() = 0;
  // open() has failed, because the client has proved its password without telling it, and the
  // server takes nothing else. True: the client is asked for it, and open() is called again.
  virtual bool on_password_wanted() = 0;
  // The command is answered; the next one may come.
  virtual void on_command_done() = 0;
  // Input that the runner did not accept before may come now.
  virtual void on_input_wanted() = 0;
  // The client's bytes are not to be read until on_input_wanted().
  virtual void on_input_unwanted() = 0;
  // The session cannot go on. What was written to the client is still sent.
  virtual void on_session_over() = 0;

 protected:
  ~RunnerHost() = default;
};

class CommandRunner final : private BackendUser,
                            private PoolWaiter,
                            private PoolLender,
                            private AdmissionWaiter {
 public:
  CommandRunner(WorkerContext& context, Pool& pool, ReplyRelay& relay, RunnerHost& host);
  ~CommandRunner();

  // Begins the session of a client that has logged in: connects to a server in its name. Ends with
  // one of the host's two calls. Also used again for COM_CHANGE_USER.
  void open(ClientIdentity identity);
  // Gives the connections back. Nothing may be called afterwards but the destructor.
  void close();

  // A command, or the beginning of one (`step.event`). The previous one is done.
  void run(const protocol::CommandReader::Step& step);
  // The next part of a command that was begun.
  void run_part(const protocol::CommandReader::Step& step);
  // Bytes of a file; returns how many of them belong to it.
  std::size_t feed_infile(std::span<std::uint8_t> bytes);

  bool busy() const { return stage_ != Stage::none; }
  // A part of an answer has been sent, and nothing but the rest of it may follow.
  bool answering() const { return stage_ != Stage::none && current_.answer_begun; }
  bool wants_file() const { return stage_ == Stage::infile; }
  // Parts of a begun command may come: its beginning has been sent.
  bool accepts_parts() const {
    return (stage_ == Stage::none || stage_ == Stage::running) && !current_.replayed;
  }
  bool in_transaction() const { return links_.transaction() != nullptr || replay_ != nullptr; }
  PinSet pins() const { return pins_; }
  const ClientIdentity& identity() const { return identity_; }

  // The client has taken what was queued for it.
  void on_client_drained();
  // The servers have changed: what waits may go on.
  void on_topology_changed();
  // Called a few times a second, for deadlines.
  void tick(TimePoint now);

  // Of a KILL that another session makes, and of this session's own.
  KillTarget as_kill_target();
  void interrupt();
  void on_kill_target(std::uint32_t id, const std::optional<KillTarget>& target);

  // What there is to say of the session and its command.
  void describe(SessionInfo& info) const;
  // Bytes that are kept for the client, about.
  std::size_t memory() const;

  // Of a process list that another session wants, and of this session's own.
  void add_held_threads(std::vector<HeldThread>& threads) const;
  void on_held_threads(const std::vector<std::vector<HeldThread>>& by_worker);

 private:
  enum class Stage : std::uint8_t {
    none,
    waiting,
    connecting,
    repairing,
    preparing,
    running,
    infile,
    resetting,
    asking  // other workers: about the target of a KILL, or who is who in a process list; or, when
            // the client has its answer already, the primary for its position, or whether a KILL
            // of the command has arrived
  };

  // command_runner.cc: the commands
  void dispatch(std::span<std::uint8_t> bytes);
  bool begin_text(std::span<std::uint8_t>& bytes);
  bool may_prepare();
  bool runs_where_last_ran();
  void note_objects(std::string_view text, const sql::TextOptions& options);
  void substitute_answers(Bytes prefix, std::string_view text, std::span<std::uint8_t>& bytes);
  void replace_text(Bytes prefix, std::string_view text, std::span<std::uint8_t>& bytes);
  void begin_simple(sql::StatementKind kind);
  void begin_reset_connection(std::span<std::uint8_t> bytes);
  void finish_reset_connection();
  sql::TextOptions text_options() const { return text_options(*state_); }
  sql::TextOptions text_options(const SessionState& state) const;
  sql::Classification classify_text(Bytes text);

  // runner_prepared.cc: prepared statements
  PreparedStatement* named_statement(Bytes payload);
  ClientError unknown_statement(std::string_view command) const;
  void begin_execute(std::span<std::uint8_t> bytes);
  bool read_execute(std::span<std::uint8_t> bytes);
  void begin_fetch_or_reset(std::span<std::uint8_t> bytes);
  void take_long_data(std::span<std::uint8_t> bytes);
  bool may_keep_long_data(PreparedStatement& statement, std::size_t more);
  bool may_keep_more();
  bool has_long_data();
  void close_statement(Bytes payload);
  void set_cursor(PreparedStatement& statement, bool open);

  // runner_routines.cc: what is known of stored functions
  void trust_functions(std::string_view text, const sql::TextOptions& options,
                       std::string_view schema);
  bool recheck_functions();
  bool may_change_routines() const;

  // runner_rules.cc: the rules of the configuration
  bool admit_text(std::string_view said);
  bool obey_rules(RuleText& text);
  bool obey_rules(const PreparedStatement& statement);
  RuleInput rule_input() const;
  bool follow(const Rule* rule);
  void fold_rule(BackendConnection& link);

  // runner_firewall.cc: the list of statements that the user may run
  bool passes_firewall(std::string_view said, const sql::TextOptions& options, RuleText& text);
  void note_unlisted(const Judgement& judgement, bool refused);

  // runner_explain.cc: EXPLAIN ROUTE
  bool begin_explain_route(std::string_view text);
  std::string_view server_of_route();
  std::optional<std::size_t> server_of_read();
  void answer_table(const protocol::ResultSet& set);

  // runner_route.cc: from a command to a connection
  void proceed(std::span<std::uint8_t> bytes);
  void proceed_again();
  void proceed_later();
  void leave_replica_transaction();
  void decide_route();
  BackendConnection* choose_link();
  BackendConnection* choose_replica();
  BackendConnection* choose_split();
  BackendConnection* read_from(std::size_t server);
  BackendConnection* choose_spilled();
  BackendConnection* choose_last();
  bool only_replicas() const;
  bool is_drained_primary(std::size_t server) const;
  BackendConnection* choose_primary();
  bool keeps_sequences();
  BackendConnection* choose_own_primary(std::size_t primary);
  void stay_with_diagnostics(std::string_view text);
  void wait_for_server(std::string why);
  bool may_hold_refused() const;
  void hold_refused(BackendConnection& link);
  void try_open();
  void opened_with(BackendConnection& link);
  void finish_open(BackendConnection& link);

  // runner_admission.cc: as many statements as a server can do
  bool is_new_work() const;
  bool enters(std::size_t server);
  void stand_in_line(std::size_t server);
  std::optional<std::size_t> pick_full_replica();
  BackendConnection* choose_at_full(std::size_t replica);
  bool may_spill_over();
  bool stays_in_line();
  void expire_in_line(TimePoint now);
  void on_admitted() override { proceed_again(); }
  bool measures_server() const;

  // runner_replica.cc: which replica
  Consistency consistency() const;
  ReadNeeds read_needs(Consistency wanted) const;
  std::optional<std::size_t> ruled_server() const;
  Balancing balancing() const;
  std::optional<std::size_t> pick_replica();
  std::optional<std::size_t> pick_replica_to_wait_on(const ReadNeeds& needs, Consistency wanted);
  WritePosition global_position(std::size_t server) const;
  bool may_be_own_setting() const;
  bool begin_own_setting(std::string_view text);
  void note_latency();
  Milliseconds near_lag() const;
  void demand_what_primary_showed(const BackendConnection& link);
  bool may_ask_position(const BackendConnection& link) const;
  void ask_position(BackendConnection& link);
  void on_position();

  // runner_links.cc: the connections to the servers
  ConnectionWish wish(std::size_t server, bool fresh) const;
  BackendConnection* obtain(SessionLinks::Slot slot, std::size_t server, bool fresh);
  BackendConnection& adopt(SessionLinks::Slot slot, std::unique_ptr<BackendConnection> connection);
  void put_away(std::unique_ptr<BackendConnection> connection);
  void put_away_spare(SessionLinks::Slot slot);
  void settle();
  bool must_keep(const BackendConnection& link) const;
  bool may_be_asked(const BackendConnection& link) const;
  void lend(BackendConnection* link);
  TimePoint keeps_until() const override { return keeps_until_; }
  std::size_t lent_server() const override { return lent_->server(); }
  void give_up_lent() override;
  void on_connection(std::unique_ptr<BackendConnection> connection) override;
  void on_no_connection(std::size_t server, const BackendFailure& failure) override;
  void note_no_connection(const std::string& server, const BackendFailure& failure);
  void forget_schema();
  void on_open_failure(std::size_t server, const BackendFailure& failure);

  // runner_send.cc: from a connection to the server
  void send_on(BackendConnection& link, std::span<std::uint8_t> bytes);
  void send_reset(BackendConnection& link);
  bool shows_warnings() const;
  bool shows_others_warnings(const BackendConnection& link) const;
  void replace_link(BackendConnection& link, std::span<std::uint8_t> bytes);
  bool autocommit_differs(const BackendConnection& link) const;
  bool may_pipeline(const BackendConnection& link, const StatePtr& target) const;
  bool must_prepare(BackendConnection& link);
  StatePtr target_state(const BackendConnection& link, bool prepares);
  bool waits_for_insert_id();
  bool uses_insert_id() const;
  bool may_use_insert_id() const;
  bool must_adjust_insert_id(const BackendConnection& link) const;
  void append_harvest(BackendConnection& link, std::string& commands);
  void append_repairs(BackendConnection& link, const StatePtr& target, std::string& commands);
  void prepare_on(BackendConnection& link, Bytes before);
  void close_on_server(BackendConnection& link, std::optional<std::uint32_t> server_id);
  void send_execute(BackendConnection& link, Bytes before, std::span<std::uint8_t> bytes);
  void send_long_data(BackendConnection& link, PreparedStatement& statement,
                      std::uint32_t backend_id);
  void transmit(BackendConnection& link, Bytes before, Bytes command);
  void retain(Bytes bytes);

  // runner_reply.cc: from the server to the client
  void on_backend_ready(BackendConnection&) override {}
  void on_reply_bytes(BackendConnection& link, ReplyPurpose purpose, Bytes bytes) override;
  void on_reply_packet(BackendConnection& link, ReplyPurpose purpose,
                       const protocol::ReplyTracker::Step& step) override;
  void on_reply_end(BackendConnection& link, ReplyPurpose purpose) override;
  void on_reply_flush(BackendConnection& link) override;
  void on_backend_drained(BackendConnection& link) override;
  void on_ok(BackendConnection& link, const protocol::ReplyTracker::Step& step);
  void on_eof(BackendConnection& link, const protocol::ReplyTracker::Step& step);
  void on_error(BackendConnection& link, const protocol::ReplyTracker::Step& step);
  void on_prepared(BackendConnection& link, Bytes packet);
  void on_definition(const protocol::ReplyTracker::Step& step);
  void on_row(const BackendConnection& link, const protocol::ReplyTracker::Step& step);
  bool is_transaction_on_replica(const BackendConnection& link) const;
  bool shows_refusals(const BackendConnection& link) const;
  void on_infile_request(BackendConnection& link, Bytes packet);
  void on_prepare_packet(BackendConnection& link, const protocol::ReplyTracker::Step& step);
  void forward(Bytes bytes, bool copy = false);
  void pass(Bytes bytes, bool copy);
  AnswerDigest& digest() { return current_.replayed ? replay_->answer : log_->answer(); }
  void flush_relay();
  void on_reset(BackendConnection& link);
  void on_repair_end(BackendConnection& link);
  void fold_repair(BackendConnection& link);
  void end_open(BackendConnection& link);
  void lose_outcome(BackendConnection& link);
  void on_wait_end(BackendConnection& link);
  void fold_state(BackendConnection& link);
  void fold_insert_id(BackendConnection& link);
  void fold_cursor(BackendConnection& link);
  void fold_split(bool was_open);
  void fold_sequences(const BackendConnection& link);
  void fold_objects();
  void fold_diagnostics(BackendConnection& link);
  void fold_counts(const ReplyTotals& totals);
  void count_pins(PinSet added);
  void fold_writes(BackendConnection& link, bool was_in_transaction);
  void finish(BackendConnection& link);
  void on_execute_error(BackendConnection& link, Bytes packet);
  void fold(BackendConnection& link);
  void fold_fetch(const BackendConnection& link);
  void run_again_on_primary();
  void end_command();

  // runner_kill.cc: KILL of another session
  bool begin_text_kill(std::string_view text);
  bool begin_process_kill(Bytes payload);
  void begin_kill(const KillRequest& request);
  void visit_kill_target(std::function<KillTarget(ClientSession&)> act);
  void kill_query();
  void on_session_killed();
  void proceed_kill(std::size_t server);
  void send_kill(BackendConnection& link);
  void on_kill_reply();
  void finish_kill();

  // runner_processlist.cc: SHOW PROCESSLIST
  bool shows_process_list() const;
  void begin_process_list(Bytes bytes);

  // runner_timeout.cc: a command that runs too long
  void begin_query_time();
  Milliseconds query_timeout() const;
  void check_query_time(TimePoint now);
  void on_timeout_told(bool told);
  bool awaits_kill();
  bool is_timed_out(std::uint16_t error_code) const;

  // runner_loss.cc: when it fails
  void on_backend_failed(BackendConnection& link, const BackendFailure& failure) override;
  void give_up_hung_server();
  LossFacts loss_facts(const BackendConnection& link) const;
  void carry_out(LossVerdict verdict, const std::string& server, const std::string& why,
                 std::uint8_t sequence);
  void answer_error(const ClientError& error);
  void answer_ok();
  protocol::ServerStatus own_status() const;
  void write_error(const ClientError& error, std::uint8_t sequence);
  bool may_commit() const;

  // runner_replay.cc: a transaction that is run again
  SessionSnapshot snapshot() const;
  void restore(const SessionSnapshot& session);
  bool may_begin_log() const;
  void log_command(const BackendConnection& link, Bytes bytes);
  std::string loggable_bytes(Bytes bytes);
  void end_logging();
  void drop_log();
  bool may_replay(const BackendConnection& link, const LossFacts& facts);
  void prepare_replay(std::size_t server, std::string name, const std::string& why, bool under_way);
  bool passes_replay(std::span<std::uint8_t> bytes);
  void start_replay();
  void load_replayed();
  void on_replayed();
  void check_replay_time(TimePoint now);
  void end_replay();
  void lose_attempt(std::size_t server, const std::string& why);
  void fail_replay(const std::string& why);
  void leave(BackendConnection& link);
  bool counts_on(const BackendConnection& link) const;

  WorkerContext& context_;
  Pool& pool_;
  ReplyRelay& relay_;
  RunnerHost& host_;
  ClientIdentity identity_;
  StatePtr state_;
  StatePtr initial_;  // what a reset brings back, without the schema
  bool initial_autocommit_ = true;
  std::optional<std::size_t> proven_on_;  // a server that has accepted all of state_
  SessionLinks links_;
  BackendConnection* lent_ = nullptr;  // held for the sake of its diagnostics only
  TimePoint keeps_until_{};            // whoever else may need it
  std::uint64_t command_count_ = 0;
  CommandMark diagnostics_;              // the one whose warnings SHOW WARNINGS shows; may be none
  CommandMark mark_;                     // the command that ran last
  std::shared_ptr<InsertId> insert_id_;  // null: 0
  std::uint64_t settings_ = 0;           // global variables are at least as new as at the login
  PinSet pins_;
  bool asks_sequences_ = false;              // the user is one of the SequenceUsers,
  std::size_t sequence_users_seen_ = 0;      // of whom there were so many when that was looked up
  std::unique_ptr<SessionObjects> objects_;  // null: none so far
  FirewallMode firewall_ = FirewallMode::off;
  std::int64_t row_count_ = 0;    // what ROW_COUNT() is, and
  std::uint64_t found_rows_ = 0;  // FOUND_ROWS(), after the last statement
  bool asks_counts_ = false;      // a prepared statement asks for them
  bool calc_found_rows_ = false;  // only the last connection knows FOUND_ROWS()
  PreparedStatements statements_;
  Stage stage_ = Stage::none;
  bool closed_ = false;
  bool opening_ = false;  // open() is under way: what waits is the session, not a command
  bool autocommit_ = true;
  bool multi_statements_ = false;  // several statements in one text are allowed,
  bool set_option_on_ = false;     // and what the COM_SET_OPTION under way wants
  std::string execute_types_;      // of the execute under way, see fill_execute_types()
  std::optional<ClientError>
      bad_news_;             // answered to the next command: a transaction was lost meanwhile
  TimePoint fresh_after_{};  // replicas must show what was committed before this,
  WritePosition position_;   // which is when they have reached this
  std::optional<std::size_t> reached_on_;   // a server that has
  std::optional<Consistency> consistency_;  // as the session has set it
  std::optional<std::size_t> read_on_;      // the replica that answered last,
  TimePoint read_at_{};                     // and when: another must not show less,
  std::optional<TimePoint> read_until_;     // nor it itself than it did then
  TimePoint no_waits_until_{};              // one was in vain
  SessionLinks::Slot wanted_slot_ = SessionLinks::Slot::primary;  // what the pool is asked for
  std::unique_ptr<KillRequest> kill_;                             // while it is under way
  std::string errand_reply_;
  std::shared_ptr<StatementKill> timeout_kill_;  // of the command, while it is under way
  bool cannot_ask_ = false;  // the primary's position is more than a session may remember
  protocol::InfileReader infile_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // for calls that are made later
  std::uint32_t long_data_parts_ = 0;    // the statement whose long data is coming in parts
  std::unique_ptr<TransactionLog> log_;  // of the open transaction; null: it is not kept
  std::unique_ptr<Replay> replay_;       // null: no transaction is lost
  bool may_split_ = false;   // the open transaction has only read, and keeps no snapshot
  bool maybe_over_ = false;  // an error may have ended the transaction, which errors do not tell
  CurrentCommand current_;
  AdmissionPlace place_{*this};  // of the command under way; outside when nothing is limited
};

}  // namespace weir
