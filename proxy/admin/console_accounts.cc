#include "proxy/admin/console_accounts.h"

#include <algorithm>
#include <array>

#include "protocol/auth/stored_password.h"

namespace weir {
namespace {

using protocol::Account;
using protocol::KnownPassword;

// What the kernel calls users of other namespaces that have no number in this one.
constexpr uid_t kNobody = 65534;

// Nothing: the account has no secret.
std::optional<Account> account_of(const ConsoleAccount& config, std::string_view made) {
  if (const auto stored = protocol::parse_stored_password(config.verifier)) {
    return Account::listed(std::vector<KnownPassword>{KnownPassword::of(*stored)});
  }
  const std::string_view password = config.password.empty() ? made : config.password;
  if (password.empty()) return std::nullopt;
  return Account::listed(password);
}

}  // namespace

ConsoleAccounts::ConsoleAccounts(const AuthConfig& auth, std::string_view made)
    : operator_name_(auth.admin.user) {
  std::string secret;
  const auto add = [&](const ConsoleAccount& config, std::string_view password) {
    const auto account = account_of(config, password);
    if (!account) return false;
    listed_.push_back(
        {std::make_shared<const Credentials>(Credentials{config.user, {}}), *account});
    secret.append(config.password).append(config.verifier).append(password);
    return true;
  };
  operator_has_password_ = add(auth.admin, made);
  add(auth.viewer, {});
  if (!listed_.empty()) decoys_.emplace(secret, listed_.size());
  protocol::wipe(secret);
}

AccountSource::Lookup ConsoleAccounts::find(std::string_view user, std::string_view) const {
  const auto found = std::find_if(listed_.begin(), listed_.end(), [&](const Listed& listed) {
    return listed.credentials->user == user;
  });
  if (found != listed_.end()) return {found->account, {found->credentials}};
  if (!decoys_) return {Account::denied()};
  return {listed_[decoys_->choose(std::string(user))].account.denied_like_this()};
}

AccountSource::Lookup KnownOperator::find(std::string_view user, std::string_view host) const {
  if (accounts_.is_operator(user)) return {Account::unknown()};
  return accounts_.find(user, host);
}

bool is_known_operator(std::optional<uid_t> peer, uid_t self) {
  return peer && *peer != kNobody && (*peer == 0 || *peer == self);
}

}  // namespace weir
