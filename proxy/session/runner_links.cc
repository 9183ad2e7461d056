// The connections of a session: how CommandRunner gets one from the pool and gives it back, and
// what it does when there is none.

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "protocol/response.h"
#include "proxy/config/nearest.h"
#include "proxy/session/command_runner.h"

namespace weir {

using Slot = SessionLinks::Slot;

namespace {

bool is_unknown_database(const BackendFailure& failure) {
  const auto err = protocol::decode_err(protocol::as_bytes(failure.packet));
  return err && err->code == 1049;
}

}  // namespace

ConnectionWish CommandRunner::wish(std::size_t server, bool fresh) const {
  ConnectionWish wish;
  wish.server = server;
  wish.credentials = identity_.credentials;
  wish.state = state_;
  if (opening_) {
    SessionState state;
    state.set_schema(identity_.schema);
    wish.state = context_.states.intern(std::move(state));
  }
  wish.collation = identity_.collation;
  wish.capabilities = forwarded_capabilities(identity_.capabilities);
  wish.settings = settings_;
  if (context_.topology->servers[server].proxy_protocol) wish.client = host_.client_address();
  wish.fresh = fresh;
  if (insert_id_ != nullptr && may_use_insert_id()) wish.preferred = insert_id_->holder;
  return wish;
}

BackendConnection* CommandRunner::obtain(Slot slot, std::size_t server, bool fresh) {
  const ConnectionWish wanted = wish(server, fresh);
  if (auto idle = pool_.take_idle(wanted)) return &adopt(slot, std::move(idle));
  wanted_slot_ = slot;
  stage_ = Stage::connecting;
  pool_.request(*this, wanted);
  return nullptr;
}

BackendConnection& CommandRunner::adopt(Slot slot, std::unique_ptr<BackendConnection> connection) {
  connection->set_user(*this);
  // Whatever runs here now, be it only a change of schema: another session's last command it is not
  // any more.
  if (connection->last_command() != mark_) connection->set_last_command({});
  return links_.put(slot, std::move(connection));
}

// --- back to the pool ----------------------------------------------------------------------------

// The session is done with a connection, for now or for good.
void CommandRunner::put_away(std::unique_ptr<BackendConnection> connection) {
  if (connection == nullptr) return;
  if (lent_ == connection.get()) lend(nullptr);
  // Other pinned state than the schema and variables cannot be told from outside, nor undone for
  // certain.
  if (pins_.empty()) {
    pool_.give_back(std::move(connection));
  } else {
    pool_.discard(std::move(connection));
  }
}

// Nothing is held while another connection may have to be waited for.
void CommandRunner::put_away_spare(Slot slot) {
  const BackendConnection* link = links_.get(slot);
  if (link == nullptr || context_.config().pool.mode == PoolMode::session) return;
  if (!must_keep(*link)) put_away(links_.take(slot));
}

// After a command: what nothing ties to the session goes back to the pool.
void CommandRunner::settle() {
  if (context_.config().pool.mode == PoolMode::session || closed_) return;
  BackendConnection* lent = nullptr;
  for (const Slot slot : {Slot::primary, Slot::replica}) {
    BackendConnection* link = links_.get(slot);
    if (link == nullptr || must_keep(*link)) continue;
    if (link == links_.last() && may_be_asked(*link)) {
      lent = link;
      continue;
    }
    put_away(links_.take(slot));
  }
  lend(lent);
}

bool CommandRunner::must_keep(const BackendConnection& link) const {
  return &link == links_.transaction() || (&link == links_.primary() && !pins_.empty());
}

// Something that only this connection knows about the last statement.
bool CommandRunner::may_be_asked(const BackendConnection& link) const {
  return link.warnings() > 0 || link.holds_diagnostics_of(diagnostics_) || asks_counts_ ||
         calc_found_rows_;
}

// The client may ask for the warnings of its last statement: those that do, do it at once, and most
// never do. After a while the connection stays only as long as nobody else needs it.
void CommandRunner::lend(BackendConnection* link) {
  keeps_until_ = context_.loop_time() + context_.config().pool.diagnostics_hold;
  if (lent_ == link) return;
  if (lent_ != nullptr) pool_.withdraw(*this);
  lent_ = link;
  if (lent_ != nullptr) pool_.lend(*this);
}

void CommandRunner::give_up_lent() {
  ++context_.counters.diagnostics_given_up;
  put_away(links_.take(*lent_));
}

// --- news of the pool ----------------------------------------------------------------------------

void CommandRunner::on_connection(std::unique_ptr<BackendConnection> connection) {
  BackendConnection& link = adopt(wanted_slot_, std::move(connection));
  stage_ = Stage::none;
  if (opening_) return opened_with(link);
  if (wanted_slot_ == Slot::errand) return send_kill(link);
  proceed_again();
}

void CommandRunner::on_no_connection(std::size_t server, const BackendFailure& failure) {
  stage_ = Stage::none;
  if (opening_) return on_open_failure(server, failure);
  const std::string& name = context_.topology->servers[server].name;
  note_no_connection(name, failure);
  if (wanted_slot_ == Slot::errand)
    return answer_error(errors::server_unreachable(name, failure.text));
  if (wanted_slot_ == Slot::replica) {
    // Another replica, and when that fails too, the primary.
    if (current_.avoid && only_replicas() && !current_.splits)
      return answer_error(errors::no_replica(failure.text));
    if (current_.avoid) current_.only_primary = true;
    current_.avoid = server;
    return proceed_again();
  }
  switch (failure.kind) {
    case BackendFailure::Kind::full:
      return answer_error(errors::pool_timeout(name, context_.process->slots->limit(server),
                                               context_.config().pool.queue_timeout.count()));
    case BackendFailure::Kind::denied:
      if (is_unknown_database(failure) && !state_->schema().empty()) {
        forget_schema();
        return proceed_again();
      }
      [[fallthrough]];
    case BackendFailure::Kind::refused:
    case BackendFailure::Kind::password_wanted:
      return answer_error(errors::server_unreachable(name, failure.text));
    case BackendFailure::Kind::unreachable:
    case BackendFailure::Kind::lost:
      return wait_for_server(fmt::format("{}: {}", name, failure.text));
  }
}

// One server that does not take a user, or is not taken, is nothing that clients see while others
// answer for it.
void CommandRunner::note_no_connection(const std::string& server, const BackendFailure& failure) {
  const bool lasts =
      failure.kind == BackendFailure::Kind::denied || failure.kind == BackendFailure::Kind::refused;
  const auto left_out = lasts ? context_.unfit_log.pass(context_.loop_time()) : std::nullopt;
  spdlog::log(left_out ? spdlog::level::warn : spdlog::level::debug,
              "no connection to {} for user {}: {}{}", server, config::in_quotes(identity_.user),
              failure.text, left_out_text(left_out.value_or(0)));
}

// It was dropped meanwhile, which leaves a session without a schema.
void CommandRunner::forget_schema() {
  SessionState state = *state_;
  state.set_schema({});
  state_ = context_.states.intern(std::move(state));
}

void CommandRunner::on_open_failure(std::size_t server, const BackendFailure& failure) {
  const std::string& name = context_.topology->servers[server].name;
  if (failure.kind == BackendFailure::Kind::unreachable ||
      failure.kind == BackendFailure::Kind::lost) {
    current_.avoid = server;
    return wait_for_server(fmt::format("{}: {}", name, failure.text));
  }
  opening_ = false;
  if (failure.kind == BackendFailure::Kind::password_wanted && host_.on_password_wanted()) return;
  if (failure.kind == BackendFailure::Kind::refused && identity_.learnt) {
    // Servers answer unknown names with methods drawn at random, so that names cannot be guessed; a
    // method that weir does not know proves nothing about the password.
    spdlog::info("user '{}' cannot be logged in to {}: {}", identity_.user, name, failure.text);
    return host_.on_open_denied();
  }
  if (failure.kind == BackendFailure::Kind::denied) {
    context_.process->accounts->forget(identity_.credentials);
    return host_.on_open_failed(failure.packet);
  }
  const ClientError error = failure.kind == BackendFailure::Kind::full
                                ? errors::pool_timeout(name, context_.process->slots->limit(server),
                                                       context_.config().pool.queue_timeout.count())
                                : errors::server_unreachable(name, failure.text);
  host_.on_open_failed(error_payload(error));
}

}  // namespace weir
