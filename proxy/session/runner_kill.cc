// KILL and COM_PROCESS_KILL of another session: the part of CommandRunner that looks for it, asks
// the server whether the user may do it, and has it done.
//
//   begin_kill ─> the target's worker ─> on_kill_target ─┬─> KILL QUERY on its server ─> the answer
//                                                        │   ^ if a command runs
//                                                        └─> may this user? ─> finish_kill

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

#include "protocol/query_attributes.h"
#include "protocol/response.h"
#include "proxy/core/own_reply.h"
#include "proxy/session/client_session.h"
#include "proxy/session/command_runner.h"
#include "sql_classifier/objects.h"

namespace weir {
namespace {

// Ids below are the servers'.
constexpr std::uint32_t kFirstSessionId = 1u << 30;

// Whether the words between KILL and the number ask for the end of the statement only.
bool is_query_kill(std::string_view words) {
  std::string upper(words);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  const std::size_t kill = upper.rfind("KILL");
  return kill != std::string::npos && upper.find("QUERY", kill) != std::string::npos;
}

}  // namespace

// True when the statement is about a session of weir's, and so is not for a server.
bool CommandRunner::begin_text_kill(std::string_view text) {
  KillRequest request;
  sql::visit_objects(text, text_options(), [&](const sql::Object& object) {
    if (object.event == sql::ObjectEvent::asks_connection_id) request.id = host_.session_id();
    if (object.event == sql::ObjectEvent::kill_target) {
      std::from_chars(object.name.data(), object.name.data() + object.name.size(), request.id);
    }
    request.query_only = is_query_kill(text.substr(0, object.offset));
  });
  if (request.id < kFirstSessionId || current_.facts.statements > 1) return false;
  begin_kill(request);
  return true;
}

bool CommandRunner::begin_process_kill(Bytes payload) {
  protocol::ByteReader in(payload.subspan(1));
  KillRequest request;
  request.id = in.int4();
  if (!in.ok() || request.id < kFirstSessionId) return false;
  begin_kill(request);
  return true;
}

void CommandRunner::begin_kill(const KillRequest& request) {
  kill_ = std::make_unique<KillRequest>(request);
  if (request.id == host_.session_id()) {
    const bool mariadb_says = !request.query_only && context_.topology->is_mariadb();
    write_error(mariadb_says ? errors::connection_killed() : errors::query_interrupted(),
                host_.answer_sequence());
    stage_ = Stage::none;
    return request.query_only ? end_command() : host_.on_session_over();
  }
  visit_kill_target([](ClientSession& session) { return session.as_kill_target(); });
}

// Has something done where the session is, and goes on with on_kill_target() here.
void CommandRunner::visit_kill_target(std::function<KillTarget(ClientSession&)> act) {
  stage_ = Stage::asking;
  SessionDirectory& directory = *context_.process->directory;
  const bool found =
      directory.visit(kill_->id, [&directory, act = std::move(act), asker = host_.session_id(),
                                  id = kill_->id](ClientSession* session) {
        std::optional<KillTarget> target;
        if (session != nullptr) target = act(*session);
        directory.visit(asker, [target, id](ClientSession* back) {
          if (back != nullptr) back->on_kill_target(id, target);
        });
      });
  if (!found) on_kill_target(kill_->id, std::nullopt);
}

void CommandRunner::on_kill_target(std::uint32_t id, const std::optional<KillTarget>& target) {
  if (stage_ != Stage::asking || kill_ == nullptr || kill_->id != id) return;
  if (kill_->step == KillRequest::Step::end) return on_session_killed();
  if (!target) {
    stage_ = Stage::none;
    return answer_error(errors::unknown_thread(id));
  }
  kill_->target = *target;
  // Who may end a statement, its server says when it is asked to.
  if (target->server && kill_->query_only) return kill_query();
  if (target->user == identity_.user) return finish_kill();
  const auto primary = context_.topology->primary;
  if (!primary) {
    stage_ = Stage::none;
    return answer_error(errors::no_primary(context_.topology->no_primary_why, 0));
  }
  kill_->step = KillRequest::Step::right;
  proceed_kill(*primary);
}

void CommandRunner::kill_query() {
  kill_->step = KillRequest::Step::query;
  proceed_kill(*kill_->target.server);
}

// What must be done on a server is done on a connection of its own, in the name of the user, whose
// right to do it the server knows.
void CommandRunner::proceed_kill(std::size_t server) {
  stage_ = Stage::none;
  BackendConnection* link = obtain(SessionLinks::Slot::errand, server, false);
  if (link != nullptr) send_kill(*link);
}

void CommandRunner::send_kill(BackendConnection& link) {
  std::string command;
  append_harvest(link, command);
  const std::string sql =
      kill_->step == KillRequest::Step::query
          ? fmt::format("KILL QUERY {}", kill_->target.thread_id)
          : "SELECT COUNT(*) FROM information_schema.user_privileges "
            "WHERE privilege_type IN ('SUPER', 'CONNECTION_ADMIN', 'CONNECTION ADMIN')";
  protocol::append_query(command, sql, link.capabilities());
  link.expect(ReplyPurpose::errand, protocol::ReplyShape::result);
  stage_ = Stage::asking;
  current_.on = &link;
  errand_reply_.clear();
  link.send({protocol::as_bytes(command)});
}

void CommandRunner::on_kill_reply() {
  stage_ = Stage::none;
  put_away(links_.take(SessionLinks::Slot::errand));
  current_.on = nullptr;
  const std::string reply = std::exchange(errand_reply_, {});
  const Bytes frames = protocol::as_bytes(reply);
  const auto error = frames.size() > protocol::kFrameHeaderSize
                         ? protocol::decode_err(frames.subspan(protocol::kFrameHeaderSize))
                         : std::nullopt;
  if (kill_->step == KillRequest::Step::right) {
    if (error || single_number(reply).value_or(0) == 0) {
      return answer_error(errors::not_owner(kill_->id));
    }
    return finish_kill();
  }
  // A statement that has ended meanwhile needs no killing.
  constexpr std::uint16_t kNoSuchThread = 1094;
  constexpr std::uint16_t kNotOwner = 1095;
  if (!error || error->code == kNoSuchThread || !kill_->query_only) {
    kill_.reset();
    return answer_ok();
  }
  if (error->code == kNotOwner) return answer_error(errors::not_owner(kill_->id));
  answer_error({error->code, "HY000", std::string(error->message)});
}

// A session ends before the server hears of it, because its client must not be told of the end of
// its statement any more.
void CommandRunner::finish_kill() {
  if (!kill_->query_only) {
    kill_->step = KillRequest::Step::end;
    return visit_kill_target([](ClientSession& session) {
      session.kill();
      return KillTarget();
    });
  }
  context_.process->directory->visit(kill_->id, [](ClientSession* session) {
    if (session != nullptr) session->interrupt();
  });
  kill_.reset();
  answer_ok();
}

void CommandRunner::on_session_killed() {
  if (kill_->target.server) return kill_query();
  stage_ = Stage::none;
  kill_.reset();
  answer_ok();
}

// --- the other side ------------------------------------------------------------------------------

KillTarget CommandRunner::as_kill_target() {
  KillTarget target;
  target.user = identity_.user;
  const bool runs = current_.on != nullptr && (stage_ == Stage::running || stage_ == Stage::infile);
  if (runs) {
    target.server = current_.on->server();
    target.thread_id = current_.on->thread_id();
    current_.on->doom();
  }
  return target;
}

// Ends a command that waits for a server or a connection.
void CommandRunner::interrupt() {
  if (opening_ || (stage_ != Stage::waiting && stage_ != Stage::connecting)) return;
  pool_.cancel(*this);
  stage_ = Stage::none;
  answer_error(errors::query_interrupted());
}

}  // namespace weir
