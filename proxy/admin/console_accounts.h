// Who may come in to the admin console, and what they may do there. Immutable; safe from any
// thread.

#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/auth/account_store.h"
#include "proxy/config/config.h"

namespace weir {

// The accounts of the configuration, by password or verifier.
class ConsoleAccounts final : public AccountSource {
 public:
  // `made` is the operator's password when the configuration has none and weir has made one; empty:
  // it has not, and nobody can prove by a password to be the operator.
  explicit ConsoleAccounts(const AuthConfig& auth, std::string_view made = {});

  // Names that do not exist are answered like one of those that do.
  Lookup find(std::string_view user, std::string_view host) const override;

  const std::string& operator_name() const { return operator_name_; }
  bool is_operator(std::string_view user) const { return user == operator_name_; }
  // A password would prove who is the operator.
  bool operator_has_password() const { return operator_has_password_; }

 private:
  struct Listed {
    CredentialsPtr credentials;  // with the name alone: the servers do not know it
    protocol::Account account;
  };

  const std::string operator_name_;
  bool operator_has_password_ = false;
  std::vector<Listed> listed_;
  std::optional<protocol::Decoys> decoys_;  // nothing: nobody is listed
};

// The same for somebody who is known to be the operator without a password, and so is let in with
// any, or none.
class KnownOperator final : public AccountSource {
 public:
  // `accounts` outlives it.
  explicit KnownOperator(const ConsoleAccounts& accounts) : accounts_(accounts) {}
  Lookup find(std::string_view user, std::string_view host) const override;

 private:
  const ConsoleAccounts& accounts_;
};

// Whether the process at the other end of a unix socket speaks for the operator: root, or weir's
// own user. `peer` as in Stream::peer_user(), `self` is weir's user id.
bool is_known_operator(std::optional<uid_t> peer, uid_t self);

}  // namespace weir
