// The firewall: the part of CommandRunner that asks whether the user may run a text. What there is
// to be asked: firewall/allow_list.h.

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <string>
#include <utility>

#include "proxy/config/nearest.h"
#include "proxy/config/rule_text.h"
#include "proxy/session/command_runner.h"

namespace weir {
namespace {

constexpr std::size_t kLoggedText = 256;

std::string shortened(const std::string& text) {
  return text.size() <= kLoggedText ? text : text.substr(0, kLoggedText) + "...";
}

}  // namespace

// False when it was answered: the firewall refuses it.
bool CommandRunner::passes_firewall(std::string_view said, const sql::TextOptions& options,
                                    RuleText& text) {
  if (may_be_own_setting() && read_own_setting(said, options)) return true;  // no server sees it
  Firewall& firewall = *context_.process->firewall;
  const AllowLists& lists = context_.allowed.latest(firewall);
  const StatementSet* const list = lists.find(identity_.user);
  const bool learns = firewall_ == FirewallMode::learn && lists.has_room(identity_.user);
  std::vector<AllowedStatement> news;
  const Judgement judgement = judge(said, options, text, list, learns ? &news : nullptr);
  if (judgement.allowance == Allowance::listed) return true;
  if (!news.empty()) firewall.learn(identity_.user, std::move(news));
  const bool refused = firewall_ == FirewallMode::enforce;
  const bool learnable = judgement.allowance == Allowance::unlisted;
  if (firewall_ != FirewallMode::learn || !learnable) note_unlisted(judgement, refused);
  if (refused) {
    answer_error(errors::not_allowed(
        identity_.user, in_words(judgement.allowance),
        judgement.statement.text.empty() ? "" : digest_text(judgement.statement.digest)));
  }
  return !refused;
}

void CommandRunner::note_unlisted(const Judgement& judgement, bool refused) {
  FirewallCounts& counts = context_.counters.firewall[identity_.user];
  ++(refused ? counts.refused : counts.warned);
  const auto left_out = context_.firewall_log.pass(context_.loop_time());
  if (!left_out) return;
  const AllowedStatement& statement = judgement.statement;
  const std::string what =
      statement.text.empty()
          ? ""
          : fmt::format(": {} {}", digest_text(statement.digest), shortened(statement.text));
  const std::optional<IpAddress>& client = host_.client_address();
  spdlog::warn("firewall: user {} at {}: a statement {}: {}{}{}", config::in_quotes(identity_.user),
               client ? to_text(*client) : "unix", refused ? "is refused" : "passes, for now",
               in_words(judgement.allowance), what, left_out_text(*left_out));
}

}  // namespace weir
